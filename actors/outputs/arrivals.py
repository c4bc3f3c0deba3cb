"""How unevenly a link delivers, and how much audio a loudspeaker behind it must therefore gather. Pure.

Only differences count: how much later than the quickest of the last minute something came. The two clocks need not agree,
and a slow link is as good as a quick one if it is even. On TCP nothing is lost; what would be a loss comes late.
"""

from collections import deque

LEAST_MS = 40.0
MOST_MS = 400.0
UNKNOWN_MS = 80.0
"""Before anything was measured."""
SHARE = 0.95
WINDOW_NS = 60_000_000_000
_REMEMBERED = 1500
_ENOUGH = 8
_BLOCK_MS = 10.0
"""A device takes its audio in blocks."""
_STEP_NS = 5_000_000_000
"""Nothing is this late: one of the clocks was set back."""


class Arrivals:
    """When things were sent and when they came, in; the time to gather, out."""

    def __init__(self) -> None:
        self._ways: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)
        """When it came, and how long it took as the two clocks have it."""
        self._target_ms: float | None = None

    def came(self, sent_ns: int, arrived_ns: int) -> None:
        """Something that was sent then has come now; the clocks are two machines'."""
        way_ns = arrived_ns - sent_ns
        if self._ways and abs(way_ns - self._ways[-1][1]) > _STEP_NS:
            self._ways.clear()
        self._ways.append((arrived_ns, way_ns))
        while self._ways[0][0] < arrived_ns - WINDOW_NS:
            self._ways.popleft()
        self._target_ms = None

    @property
    def jitter_ms(self) -> float:
        """How much later than the quickest all but one in twenty came, at most."""
        ways = sorted(way for _, way in self._ways)
        return (ways[int((len(ways) - 1) * SHARE)] - ways[0]) / 1e6 if ways else 0.0

    @property
    def target_ms(self) -> float:
        """How much to gather before a reply sounds: that, and a block, within 40 and 400 ms."""
        if len(self._ways) < _ENOUGH:
            return UNKNOWN_MS
        if self._target_ms is None:
            self._target_ms = max(LEAST_MS, min(MOST_MS, self.jitter_ms + _BLOCK_MS))
        return self._target_ms
