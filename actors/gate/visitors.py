"""What was refused, counted always, logged once: an attacker must not be able to fill a disk. Pure but for the log."""

import logging

from actors.runtime.inbox import Counters

MOST_REMEMBERED = 1000

log = logging.getLogger("gate")


class Visitors:
    """Remembers which complaint was made about whom."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._told: set[tuple[str, str]] = set()

    def refused(self, who: str, reason: str, detail: str) -> None:
        """Count it, and log it if it is the first of its kind from there."""
        self._counters.drop(reason)
        if (who, reason) in self._told or len(self._told) >= MOST_REMEMBERED:
            return
        self._told.add((who, reason))
        log.warning("refused %s (%s): %s; logged once, counted in status", who, reason, detail)
