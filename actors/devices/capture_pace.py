"""When to look at a microphone again that fills by periods. Pure.

In a hurry: shortly before the next period is due, then every other millisecond until it is there. Else more rarely, if it has
shown that it holds what nobody takes: a sound server keeps it for seconds, a bare sound card drops it after three periods. To
find out, the first look at a device comes late.
"""

EARLY_S = 0.001
AGAIN_S = 0.002
REST_S = 0.05
SHOWN_S = 0.08
"""A device that gives so much at once can be left alone for `REST_S`, and a busy machine may be late."""
FIRST_S = 0.12


class CapturePace:
    """Told of every look."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._can_rest = False

    def wait_s(self, taken_s: float, *, is_resting: bool) -> float:
        """Return how long to sleep after a look which found so much."""
        self._can_rest = self._can_rest or taken_s >= SHOWN_S
        if is_resting and self._can_rest:
            return REST_S
        return self._period_s - EARLY_S if taken_s else AGAIN_S
