"""`say`, `interrupt`, `mute`, `unmute` and `restart`: acting on a running conversation."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from supervisor import codes
from supervisor.commands.which import Commands, name_of, on_running
from supervisor.instance import Instance


def add(commands: Commands) -> None:
    """Put them onto the command line."""
    say = commands.add_parser("say", help="type a line into a running conversation")
    say.add_argument("text", nargs="*")
    say.add_argument(
        "--image",
        type=Path,
        metavar="FILE",
        help="show the model a JPEG, PNG or WebP with it, such as a door's camera's",
    )
    say.add_argument("--name", default="")
    say.set_defaults(command=_say, refuse=say.error)
    restart = commands.add_parser("restart", help="restart one actor of a running conversation")
    restart.add_argument("actor")
    restart.add_argument("--name", default="")
    restart.set_defaults(command=_restart)
    for word, text in (
        ("mute", "stop listening until `unmute`"),
        ("unmute", "listen again"),
        ("interrupt", "cut the reply short"),
    ):
        on_running(commands, word, text, _act).set_defaults(action=word)


def acting(arguments: argparse.Namespace, act: Callable[[Instance], None]) -> int:
    """Act on the conversation that is meant, if it runs. Returns the exit code, having said what was wrong."""
    from supervisor import client, status

    instance = Instance(name_of(arguments))
    holder = instance.holder()
    if holder is None or status.living(holder.pid, holder.birth_s) is None:
        print(f"{instance.name}: not running", file=sys.stderr)
        return codes.NOT_RUNNING
    try:
        act(instance)
    except client.NoAnswerError as error:
        print(f"{instance.name}: {error}", file=sys.stderr)
        return codes.FAILED
    return codes.DONE


def _say(arguments: argparse.Namespace, _: list[str]) -> int:
    from supervisor import client

    text, picture = " ".join(arguments.text), b""
    if arguments.image is not None:
        from actors import wire
        from actors.devices import still

        try:
            picture = still.fitting(arguments.image, wire.MAX_PICTURE_BYTES)
        except still.PictureRefusedError as error:
            print(f"supervisor: {error}", file=sys.stderr)
            return codes.FAILED
        text = text or still.WORDS
    if not text:
        arguments.refuse("give the TEXT to say, or --image FILE")
    return acting(arguments, lambda instance: client.say(instance, text, picture))


def _act(arguments: argparse.Namespace, _: list[str]) -> int:
    from supervisor import client

    def act(instance: Instance) -> None:
        if arguments.action == "interrupt":
            client.interrupt(instance)
        else:
            client.set_state(instance, "muted", arguments.action == "mute")

    return acting(arguments, act)


def _restart(arguments: argparse.Namespace, _: list[str]) -> int:
    from supervisor import client

    return acting(arguments, lambda instance: client.restart(instance, arguments.actor))
