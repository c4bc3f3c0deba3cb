"""The microphone's ring: the last seconds of the user's voice, so that a reconnect loses none of it. Pure logic."""

from collections import deque
from dataclasses import dataclass

from actors.runtime.latency import fresh_ns

_NS_PER_S = 1_000_000_000
_SAMPLE_BYTES = 2


@dataclass(frozen=True, slots=True)
class Frame:
    """A slice of the user's voice."""

    seq: int
    """Counted from 1 without holes."""
    captured_ns: int
    """Monotonic time of its first sample; no frame begins before its predecessor has ended."""
    pcm: bytes
    """Mono, signed 16-bit, little-endian."""
    is_after_pause: bool = False
    """What was captured directly before it was not listened to."""


class Ring:
    """Frames bounded by how long they last together; the oldest give way."""

    def __init__(self, began_ns: int = 0, *, capacity_s: float = 30.0, rate_hz: int = 16_000) -> None:
        self.forgotten_ns = began_ns
        """What was captured before this is not here (any more)."""
        self.last_seq = 0
        """The number of the newest frame, 0 before the first."""
        self._capacity_samples = int(capacity_s * rate_hz)
        self._rate_hz = rate_hz
        self._frames: deque[Frame] = deque()
        self._samples = 0
        self._end_ns = 0

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def end_ns(self) -> int:
        """When the newest sample was captured, 0 before the first."""
        return self._end_ns

    def add(self, pcm: bytes, captured_ns: int, *, is_after_pause: bool = False) -> None:
        """Keep a frame. Samples follow one another even where the clock that stamps them was set back a little."""
        self.last_seq += 1
        frame = Frame(self.last_seq, max(captured_ns, self._end_ns), pcm, is_after_pause)
        self._frames.append(frame)
        self._samples += len(pcm) // _SAMPLE_BYTES
        self._end_ns = frame.captured_ns + self.length_ns(frame)
        while self._samples > self._capacity_samples:
            oldest = self._frames.popleft()
            self._samples -= len(oldest.pcm) // _SAMPLE_BYTES
            self.forgotten_ns = oldest.captured_ns + self.length_ns(oldest)

    def next_after(self, seq: int) -> Frame | None:
        """Return the oldest frame kept with a higher number."""
        if not self._frames or self.last_seq <= seq:
            return None
        return self._frames[max(0, seq + 1 - self._frames[0].seq)]

    def seq_at(self, time_ns: int) -> int:
        """Return the number of the last frame captured up to then. A frame belongs to where its middle is."""
        for frame in reversed(self._frames):
            if frame.captured_ns + self.length_ns(frame) // 2 <= time_ns:
                return frame.seq
        return self._frames[0].seq - 1 if self._frames else self.last_seq

    def ms_after(self, seq: int) -> int:
        """Return how much is kept after that frame."""
        if self.next_after(seq) is None:
            return 0
        later = self.last_seq - max(seq, self._frames[0].seq - 1)
        return self._samples * 1000 * later // (len(self._frames) * self._rate_hz)

    def length_ns(self, frame: Frame) -> int:
        """Return how long a frame lasts."""
        return len(frame.pcm) // _SAMPLE_BYTES * _NS_PER_S // self._rate_hz

    def fresh_ns(self, frame: Frame) -> int:
        """Return from when its newest part is: a long slice of silence is as old as its end."""
        return fresh_ns(frame.captured_ns, frame.captured_ns + self.length_ns(frame))
