"""How much sound the loudspeaker's device holds: as configured, or as much as has turned out to be needed. Pure."""

from typing import Literal

from actors.devices.audio import OUTPUT_LATENCY_MS

MOST_MS = 320


class Cushion:
    """Grows when the device ran dry in a reply, never shrinks: a machine that was that busy will be again."""

    def __init__(self, configured: int | Literal["auto"]) -> None:
        self._is_adaptive = configured == "auto"
        self.ms = OUTPUT_LATENCY_MS if configured == "auto" else configured
        self._at_begin: int | None = None
        """How often the device had run dry when the replies began that are playing."""

    def reply_begins(self, xruns: int) -> None:
        """A reply comes; the device has run dry `xruns` times so far, which nobody heard if nothing was playing."""
        if self._at_begin is None:
            self._at_begin = xruns

    def replies_over(self, xruns: int) -> bool:
        """Nothing is playing. True when the device ran dry meanwhile, and has to hold more."""
        before, self._at_begin = self._at_begin, None
        if before is None or xruns <= before or not self._is_adaptive or self.ms >= MOST_MS:
            return False
        self.ms *= 2
        return True
