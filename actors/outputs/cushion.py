"""How much sound the loudspeaker's device holds: as configured, or as much as has turned out to be needed. Pure."""

from typing import Literal

from actors.devices.audio import OUTPUT_LATENCY_MS

MOST_MS = 320


class Cushion:
    """Grows when the device ran dry, never shrinks: a machine that was that busy will be again."""

    def __init__(self, configured: int | Literal["auto"]) -> None:
        self._is_adaptive = configured == "auto"
        self.ms = OUTPUT_LATENCY_MS if configured == "auto" else configured
        self._seen = 0

    def is_too_short(self, xruns: int) -> bool:
        """Whether the device has run dry since the last time (`xruns` so often in all), and the next longer one is to be used."""
        ran_dry, self._seen = xruns > self._seen, xruns
        if not (ran_dry and self._is_adaptive and self.ms < MOST_MS):
            return False
        self.ms *= 2
        return True
