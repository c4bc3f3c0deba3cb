"""How old the first sample of a block is when the device delivers it. Pure.

What PortAudio says wanders: behind PulseAudio by 10 to 45 ms within seconds, although the blocks come as evenly as the samples
were captured (measured; the sound server extrapolates). So a block is believed to be at most as old as what the device
holds, plus what this very block came late; and at least as old as it is long.
"""

from collections import deque

_MOST_AGE_S = 60.0
_PUNCTUAL_WITHIN_S = 2.0
"""One block in this time comes on the dot, however busy the machine; two clocks drift apart by less than 1 ms."""


class CaptureAge:
    """Fed with every block of one stream, in order."""

    def __init__(self, rate_hz: int, latency_s: float) -> None:
        self._rate_hz = rate_hz
        self._latency_s = latency_s
        self._samples = 0
        self._offsets: deque[tuple[float, float]] = deque()
        """(arrived, arrived minus the length of all before it), only those that a later one has not undercut."""

    def of(self, n_samples: int, reported_s: float, now: float) -> float:
        """Return the age in seconds of a block's first sample; `reported_s` is the device's own word for it."""
        period_s = n_samples / self._rate_hz
        late_s = self._late_s(n_samples, now)
        if not period_s / 2 <= reported_s <= _MOST_AGE_S:
            return max(period_s, self._latency_s)
        return max(period_s, min(reported_s, self._latency_s + late_s))

    def _late_s(self, n_samples: int, now: float) -> float:
        """Return how much later than the most punctual of the last blocks this one came."""
        offset = now - self._samples / self._rate_hz
        self._samples += n_samples
        while self._offsets and self._offsets[-1][1] >= offset:
            self._offsets.pop()
        self._offsets.append((now, offset))
        while now - self._offsets[0][0] > _PUNCTUAL_WITHIN_S:
            self._offsets.popleft()
        return offset - self._offsets[0][1]
