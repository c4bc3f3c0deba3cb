"""What an actor tells its supervisor: systemd's notify protocol over a datagram socket, with a private key for health."""

import contextlib
import os
import socket

import msgspec

from actors.wire import ConversationState


class Latency(msgspec.Struct, frozen=True):
    """Percentiles of one measured way, in milliseconds."""

    p50: float
    p99: float


class Remote(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an actor on another machine is, as the gate sees it."""

    name: str
    kind: str
    device: str
    is_connected: bool
    address: str = ""
    fingerprint: str = ""
    seen_ns: int = 0
    """Monotonic time of the gate."""
    clock_offset_ms: float = 0.0
    delay_ms: float = 0.0
    """One way."""
    jitter_ms: float = 0.0
    drift_ppm: float = 0.0
    """How much faster its clock runs than ours."""
    buffer_ms: float = 0.0
    """Of a loudspeaker: what it holds and has not played."""
    waiting_ms: float = 0.0
    """What waits at the gate until it has room."""
    frames_in: int = 0
    frames_out: int = 0
    dropped: dict[str, int] = {}


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an actor's work loop says about itself, twice a second."""

    frames_in: int = 0
    frames_out: int = 0
    dropped: dict[str, int] = {}
    underruns: int = 0
    overruns: int = 0
    queue_ms: float = 0.0
    loop_lag_ms_p99: float = 0.0
    detail: str = ""
    latency_ms: dict[str, Latency] = {}
    level_dbfs: float | None = None
    """How loud it is now, 0 at full scale; None for whoever hears nothing."""
    has_host: bool | None = None
    """An actor on a device: whether it is in touch with both hubs of its host."""
    remotes: list[Remote] = []
    """Of the gate only."""
    concealed_ms: float = 0.0
    """Made up by a loudspeaker while a link stalled."""
    done: int | None = None
    """How much of the work was done that must not stand still; None while there is none to do. See `supervisor/progress.py`."""
    trouble: str = ""
    """What keeps it from being well, though another process would not help: it is shown as degraded."""


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """One datagram: what was said, as the supervisor reads it."""

    ready: bool = False
    stopping: bool = False
    status: str | None = None
    health: Health | None = None
    conversation: ConversationState | None = None
    ended: str | None = None
    """The conversation is over, and why: the supervisor stops the tree."""
    failed: bool = False
    """It ended, but not all was done: the tree's exit code is 1."""


class Channel:
    """Datagrams of KEY=VALUE lines to a notify socket. Never blocks and never fails: who listens may hang or be gone.

    What it could not take (its queue holds ten datagrams) goes with the next one, unless it is not worth repeating.
    """

    def __init__(self, address: str | None) -> None:
        self.lost = 0
        self._owed: dict[str, str] = {}
        self._socket: socket.socket | None = None
        if address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)
            with contextlib.suppress(OSError):
                self._socket.connect(f"\0{address[1:]}" if address.startswith("@") else address)

    @property
    def is_open(self) -> bool:
        """Whether there was somebody to talk to at all."""
        return self._socket is not None

    def send(self, fields: dict[str, str], *, is_repeated: bool = True) -> None:
        """Say it now, or with the next datagram."""
        if self._socket is None:
            return
        said = self._owed | fields
        try:
            self._socket.send("\n".join(f"{key}={value}" for key, value in said.items()).encode())
            self._owed = {}
        except OSError:
            self.lost += 1
            self._owed = said if is_repeated else self._owed

    def close(self) -> None:
        """Give the descriptor back."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Notifier:
    """Sends reports to the supervisor. A supervisor that hangs must not hold an actor up; a heartbeat is not repeated."""

    def __init__(self, address: str | None) -> None:
        self._channel = Channel(address)

    @property
    def lost(self) -> int:
        """How many datagrams the supervisor could not take."""
        return self._channel.lost

    @classmethod
    def from_environment(cls) -> "Notifier":
        """Talk to whoever started us, if it wants to hear anything."""
        return cls(os.environ.get("NOTIFY_SOCKET"))

    def ready(self, detail: str = "") -> None:
        """Work can be done now. Once."""
        self._channel.send({"READY": "1", "STATUS": one_line(detail)})

    def alive(self, health: Health) -> None:
        """Say so from the work loop: this is the heartbeat."""
        clean = msgspec.structs.replace(health, detail=one_line(health.detail))
        beat = {"WATCHDOG": "1", "X_HEALTH": msgspec.json.encode(clean).decode()}
        self._channel.send(beat, is_repeated=False)

    def conversation(self, state: ConversationState) -> None:
        """Show the shared state in status. The resumption handle stays out of it."""
        public = msgspec.structs.replace(
            state, model=one_line(state.model), resumption=ConversationState().resumption
        )
        self._channel.send({"X_CONVERSATION": msgspec.json.encode(public).decode()})

    def ended(self, why: str, *, failed: bool = False) -> None:
        """Ask for the ordered end of the conversation."""
        self._channel.send({"X_ENDED": one_line(why), "X_FAILED": str(int(failed))})

    def stopping(self, why: str) -> None:
        """Say that this process is on its way out, and why."""
        self._channel.send({"STOPPING": "1", "STATUS": one_line(why)})


def parse(datagram: bytes) -> Report:
    """Read a datagram. Unknown keys are skipped, as the protocol asks. Raises `ValueError` for what cannot be read."""
    fields: dict[str, str] = {}
    for line in datagram.decode().split("\n"):  # splitlines would also split JSON, at U+2028
        key, _, value = line.partition("=")
        fields[key] = value
    health, conversation = fields.get("X_HEALTH"), fields.get("X_CONVERSATION")
    return Report(
        ready=fields.get("READY") == "1",
        stopping=fields.get("STOPPING") == "1",
        status=fields.get("STATUS"),
        health=msgspec.json.decode(health, type=Health) if health else None,
        conversation=msgspec.json.decode(conversation, type=ConversationState) if conversation else None,
        ended=fields.get("X_ENDED"),
        failed=fields.get("X_FAILED") == "1",
    )


def one_line(text: str) -> str:
    """Words from anywhere (a device, a server) as one line that cannot steer a terminal."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(shown.split())[:500]
