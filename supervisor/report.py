"""The state file: what the supervisor writes and `status` reads. One file, replaced whole, twice a second."""

import contextlib
import os
from pathlib import Path

import msgspec

from actors.runtime.notify import Health, Remote
from actors.wire import ConversationState

RESTART_ORDER = b"X_RESTART="
"""What the command line sends to the supervisor's notify socket, followed by an actor's name."""
RELOAD_ORDER = b"X_RELOAD=1"
"""The same for a reload; it is answered to the address it came from, see `reload.Answer`."""


class CpuSample(msgspec.Struct, frozen=True):
    """How much processor time a process had used at a moment: psutil counts in 10 ms, so a span of seconds is needed."""

    at_ns: int
    used_s: float


class ActorReport(msgspec.Struct, frozen=True):
    """What the supervisor knows about one child. Monotonic times are in nanoseconds, None before the first."""

    name: str
    kind: str
    state: str
    pid: int | None
    birth_s: float | None
    started_ns: int | None
    ready: bool
    restarts: int
    beat_ns: int | None
    health: Health
    in_per_s: float
    out_per_s: float
    detail: str
    last_exit: str | None
    cpu: "CpuSample | None" = None
    is_optional: bool = False
    """`enabled = "auto"`: without its device the tree is well."""

    remote: "Remote | None" = None
    """Of an actor on a device: what the gate knows of it."""

    @property
    def is_well(self) -> bool:
        """Whether it does what the configuration asks of it."""
        return self.state in {"ready", "stopped"} or (self.state == "absent" and self.is_optional)

    @property
    def in_words(self) -> str:
        """How it is; of one that is away or on its way, also what became of the one before."""
        is_away = self.state in {"starting", "backoff", "fatal"} and self.last_exit
        return f"{self.name} {self.state}" + (f" (last: {self.last_exit})" if is_away else "")


class HostReport(msgspec.Struct, frozen=True):
    """The conversation that this device lends its actors to."""

    address: str
    device: str
    fingerprint: str
    is_connected: bool
    """Whether all of them that run are in touch with it."""


class TreeReport(msgspec.Struct, frozen=True):
    """What the supervisor knows about the tree."""

    schema: int
    name: str
    pid: int
    birth_s: float
    started_ns: int
    written_ns: int
    config: str
    state: str
    why: str
    conversation: ConversationState
    actors: list[ActorReport]
    host: "HostReport | None" = None
    """Of a device's tree: where the conversation is."""


def write(path: Path, report: TreeReport) -> None:
    """Replace the file. A full disk costs freshness, nothing else."""
    fresh = path.with_suffix(".new")
    with contextlib.suppress(OSError):
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(report))
        fresh.replace(path)
