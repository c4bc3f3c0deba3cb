"""One reply on its way to the loudspeaker: its audio, and how far it was played and heard. Pure."""

from collections import deque
from dataclasses import dataclass, field

from actors.outputs.fades import RATE_HZ, SAMPLE_BYTES

SAMPLES_PER_MS = RATE_HZ // 1000
_BLOCK_BYTES = 32_768
_REMEMBERED_READS = 512
"""At 10 ms each, 5 s: more than any device holds."""


@dataclass(frozen=True)
class Position:
    """How far one reply has left the loudspeaker."""

    samples: int
    is_done: bool
    """The reply is complete and its last sample has been heard."""

    @property
    def ms(self) -> int:
        """The same in milliseconds."""
        return self.samples // SAMPLES_PER_MS


@dataclass(slots=True)
class _Read:
    """Where in a reply the samples of one read stand, and when they were handed to the device."""

    at: float
    start: int
    count: int


@dataclass(slots=True, eq=False)
class QueuedReply:
    """One epoch's audio and how far it is."""

    blocks: deque[bytearray] = field(default_factory=deque)
    half: bytes = b""
    """The first byte of a sample whose second byte is still to come."""
    queued: int = 0
    played: int = 0
    is_complete: bool = False
    is_cued: bool = False
    is_sounding: bool = False
    ran_dry: bool = False
    is_clean: bool = True
    silent_when_dry: int | None = None
    waiting_since: float = 0.0
    reads: deque[_Read] = field(default_factory=lambda: deque(maxlen=_REMEMBERED_READS))
    heard: int = 0
    _dues: deque[tuple[int, float]] = field(default_factory=deque)
    """From which sample on, when it is to be heard."""

    def append(self, pcm: bytes | memoryview) -> None:
        """Add whole samples at the end."""
        if self.blocks and len(self.blocks[-1]) < _BLOCK_BYTES:
            self.blocks[-1] += pcm
        else:
            self.blocks.append(bytearray(pcm))
        self.queued += len(pcm) // SAMPLE_BYTES

    def run_dry(self, silent: int) -> None:
        """Nothing is left before its end; so much silence was handed out until now."""
        self.is_sounding = False
        self.ran_dry = True
        self.silent_when_dry = silent

    def sound(self, silent: int) -> int:
        """Begin or go on; returns how much silence stood in it since it ran dry, if it did."""
        self.is_sounding = True
        before, self.silent_when_dry = self.silent_when_dry, None
        return 0 if before is None else silent - before

    def take(self, n_bytes: int, at: float) -> bytearray:
        """Up to `n_bytes` from the front; never empty while something is queued."""
        block = self.blocks[0]
        if len(block) <= n_bytes:
            taken = self.blocks.popleft()
        else:
            taken = block[:n_bytes]
            del block[:n_bytes]  # cheap: a bytearray only moves its start
        count = len(taken) // SAMPLE_BYTES
        self.reads.append(_Read(at, self.played, count))
        self.queued -= count
        self.played += count
        return taken

    def due_from_here(self, due_s: float) -> None:
        """What is added next is to be heard at this time."""
        at = self.played + self.queued
        if self._dues and self._dues[-1][0] == at:
            self._dues.pop()
        self._dues.append((at, due_s))

    @property
    def due_s(self) -> float | None:
        """When the next sample is to be heard; None if that does not matter."""
        while len(self._dues) > 1 and self._dues[1][0] <= self.played:
            self._dues.popleft()
        if not self._dues:
            return None
        start, due_s = self._dues[0]
        return due_s + (self.played - start) / RATE_HZ

    def skip(self, most_samples: int, at: float) -> int:
        """Pass over samples that come too late; returns how many. They count as played and heard."""
        skipped = 0
        while self.blocks and skipped < most_samples:
            n_bytes = min((most_samples - skipped) * SAMPLE_BYTES, len(self.blocks[0]))
            del self.blocks[0][:n_bytes]
            skipped += n_bytes // SAMPLE_BYTES
            if not self.blocks[0]:
                self.blocks.popleft()
        self.reads.append(_Read(at - skipped / RATE_HZ, self.played, skipped))
        self.queued -= skipped
        self.played += skipped
        return skipped

    def position(self, audible: float) -> Position:
        """How far it was heard, if what was handed over at `audible` is leaving the loudspeaker now."""
        for read in reversed(self.reads):
            if read.at <= audible:
                heard = read.start + min(read.count, round((audible - read.at) * RATE_HZ))
                self.heard = max(self.heard, heard)  # a device's latency wavers; what was heard stays heard
                break
        return Position(self.heard, self.is_complete and not self.queued and self.heard == self.played)
