"""One remote speaker's audio, waiting here until the speaker has room for it. Pure: the clock is passed in.

How this works. Whatever lies in a socket or on the link can no longer be taken back, so as little as possible does: the
speaker says how far it has played and how much it wants to hold (credit), and nothing beyond that is sent. The start of a
reply goes out at once, the rest at twice the pace of speech until the speaker is full: its buffer fills while it plays, and
a slow link carries no long queue that a flush would have to wait behind.

What was sent is kept until the speaker has it. A connection that breaks takes what is on the link with it; a new one goes on
exactly where the speaker is. Positions count samples from the start of the reply.
"""

from collections import Counter, deque
from dataclasses import dataclass, field

from actors.gate.held_reply import SAMPLE_BYTES, SAMPLES_PER_MS, HeldReply

PIECE_MS = 20
FIRST_WINDOW_MS = 400
"""What a speaker that has said nothing yet is believed to hold."""
MAX_WINDOW_MS = 2000
PACE = 2.0
"""Times the pace of speech, once the first part is out."""
AT_ONCE_S = 0.1
"""How far ahead of that pace the link may be: 200 ms of speech go at once."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What is to be sent now: audio, or the end of a reply if there is none."""

    epoch: int
    position: int
    pcm: bytes
    due_ns: int = 0

    @property
    def is_end(self) -> bool:
        """Whether this is a `SpeechEnd`."""
        return not self.pcm


@dataclass(slots=True)
class Pacer:
    """The replies of one remote speaker, in order."""

    capacity_s: float = 300.0
    dropped: Counter[str] = field(default_factory=Counter)
    """Samples by reason: stale, flushed, full, late."""
    window_ms: int = FIRST_WINDOW_MS
    _replies: deque[HeldReply] = field(default_factory=deque)
    _newest: int = 0
    _is_open: bool = False
    """Whether the speaker at the other end has said how far it is."""
    _paced_until_s: float = 0.0
    """Until when what went out at more than the usual pace lasts."""

    # From the session.

    def add(self, epoch: int, pcm: bytes, due_ns: int = 0) -> None:
        """Queue a slice of a reply, cut anywhere. Older than the newest epoch is dropped, as is what exceeds the capacity."""
        n_samples = len(pcm) // SAMPLE_BYTES
        if epoch < self._newest:
            self.dropped["stale"] += n_samples
            return
        if self.waiting_ms + n_samples // SAMPLES_PER_MS > self.capacity_s * 1000:
            self.dropped["full"] += n_samples
            return
        self._reply(epoch).add(pcm, due_ns)

    def end(self, epoch: int) -> None:
        """The reply of this epoch is complete."""
        if epoch >= self._newest:
            self._reply(epoch).is_complete = True

    def end_all(self) -> None:
        """Whoever gave this is gone: what is here is all there will be."""
        for reply in self._replies:
            reply.is_complete = True

    def flush(self, epoch: int) -> int:
        """Drop every older reply now, and refuse what still comes of it; returns the dropped samples. Idempotent."""
        self._newest = max(self._newest, epoch)
        dropped = 0
        while self._replies and self._replies[0].epoch < epoch:
            dropped += self._replies.popleft().sendable
        if dropped:
            self.dropped["flushed"] += dropped
        self._paced_until_s = 0.0
        return dropped

    # From the speaker.

    def granted(self, epoch: int, received: int, played: int, window_ms: int) -> None:
        """The speaker has `received` samples of this reply, has played `played` of them and wants to hold `window_ms`."""
        self._is_open = True
        self.window_ms = min(max(window_ms, PIECE_MS), MAX_WINDOW_MS)
        while self._replies and self._replies[0].epoch < epoch and self._replies[0].is_sent:
            self._replies.popleft()
        for reply in self._replies:
            if reply.epoch == epoch:
                reply.granted(received, played)

    def broken(self) -> None:
        """The connection is gone: nothing is sent until the speaker has said how far it is, then what it lacks."""
        self._is_open = False
        self._paced_until_s = 0.0
        for reply in self._replies:
            reply.rewind()

    # What may go.

    def take(self, now_s: float) -> list[Piece]:
        """Give everything that may be sent now, oldest first."""
        pieces: list[Piece] = []
        while (piece := self._next(now_s)) is not None:
            pieces.append(piece)
        return pieces

    def wait_s(self, now_s: float) -> float | None:
        """How long until something may be sent without news from anybody; None if news are needed."""
        reply = self._sending()
        if reply is None or not self._is_open or not self._has_room(reply):
            return None
        return max(0.0, self._paced_until_s - AT_ONCE_S - now_s)

    @property
    def waiting_ms(self) -> int:
        """How much audio is held and not sent."""
        return sum(reply.sendable for reply in self._replies) // SAMPLES_PER_MS

    @property
    def link_ms(self) -> int:
        """How much was sent and is not known to have arrived."""
        return sum(reply.sent - reply.received for reply in self._replies) // SAMPLES_PER_MS

    @property
    def buffer_ms(self) -> int:
        """How much the speaker holds, as far as it has said."""
        return sum(reply.received - reply.played for reply in self._replies) // SAMPLES_PER_MS

    def _reply(self, epoch: int) -> HeldReply:
        """Give the reply of this epoch, which is the newest; those before it are complete."""
        if not self._replies or self._replies[-1].epoch < epoch:
            for older in self._replies:
                older.is_complete = True
            self._newest = epoch
            self._replies.append(HeldReply(epoch))
        return self._replies[-1]

    def _sending(self) -> HeldReply | None:
        return next((reply for reply in self._replies if not reply.is_sent), None)

    def _has_room(self, reply: HeldReply) -> bool:
        """Whether the speaker wants more of this reply; its end needs no room."""
        room = reply.played + self.window_ms * SAMPLES_PER_MS - reply.sent
        return (reply.sendable > 0 and room > 0) or (not reply.sendable and reply.owes_end)

    def _next(self, now_s: float) -> Piece | None:
        reply = self._sending()
        if reply is None or not self._is_open or not self._has_room(reply):
            return None
        if not reply.sendable:
            reply.is_end_sent = True
            return Piece(reply.epoch, reply.sent, b"")
        if skipped := reply.skip_late(int(now_s * 1e9)):
            self.dropped["late"] += skipped
            return self._next(now_s)
        if self._paced_until_s - now_s > AT_ONCE_S:
            return None
        position, pcm, due_ns = reply.take(PIECE_MS * SAMPLES_PER_MS)
        seconds = len(pcm) / SAMPLE_BYTES / SAMPLES_PER_MS / 1000 / PACE
        self._paced_until_s = max(now_s, self._paced_until_s) + seconds
        return Piece(reply.epoch, position, pcm, due_ns)
