"""When to look at a microphone again that fills by periods. Pure.

In a hurry: shortly before the next period is due, then every other millisecond until it is there. Else so rarely that the device,
which holds three periods, is full to two thirds: a machine that is busy then has a period left before anything is lost.
"""

EARLY_S = 0.001
AGAIN_S = 0.002


class CapturePace:
    """Told of every look."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s

    def wait_s(self, *, has_come: bool, is_resting: bool) -> float:
        """Return how long to sleep after a look."""
        if is_resting:
            return 2 * self._period_s
        return self._period_s - EARLY_S if has_come else AGAIN_S
