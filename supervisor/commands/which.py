"""Which conversation a command is about: the one that was named, or the only one there is."""

import argparse
from collections.abc import Callable
from typing import Any, TypeAlias

from supervisor.instance import runtime_root

Commands: TypeAlias = Any
"""What `ArgumentParser.add_subparsers` returns; its type has no public name."""
Command: TypeAlias = Callable[[argparse.Namespace, list[str]], int]
"""Does it and returns the exit code. The list is the whole command line."""


def on_running(commands: Commands, word: str, text: str, function: Command) -> argparse.ArgumentParser:
    """Add a command that takes a conversation's name, as a word or as an option."""
    command: argparse.ArgumentParser = commands.add_parser(word, help=text)
    command.add_argument("which", nargs="?", default="", metavar="NAME")
    command.add_argument("--name", default="", help="the same, as an option")
    command.set_defaults(command=function)
    return command


def name_of(arguments: argparse.Namespace) -> str:
    """Return the name that was given; else "default", or the only tree there is."""
    given = getattr(arguments, "which", "") or arguments.name
    if given:
        return str(given)
    try:
        running = [path.name for path in runtime_root().iterdir() if (path / "lock").exists()]
    except OSError:
        running = []
    return running[0] if len(running) == 1 else "default"
