"""How late something is: the age of a slice of voice, and percentiles of the last few hundred measurements of one thing."""

import math
from collections import deque

from actors.runtime.notify import Latency

REMEMBERED = 500
SLICE_NS = 20_000_000
"""Of speech; silence comes in longer slices."""


def fresh_ns(captured_ns: int, until_ns: int, slice_ns: int = SLICE_NS) -> int:
    """Return from when its newest part is: a long slice of silence is as old as its end."""
    return max(captured_ns, until_ns - slice_ns)


class Meter:
    """Takes milliseconds, gives p50 and p99."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._values_ms: deque[float] = deque(maxlen=remembered)

    def add(self, value_ms: float) -> None:
        """Take one measurement."""
        self._values_ms.append(value_ms)

    def latency(self) -> Latency | None:
        """Return the percentiles, None before the first measurement."""
        if not self._values_ms:
            return None
        ordered = sorted(self._values_ms)
        return Latency(_percentile(ordered, 0.5), _percentile(ordered, 0.99))


def _percentile(ordered: list[float], share: float) -> float:
    """The nearest-rank percentile."""
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 2)
