"""What the caller's program and the process of its tree say to each other: one JSON object per line of a socket pair."""

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from actors.settings import Settings
from supervisor.instance import runtime_root


class Handover(msgspec.Struct, frozen=True):
    """Caller -> tree: run this. Through a file in memory that only these two processes ever see."""

    settings: Settings
    caller_pid: int
    has_fixed_name: bool
    """Whether `session.name` was chosen by the user; otherwise a free one is found, beginning with it."""
    credentials_info: dict[str, Any] | None = None
    """A service account, to be put into a private file for the session."""


class Placed(msgspec.Struct, frozen=True, tag=True):
    """Tree -> caller: this is where the sockets will be, and the logs."""

    name: str
    directory: str
    log_directory: str


class Told(msgspec.Struct, frozen=True, tag=True):
    """Tree -> caller: one line the user may want to know."""

    line: str


class Ready(msgspec.Struct, frozen=True, tag=True):
    """Tree -> caller: every actor is ready, or will not be for now."""


class Ended(msgspec.Struct, frozen=True, tag=True):
    """Tree -> caller: it is over, and why."""

    code: int
    why: str


Report: TypeAlias = Placed | Told | Ready | Ended
read_report: "msgspec.json.Decoder[Report]" = msgspec.json.Decoder(Report)
read_handover: "msgspec.json.Decoder[Handover]" = msgspec.json.Decoder(Handover)
encode = msgspec.json.Encoder().encode


def account_directory(pid: int) -> Path:
    """Return where the tree of this pid keeps a service account that was handed over."""
    return runtime_root() / f".account-{pid}"


def remove_account(pid: int) -> None:
    """Remove it: the tree does so at its end, and its caller after a tree that was killed."""
    shutil.rmtree(account_directory(pid), ignore_errors=True)
    if not os.environ.get("ANTIPHON_RUNTIME_DIR"):
        with contextlib.suppress(OSError):
            runtime_root().rmdir()  # only when no tree is there
