"""`run`: one actor in the foreground, watched by somebody else."""

import argparse
import signal
import sys
from pathlib import Path

from supervisor import codes
from supervisor.commands.which import Commands
from supervisor.config import load

USAGE = 2


def add(commands: Commands) -> None:
    """Put it onto the command line."""
    run = commands.add_parser("run", help="be one actor, in the foreground, without a supervisor")
    run.add_argument(
        "actor", help="its name in the configuration; also session, coordinator, gate, parrot, tools"
    )
    run.add_argument("config", type=Path, metavar="CONFIG")
    run.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", dest="overrides")
    run.set_defaults(command=_run)


def _run(arguments: argparse.Namespace, _: list[str]) -> int:
    from supervisor import provider, run

    settings = load(arguments.config, arguments.overrides)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        run.become(arguments.actor, settings)
    except run.NoSuchActorError as error:
        print(f"supervisor: {error}", file=sys.stderr)
        return USAGE
    except provider.NoCredentialsError as error:
        print(f"{arguments.config}: {error}", file=sys.stderr)
        return codes.BAD_CONFIG
