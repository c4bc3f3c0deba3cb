"""How long audio sounds that was handed to somebody else to play. Pure: times come from outside, in seconds."""


class Sounding:
    """What is given plays on at once, or when what was given before is over."""

    def __init__(self) -> None:
        self.until_s = 0.0
        """When the last sample will have sounded."""
        self._given_s = 0.0

    def give(self, seconds: float, now_s: float) -> None:
        """Note a piece that is handed over now."""
        self.until_s = max(self.until_s, now_s) + seconds
        self._given_s += seconds

    def played_s(self, now_s: float) -> float:
        """How much of it has sounded by now, since the last `stop`."""
        return max(0.0, self._given_s - max(0.0, self.until_s - now_s))

    def stop(self, now_s: float) -> None:
        """It falls silent, and counts from nothing."""
        self.until_s = min(self.until_s, now_s)
        self._given_s = 0.0
