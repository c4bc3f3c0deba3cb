"""The README tells the truth about the names it names."""

import re
from pathlib import Path

from actors.wire import MESSAGES
from supervisor.cli import parser

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
ALLOWED = {
    "pyproject.toml",
    "README.md",
    "actors",
    "supervisor",
    "tests",
    "configs",
    "scripts",
    "LICENSE",
    "requirements.lock",
}


def commands() -> set[str]:
    actions = [action for action in parser()._actions if action.choices]
    return set(actions[0].choices)


def test_every_message_stands_in_the_table():
    table = README.split("## Words on the wire")[1].split("##")[0]
    named = {
        name for row in table.splitlines() if row.startswith("|") for name in re.findall(r"`(\w+)`", row)
    }

    assert named == {message.__name__ for message in MESSAGES}


def test_every_command_is_documented():
    table = README.split("## Commands")[1].split("## Configuration")[0]

    assert {
        command for command in commands() if not re.search(rf"`(supervisor )?{command}\b", table)
    } == set()


def test_the_top_level_holds_only_what_was_agreed():
    tracked = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    made = {
        name for name in tracked if name.endswith(".egg-info") or name in {"build", "dist", "__pycache__"}
    }

    assert tracked - made <= ALLOWED
