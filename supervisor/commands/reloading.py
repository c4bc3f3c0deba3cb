"""`reload`: a changed configuration, taken over by a running conversation."""

import argparse
import sys

from supervisor import codes
from supervisor.commands.acting import acting
from supervisor.commands.which import Commands, on_running
from supervisor.instance import Instance


def add(commands: Commands) -> None:
    """Put it onto the command line."""
    on_running(commands, "reload", "read the configuration again; restart only what it changes", _reload)


def _reload(arguments: argparse.Namespace, _: list[str]) -> int:
    refused: list[str] = []

    def reload(instance: Instance) -> None:
        from supervisor import client

        answer = client.reload(instance)
        refused.extend(answer.problems)
        if not refused:
            print("\n".join(answer.said), file=sys.stderr)
            print(f"{instance.name}: {_in_words(answer)}")

    code = acting(arguments, reload)
    if refused:
        print("\n".join(refused), file=sys.stderr)
        print("nothing was changed; the conversation goes on as it was", file=sys.stderr)
        return codes.BAD_CONFIG
    return code


def _in_words(answer: object) -> str:
    parts = [
        f"{word} {', '.join(names)}"
        for word in ("restarted", "started", "stopped", "unchanged")
        if (names := getattr(answer, word))
    ]
    return "; ".join(parts)
