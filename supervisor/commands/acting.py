"""`say`, `interrupt`, `mute`, `unmute` and `restart`: acting on a running conversation."""

import argparse
import sys
from collections.abc import Callable

from supervisor import codes
from supervisor.commands.which import Commands, name_of, on_running
from supervisor.instance import Instance


def add(commands: Commands) -> None:
    """Put them onto the command line."""
    say = commands.add_parser("say", help="type a line into a running conversation")
    say.add_argument("text", nargs="+")
    say.add_argument("--name", default="")
    say.set_defaults(command=_say)
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

    return acting(arguments, lambda instance: client.say(instance, " ".join(arguments.text)))


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
