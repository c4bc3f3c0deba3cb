"""How fast voice may go to the session: somewhat faster than it was spoken, never as a flood. Pure: times are arguments."""

SPEED = 4.0
BURST_S = 1.0


class Pace:
    """A bucket of audio time that fills at `SPEED` times real time."""

    def __init__(self, speed: float = SPEED, burst_s: float = BURST_S) -> None:
        self._speed = speed
        self._burst_s = burst_s
        self._free_at_s = 0.0
        """When everything sent so far will have drained."""

    def wait_s(self, sent_s: float, now_s: float) -> float:
        """Note a piece of `sent_s` seconds; return how long to wait before the next one."""
        self._free_at_s = max(self._free_at_s, now_s) + sent_s / self._speed
        return max(0.0, self._free_at_s - now_s - self._burst_s / self._speed)
