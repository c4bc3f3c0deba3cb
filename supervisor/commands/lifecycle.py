"""`start` and `stop`."""

import argparse
import signal
import sys
from pathlib import Path

import psutil

from supervisor import codes
from supervisor.commands.which import Commands, name_of, on_running
from supervisor.config import load
from supervisor.instance import Instance
from supervisor.plan import Source

STOP_WITHIN_S = 10.0


def add(commands: Commands) -> None:
    """Put them onto the command line."""
    start = commands.add_parser("start", help="run a conversation")
    start.add_argument("config", type=Path, metavar="CONFIG")
    start.add_argument("--detach", action="store_true", help="run in the background; return when it is ready")
    start.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", dest="overrides")
    start.add_argument("--name", help="instead of session.name")
    start.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)
    start.set_defaults(command=_start)
    on_running(commands, "stop", "end a running conversation in order", _stop)


def _start(arguments: argparse.Namespace, argv: list[str]) -> int:
    from supervisor import provider, start

    overrides = list(arguments.overrides)
    if arguments.name:
        overrides.append(f'session.name="{arguments.name}"')  # quoted: a name may look like a number
    settings = load(arguments.config, overrides)
    try:
        if arguments.detach and arguments.ready_fd is None:
            return start.detach(settings, argv)
        source = Source(arguments.config.absolute(), tuple(overrides))
        return start.run(settings, source, ready_fd=arguments.ready_fd)
    except provider.NoCredentialsError as error:
        print(f"{arguments.config}: {error}", file=sys.stderr)
        return codes.BAD_CONFIG
    except OSError as error:
        if isinstance(error, PermissionError):
            raise
        print(f"supervisor: cannot start: {error}", file=sys.stderr)
        return codes.FAILED


def _stop(arguments: argparse.Namespace, _: list[str]) -> int:
    from supervisor.start import end_survivors
    from supervisor.status import living

    instance = Instance(name_of(arguments))
    holder = instance.holder()
    process = None if holder is None else living(holder.pid, holder.birth_s)
    if process is None:
        if instance.directory.exists():
            end_survivors(instance)
            instance.remove_leftovers()
        print(f"{instance.name}: not running")
        return codes.DONE
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    try:
        process.wait(STOP_WITHIN_S)
    except psutil.TimeoutExpired:
        print(
            f"{instance.name}: pid {process.pid} did not stop within {STOP_WITHIN_S:.0f} s", file=sys.stderr
        )
        return codes.FAILED
    print(f"{instance.name}: stopped")
    return codes.DONE
