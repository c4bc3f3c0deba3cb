"""The `supervisor` command."""

import argparse
import importlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import psutil

from supervisor.config import ConfigError, load
from supervisor.instance import AlreadyRunningError, Instance, log_root, runtime_root

USAGE, PERMISSION, BAD_CONFIG = 2, 4, 6
NOT_RUNNING = 3
STOP_WITHIN_S = 10.0


def main() -> NoReturn:
    """Run one command and exit with its code."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        is_start = sys.argv[1:2] == ["start"]  # it has its own way, see supervisor/__main__.py and start.run
        signal.signal(signal.SIGINT, signal.SIG_DFL if is_start else signal.default_int_handler)
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 0
    sys.exit(code)


def run(argv: list[str]) -> int:
    """Run one command. Returns the exit code of CONTRACT.md; usage errors exit 2 in argparse."""
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.command(arguments, argv)
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return BAD_CONFIG
    except AlreadyRunningError as error:
        print(f"supervisor: {error}", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"supervisor: not permitted: {error}", file=sys.stderr)
        return PERMISSION
    return code


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    top = argparse.ArgumentParser(
        prog="supervisor", description="Realtime voice conversations, one process per part."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    start = commands.add_parser("start", help="run a conversation")
    start.add_argument("config", type=Path, metavar="CONFIG")
    start.add_argument("--detach", action="store_true", help="run in the background; return when it is ready")
    start.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", dest="overrides")
    start.add_argument("--name", help="instead of session.name")
    start.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)
    start.set_defaults(command=_start)

    check = commands.add_parser("check", help="validate a configuration and print every problem")
    check.add_argument("config", type=Path, metavar="CONFIG")
    check.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", dest="overrides")
    check.set_defaults(command=_check)

    _on_running(commands, "stop", "end a running conversation in order", _stop)
    status = _on_running(commands, "status", "show the health of every process", _status)
    status.add_argument("--json", action="store_true", help="one JSON object, schema 1")
    status.add_argument(
        "--watch", nargs="?", type=float, const=2.0, metavar="S", help="again every S seconds"
    )
    status.add_argument("--wait", choices=["ready", "stopped"], help="return when it is so")
    status.add_argument("--timeout", type=float, default=30.0, metavar="S", help="for --wait; default 30")

    logs = commands.add_parser("logs", help="show what the processes logged")
    logs.add_argument("actor", nargs="?")
    logs.add_argument("-f", "--follow", action="store_true")
    logs.add_argument("--name", default="")
    logs.set_defaults(command=_logs)

    say = commands.add_parser("say", help="type a line into a running conversation")
    say.add_argument("text", nargs="+")
    say.add_argument("--name", default="")
    say.set_defaults(command=_say)
    restart = commands.add_parser("restart", help="restart one actor of a running conversation")
    restart.add_argument("actor")
    restart.add_argument("--name", default="")
    restart.set_defaults(command=_restart)
    devices = commands.add_parser("devices", help="list microphones and loudspeakers")
    devices.add_argument("--json", action="store_true", help="one JSON object, schema 1")
    devices.set_defaults(command=_devices)
    for word, text in (
        ("mute", "stop listening until `unmute`"),
        ("unmute", "listen again"),
        ("interrupt", "cut the reply short"),
    ):
        _on_running(commands, word, text, _act).set_defaults(action=word)
    return top


Command = Callable[[argparse.Namespace, list[str]], int]


def _on_running(commands: Any, word: str, text: str, function: Command) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(word, help=text)
    command.add_argument("which", nargs="?", default="", metavar="NAME")
    command.add_argument("--name", default="", help="the same, as an option")
    command.set_defaults(command=function)
    return command


def _start(arguments: argparse.Namespace, argv: list[str]) -> int:
    from supervisor import provider, start

    overrides = list(arguments.overrides)
    if arguments.name:
        overrides.append(f'session.name="{arguments.name}"')  # quoted: a name may look like a number
    settings = load(arguments.config, overrides)
    try:
        if arguments.detach and arguments.ready_fd is None:
            return start.detach(settings, argv)
        return start.run(settings, arguments.config, ready_fd=arguments.ready_fd)
    except provider.NoCredentialsError as error:
        print(f"{arguments.config}: {error}", file=sys.stderr)
        return BAD_CONFIG
    except OSError as error:
        if isinstance(error, PermissionError):
            raise
        print(f"supervisor: cannot start: {error}", file=sys.stderr)
        return 1


def _check(arguments: argparse.Namespace, _: list[str]) -> int:
    from supervisor import families

    settings = load(arguments.config, arguments.overrides)
    checker = importlib.import_module("actors.model.check")  # the SDK: half a second, and only here
    problems = checker.problems(settings.model)
    if problems:
        raise ConfigError([f"{arguments.config}:{problem}" for problem in problems])
    for warning in families.warnings(settings.model):
        print(f"{arguments.config}:{warning} (warning)")
    print(f"{arguments.config}: right")
    return 0


def _stop(arguments: argparse.Namespace, _: list[str]) -> int:
    from supervisor.start import end_survivors
    from supervisor.status import living

    instance = Instance(_name(arguments))
    holder = instance.holder()
    process = None if holder is None else living(holder.pid, holder.birth_s)
    if process is None:
        if instance.directory.exists():
            end_survivors(instance)
            instance.remove_leftovers()
        print(f"{instance.name}: not running")
        return 0
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    try:
        process.wait(STOP_WITHIN_S)
    except psutil.TimeoutExpired:
        print(
            f"{instance.name}: pid {process.pid} did not stop within {STOP_WITHIN_S:.0f} s", file=sys.stderr
        )
        return 1
    print(f"{instance.name}: stopped")
    return 0


def _status(arguments: argparse.Namespace, _: list[str]) -> int:
    name = _name(arguments)
    if arguments.wait:
        return _wait(name, arguments)
    if arguments.watch is None:
        return _print_status(name, as_json=arguments.json)
    while True:
        if not arguments.json and sys.stdout.isatty():
            print("\x1b[H\x1b[2J", end="")
        _print_status(name, as_json=arguments.json)
        time.sleep(arguments.watch)


def _wait(name: str, arguments: argparse.Namespace) -> int:
    from supervisor import status

    give_up_s = time.monotonic() + arguments.timeout
    while True:
        found = status.look(name)
        is_so = found.code == status.READY if arguments.wait == "ready" else found.code == status.NOT_RUNNING
        if is_so:
            return 0
        if time.monotonic() > give_up_s:
            what = f"{found.document['state']} {found.document['why']}".strip()
            print(f"{name}: not {arguments.wait} after {arguments.timeout:g} s: {what}", file=sys.stderr)
            return found.code or 1
        time.sleep(0.05)


def _print_status(name: str, *, as_json: bool) -> int:
    from supervisor import show, status

    found = status.look(name)
    if as_json:
        print(msgspec.json.encode(found.document).decode(), flush=True)
    else:
        print(show.table(found.document), flush=True)
    return found.code


def _logs(arguments: argparse.Namespace, _: list[str]) -> int:
    from supervisor import logs

    return logs.show(log_root() / _name(arguments), arguments.actor, follow=arguments.follow)


def _devices(arguments: argparse.Namespace, _: list[str]) -> int:
    from supervisor import devices

    return devices.show(as_json=arguments.json)


def _say(arguments: argparse.Namespace, _: list[str]) -> int:
    from supervisor import client

    return _acting(arguments, lambda instance: client.say(instance, " ".join(arguments.text)))


def _act(arguments: argparse.Namespace, _: list[str]) -> int:
    from supervisor import client

    def act(instance: Instance) -> None:
        if arguments.action == "interrupt":
            client.interrupt(instance)
        else:
            client.set_state(instance, "muted", arguments.action == "mute")

    return _acting(arguments, act)


def _restart(arguments: argparse.Namespace, _: list[str]) -> int:
    from supervisor import client

    return _acting(arguments, lambda instance: client.restart(instance, arguments.actor))


def _acting(arguments: argparse.Namespace, act: Callable[[Instance], None]) -> int:
    from supervisor import client, status

    instance = Instance(_name(arguments))
    holder = instance.holder()
    if holder is None or status.living(holder.pid, holder.birth_s) is None:
        print(f"{instance.name}: not running", file=sys.stderr)
        return NOT_RUNNING
    try:
        act(instance)
    except client.NoAnswerError as error:
        print(f"{instance.name}: {error}", file=sys.stderr)
        return 1
    return 0


def _name(arguments: argparse.Namespace) -> str:
    """The name that was given; else "default", or the only tree there is."""
    given = getattr(arguments, "which", "") or arguments.name
    if given:
        return str(given)
    try:
        running = [path.name for path in runtime_root().iterdir() if (path / "lock").exists()]
    except OSError:
        running = []
    return running[0] if len(running) == 1 else "default"
