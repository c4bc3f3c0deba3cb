"""One reply at the gate: its audio until the speaker has it, and how far each side is. Pure."""

from collections import deque
from dataclasses import dataclass, field

SAMPLE_BYTES = 2
RATE_HZ = 24_000
SAMPLES_PER_MS = RATE_HZ // 1000
_KEPT_BYTES = 4 * RATE_HZ * SAMPLE_BYTES
"""What has arrived is let go of in pieces of this size: 4 s."""
_NS_PER_S = 1_000_000_000
_SAME_NS = 1_000_000
"""Two slices that follow one another this closely need only one time."""


@dataclass(slots=True)
class HeldReply:
    """Positions in samples: played <= received <= sent."""

    epoch: int
    sent: int = 0
    received: int = 0
    played: int = 0
    is_complete: bool = False
    is_end_sent: bool = False
    _peak: int = 0
    """The most that was ever sent."""
    _pcm: bytearray = field(default_factory=bytearray)
    _start: int = 0
    """Position of the first sample still held."""
    _dues: deque[tuple[int, int]] = field(default_factory=deque)
    """From which position on, when its first sample is to be heard."""

    def add(self, pcm: bytes, due_ns: int) -> None:
        """Keep a slice, cut anywhere, even inside a sample."""
        if due_ns and abs(self._due_ns(self._total) - due_ns) > _SAME_NS:
            self._dues.append((self._total, due_ns))
        self._pcm += pcm

    def take(self, most_samples: int) -> tuple[int, bytes, int]:
        """Give the next slice to send, its position and when it is due (0: as soon as it can)."""
        position = self.sent
        start = (position - self._start) * SAMPLE_BYTES
        pcm = bytes(self._pcm[start : start + min(most_samples, self.sendable) * SAMPLE_BYTES])
        self.sent += len(pcm) // SAMPLE_BYTES
        self._peak = max(self._peak, self.sent)
        return position, pcm, self._due_ns(position)

    def skip_late(self, now_ns: int) -> int:
        """Pass over what should have been heard before now; returns how many samples."""
        due_ns = self._due_ns(self.sent)
        late = (now_ns - due_ns) * RATE_HZ // _NS_PER_S if due_ns else 0
        skipped = min(max(late, 0), self.sendable)
        self.sent += skipped
        return skipped

    def granted(self, received: int, played: int) -> None:
        """The speaker says how far it is; more than was ever sent is not believed."""
        self.received = max(self.received, min(received, self._peak))
        self.played = max(self.played, min(played, self.received))
        self.sent = max(self.sent, self.received)
        while len(self._dues) > 1 and self._dues[1][0] <= self.received:
            self._dues.popleft()
        n_bytes = (self.received - self._start) * SAMPLE_BYTES
        if n_bytes >= _KEPT_BYTES:
            del self._pcm[:n_bytes]
            self._start = self.received

    def rewind(self) -> None:
        """What is not known to have arrived has to be sent again."""
        self.sent = self.received
        self.is_end_sent = False

    @property
    def sendable(self) -> int:
        """Whole samples that have not been sent."""
        return self._total - self.sent

    @property
    def owes_end(self) -> bool:
        """Whether the speaker has to be told that this was all."""
        return self.is_complete and not self.is_end_sent

    @property
    def is_sent(self) -> bool:
        """Whether there is nothing more to send."""
        return self.is_complete and self.is_end_sent and not self.sendable

    @property
    def _total(self) -> int:
        return self._start + len(self._pcm) // SAMPLE_BYTES

    def _due_ns(self, position: int) -> int:
        for start, due_ns in reversed(self._dues):
            if start <= position:
                return due_ns + (position - start) * _NS_PER_S // RATE_HZ
        return 0
