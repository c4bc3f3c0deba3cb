"""How old the first sample of a block is when it is taken from the device. Pure.

What PortAudio says wanders: behind PulseAudio between -1 and 45 ms within seconds, although the blocks come as evenly as the
samples were captured (measured by a loopback; the sound server extrapolates). So it is not asked: a block is as old as it is
long, and as its last sample is in a punctual one, plus what it came late by the most punctual of the last blocks.
"""

from collections import deque

_PUNCTUAL_WITHIN_S = 2.0
"""One block in this time comes on the dot, however busy the machine; two clocks drift apart by less than 1 ms."""

BEHIND_S = 0.007
"""PulseAudio gives the last sample of a punctual block so late (measured by a loopback); a bare sound card is a little quicker."""
_GAP_S = 0.02
_DRIFT = 0.001


class CaptureAge:
    """Fed with every block of one stream, in order."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self.gaps = 0
        """How often samples were missing between two blocks."""
        self._samples = 0
        self._offsets: deque[tuple[float, float]] = deque()
        """(taken, taken minus the length of all until then), only those that a later one has not undercut."""
        self._steady = float("inf")
        """What the most punctual offset was before, as far as two clocks that drift apart do not explain the difference."""

    def of(self, n_samples: int, now: float) -> float:
        """Return the age in seconds of a block's first sample."""
        self._samples += n_samples
        late_s = self._late_s(now)
        self._watch(self._offsets[0][1], n_samples / self._rate_hz)
        return n_samples / self._rate_hz + BEHIND_S + late_s

    def _late_s(self, now: float) -> float:
        """Return how much later than the most punctual of the last blocks this one came."""
        offset = now - self._samples / self._rate_hz
        while self._offsets and self._offsets[-1][1] >= offset:
            self._offsets.pop()
        self._offsets.append((now, offset))
        while now - self._offsets[0][0] > _PUNCTUAL_WITHIN_S:
            self._offsets.popleft()
        return offset - self._offsets[0][1]

    def _watch(self, punctual: float, length_s: float) -> None:
        """Notice samples that are missing: from then on every block comes later than its number tells."""
        self.gaps += punctual - self._steady > _GAP_S
        if abs(punctual - self._steady) > _GAP_S:
            self._steady = punctual
        self._steady = min(punctual, self._steady + _DRIFT * length_s)
