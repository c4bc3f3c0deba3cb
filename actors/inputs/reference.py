"""What the loudspeakers play, all together, on a line of time. Pure."""

from array import array
from collections.abc import Iterator
from operator import add

RATE_HZ = 24_000
CAPACITY_S = 4.0
_SAMPLE_BYTES = 2
_LOUDEST = 32_767


class Timeline:
    """The last few seconds of all loudspeakers together, at 24 kHz. Sample n is due at n / rate seconds."""

    def __init__(self, capacity_s: float = CAPACITY_S) -> None:
        self._size = int(capacity_s * RATE_HZ)
        self._sums = array("i", bytes(4 * self._size))
        """A ring: sample n stands at n modulo its size. Sums are clipped only when they are read."""
        self._end: int | None = None
        """The sample after the newest that was ever announced."""

    @property
    def end(self) -> int:
        """The sample after the last announced."""
        return self._end or 0

    def add(self, pcm: bytes, first: int) -> None:
        """Mix in what a loudspeaker plays from sample `first` on; what is older than the line is left out."""
        samples = array("h", pcm)
        if self._end is None:
            self._end = first
        self._extend(first + len(samples))
        skipped = max(0, self._end - self._size - first)
        for start, stop, at in self._stretches(first + skipped, first + len(samples)):
            piece = samples[start - first : stop - first]
            self._sums[at : at + len(piece)] = array("i", map(add, self._sums[at : at + len(piece)], piece))

    def cut(self, first: int) -> None:
        """Forget what was announced from sample `first` on: it is not played after all."""
        if self._end is not None and first < self._end:
            self._silence(max(first, self._end - self._size), self._end)

    def read(self, first: int, n_samples: int) -> bytes:
        """Return what is heard from sample `first` on, int16 LE; silence where nothing was announced."""
        if self._end is None:
            return bytes(n_samples * _SAMPLE_BYTES)
        begin = min(max(first, self._end - self._size), first + n_samples)
        end = max(min(first + n_samples, self._end), begin)
        sums = array("i")
        for start, stop, at in self._stretches(begin, end):
            sums += self._sums[at : at + stop - start]
        before, after = begin - first, first + n_samples - end
        return bytes(before * _SAMPLE_BYTES) + _clipped(sums) + bytes(after * _SAMPLE_BYTES)

    def _extend(self, end: int) -> None:
        """Let the line reach to `end`; what falls off its other side is forgotten."""
        assert self._end is not None
        if end > self._end:
            self._silence(max(self._end, end - self._size), end)
            self._end = end

    def _silence(self, begin: int, end: int) -> None:
        for start, stop, at in self._stretches(begin, end):
            self._sums[at : at + stop - start] = array("i", bytes(4 * (stop - start)))

    def _stretches(self, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Give the parts of a range that lie in one piece in the ring, and where."""
        while begin < end:
            at = begin % self._size
            stop = min(end, begin + self._size - at)
            yield begin, stop, at
            begin = stop


def _clipped(sums: "array[int]") -> bytes:
    try:
        return array("h", sums).tobytes()
    except OverflowError:
        return array("h", [max(-_LOUDEST - 1, min(_LOUDEST, each)) for each in sums]).tobytes()
