"""How old the first sample of a block is when the device delivers it. Pure.

What PortAudio says wanders: behind PulseAudio between -1 and 45 ms within seconds, although the blocks come as evenly as the
samples were captured, and a punctual one is 17 ms old (measured by a loopback; the sound server extrapolates). So the highest
word of the last seconds is believed, as far as the device holds so much, and this very block is older by what it came late;
none is younger than it is long. Taking each word as it came, all blocks were up to 8 ms too young for seconds.
"""

from collections import deque

_MOST_AGE_S = 60.0
_PUNCTUAL_WITHIN_S = 2.0
"""One block in this time comes on the dot, however busy the machine; two clocks drift apart by less than 1 ms."""
_BELIEVED_FOR_S = 10.0
"""In this time the word of a sound server is seldom always too low; that of hardware is the same all the time."""


class CaptureAge:
    """Fed with every block of one stream, in order."""

    def __init__(self, rate_hz: int, latency_s: float) -> None:
        self._rate_hz = rate_hz
        self._latency_s = latency_s
        self._samples = 0
        self._earliest = _Lowest(_PUNCTUAL_WITHIN_S)
        self._youngest = _Lowest(_BELIEVED_FOR_S)

    def of(self, n_samples: int, reported_s: float, now: float) -> float:
        """Return the age in seconds of a block's first sample; `reported_s` is the device's own word for it."""
        period_s = n_samples / self._rate_hz
        late_s = self._late_s(n_samples, now)
        if not period_s / 2 <= reported_s <= _MOST_AGE_S:
            reported_s = self._latency_s + late_s
        punctual_s = -self._youngest.of(late_s - reported_s, now)
        return max(period_s, min(punctual_s, self._latency_s) + late_s)

    def _late_s(self, n_samples: int, now: float) -> float:
        """Return how much later than the most punctual of the last blocks this one came."""
        offset = now - self._samples / self._rate_hz
        self._samples += n_samples
        return offset - self._earliest.of(offset, now)


class _Lowest:
    """The lowest of the last values."""

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._values: deque[tuple[float, float]] = deque()
        """(when, value), only those that a later one has not undercut."""

    def of(self, value: float, now: float) -> float:
        """Take one more; return the lowest of those that are not too old."""
        while self._values and self._values[-1][1] >= value:
            self._values.pop()
        self._values.append((now, value))
        while now - self._values[0][0] > self._within_s:
            self._values.popleft()
        return self._values[0][1]
