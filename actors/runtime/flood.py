"""A flood of log lines is cut: so many a second, and then how many were left out. Only a crash is always told."""

import logging
import time
from collections.abc import Callable
from typing import TextIO

LINES_PER_S = 20
ALWAYS = "boot"
"""The logger that tells how an actor ended."""


class Flood:
    """Counts lines in seconds of the clock that is passed in. Pure."""

    def __init__(self, now: float) -> None:
        self._since_s = now
        self._lines = 0
        self._suppressed = 0

    def admit(self, now: float) -> bool:
        """Return whether this line may pass."""
        if now - self._since_s >= 1.0:
            self._since_s, self._lines = now, 0
        self._lines += 1
        if self._lines > LINES_PER_S:
            self._suppressed += 1
            return False
        return True

    def take_suppressed(self) -> int:
        """Return how many were kept back since the last time this was asked."""
        taken, self._suppressed = self._suppressed, 0
        return taken


class FloodHandler(logging.StreamHandler[TextIO]):
    """Writes to a stream, but no floods. What cannot be written is gone: no log is worth an exception."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream)
        self._clock = clock
        self._flood = Flood(clock())

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, and before it how many were left out."""
        if record.name != ALWAYS and not self._flood.admit(self._clock()):
            return
        suppressed = self._flood.take_suppressed()
        if suppressed:
            about = {"name": record.name, "msg": f"suppressed {suppressed} lines", "levelno": logging.WARNING}
            super().emit(logging.makeLogRecord(about))
        super().emit(record)
