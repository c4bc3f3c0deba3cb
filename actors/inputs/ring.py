"""The microphone's ring: the last seconds of speech, so that a pause or a reconnect loses none of it. Pure logic."""

import threading
from collections import Counter, deque
from dataclasses import dataclass
from itertools import takewhile

_NS_PER_S = 1_000_000_000
_SAMPLE_BYTES = 2


@dataclass(frozen=True, slots=True)
class Frame:
    """A slice of the user's voice."""

    seq: int
    """Counted from 1 without holes; a hole in what `since` gives is what the ring dropped."""
    captured_ns: int
    """Monotonic time of its first sample."""
    pcm: bytes
    """Mono, signed 16-bit, little-endian."""


class Ring:
    """Frames bounded by time; the oldest give way, and are counted. Thread-safe: the device adds, the actor takes."""

    def __init__(self, *, capacity_s: float = 30.0, rate_hz: int = 16_000) -> None:
        self._capacity_samples = int(capacity_s * rate_hz)
        self._rate_hz = rate_hz
        self._frames: deque[Frame] = deque()
        self._samples = 0
        self._last_seq = 0
        self._peak_samples = 0
        self._dropped: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, pcm: bytes, captured_ns: int) -> int:
        """Keep a frame and give its number; frames beyond the capacity are dropped as overflow, oldest first."""
        with self._lock:
            self._last_seq += 1
            self._frames.append(Frame(self._last_seq, captured_ns, pcm))
            self._samples += len(pcm) // _SAMPLE_BYTES
            while self._samples > self._capacity_samples:
                self._drop_oldest("overflow")
            self._peak_samples = max(self._peak_samples, self._samples)
            return self._last_seq

    def since(self, seq: int) -> list[Frame]:
        """Every frame kept with a number above `seq`, oldest first."""
        with self._lock:
            newest_first = list(takewhile(lambda frame: frame.seq > seq, reversed(self._frames)))
        return newest_first[::-1]

    def forget(self, seq: int) -> None:
        """Let go of every frame up to and with `seq`: it was delivered, this is no drop."""
        with self._lock:
            while self._frames and self._frames[0].seq <= seq:
                self._samples -= len(self._frames.popleft().pcm) // _SAMPLE_BYTES

    def drop_stale(self, now_ns: int, max_age_s: float, reason: str = "stale") -> int:
        """Drop the frames captured longer ago than `max_age_s`; returns how many."""
        oldest_ns = now_ns - int(max_age_s * _NS_PER_S)
        with self._lock:
            before = self._dropped[reason]
            while self._frames and self._frames[0].captured_ns < oldest_ns:
                self._drop_oldest(reason)
            return self._dropped[reason] - before

    def clear(self, reason: str) -> int:
        """Drop every frame, counted under `reason`; returns how many."""
        with self._lock:
            n_frames = len(self._frames)
            self._dropped[reason] += n_frames
            self._frames.clear()
            self._samples = 0
            return n_frames

    @property
    def last_seq(self) -> int:
        """The number of the newest frame, 0 before the first."""
        return self._last_seq

    @property
    def queue_ms(self) -> int:
        """How much audio is kept."""
        return self._samples * 1000 // self._rate_hz

    @property
    def peak_queue_ms(self) -> int:
        """The most that was ever kept."""
        return self._peak_samples * 1000 // self._rate_hz

    @property
    def dropped(self) -> dict[str, int]:
        """Frames dropped so far, by reason."""
        with self._lock:
            return {reason: n for reason, n in self._dropped.items() if n}

    def _drop_oldest(self, reason: str) -> None:
        self._samples -= len(self._frames.popleft().pcm) // _SAMPLE_BYTES
        self._dropped[reason] += 1
