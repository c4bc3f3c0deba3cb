"""One output streamer of the caller's: a bounded queue and a task of its own, so that it can hurt nobody else."""

import asyncio
import logging
import time
from collections import deque
from typing import NamedTuple

from actors.outputs.base import BaseOutputStreamer, Data
from actors.runtime.inbox import Counters
from actors.streamers.sounding import Sounding

LIMIT = 2000
SAMPLES_PER_S = 24_000
SAMPLE_BYTES = 2

log = logging.getLogger("antiphon")


class Piece(NamedTuple):
    """What is handed over, and which reply it belongs to."""

    data: Data
    epoch: int

    @property
    def seconds(self) -> float:
        """How long it sounds."""
        return len(self.data.get("audio", b"")) / SAMPLE_BYTES / SAMPLES_PER_S


class Outlet:
    """Calls `handle` piece by piece. When it cannot keep up, the oldest audio gives way, then the oldest text."""

    def __init__(self, streamer: BaseOutputStreamer, counters: Counters, limit: int = LIMIT) -> None:
        self.streamer = streamer
        self.sounding = Sounding()
        self._counters = counters
        self._limit = limit
        self._waiting: deque[Piece] = deque()
        self._came = asyncio.Event()
        self._current: Piece | None = None
        self._failures = 0

    @property
    def is_idle(self) -> bool:
        """Whether everything was handled."""
        return not self._waiting and self._current is None

    def add(self, piece: Piece) -> None:
        """Queue a piece."""
        if len(self._waiting) >= self._limit:
            oldest = next((at for at, other in enumerate(self._waiting) if other.seconds), 0)
            del self._waiting[oldest]
            self._counters.drop("streamer_slow")
        self._waiting.append(piece)
        self._came.set()

    def is_done(self, epoch: int, now_s: float) -> bool:
        """Whether the audio of this reply, and of those before, was handled and has sounded."""
        mine = [self._current, *self._waiting]
        if any(piece is not None and piece.epoch <= epoch and piece.seconds for piece in mine):
            return False
        return not self.streamer.is_heard or now_s >= self.sounding.until_s

    def cut(self, epoch: int, now_s: float) -> None:
        """Forget the audio of replies before this one."""
        self._waiting = deque(piece for piece in self._waiting if piece.epoch >= epoch or not piece.seconds)
        self.sounding.stop(now_s)

    async def serve(self) -> None:
        """Hand over what comes, until cancelled."""
        while True:
            await self._came.wait()
            while self._waiting:
                self._current = self._waiting.popleft()
                await self._hand_over(self._current)
                self._current = None
            self._came.clear()

    async def _hand_over(self, piece: Piece) -> None:
        if piece.seconds:
            self.sounding.give(piece.seconds, time.monotonic())
        try:
            await self.streamer.handle(piece.data)
        except Exception:
            self._failures += 1
            self._counters.drop("streamer_failed")
            if self._failures == 1:
                name = type(self.streamer).__name__
                log.exception("%s.handle failed; it goes on, and further failures are only counted", name)
