"""The `supervisor` command: the command line put together, and errors turned into exit codes."""

import argparse
import os
import signal
import sys
from typing import NoReturn

from supervisor import codes
from supervisor.commands import acting, alone, checking, health, lifecycle, pairing, reloading
from supervisor.config import ConfigError
from supervisor.instance import AlreadyRunningError

GROUPS = (lifecycle, health, acting, reloading, checking, pairing, alone)


def main() -> NoReturn:
    """Run one command and exit with its code."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        is_start = sys.argv[1:2] == ["start"]  # it has its own way, see supervisor/__main__.py and start.run
        signal.signal(signal.SIGINT, signal.SIG_DFL if is_start else signal.default_int_handler)
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = codes.INTERRUPTED
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = codes.DONE
    sys.exit(code)


def run(argv: list[str]) -> int:
    """Run one command. Returns its exit code; usage errors exit 2 in argparse."""
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.command(arguments, argv)
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return codes.BAD_CONFIG
    except AlreadyRunningError as error:
        print(f"supervisor: {error}", file=sys.stderr)
        return codes.FAILED
    except PermissionError as error:
        print(f"supervisor: not permitted: {error}", file=sys.stderr)
        return codes.PERMISSION
    return code


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    top = argparse.ArgumentParser(
        prog="supervisor", description="Realtime voice conversations, one process per part."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for group in GROUPS:
        group.add(commands)
    return top
