"""The queue a streamer puts its items on: bounded, and what is worth least gives way."""

import asyncio
from collections import deque
from typing import Any

from actors.runtime.inbox import Counters

LIMIT = 1000
"""20 s of voice in frames of 20 ms."""
LIVE = ("audio", "video")


class InputQueue(asyncio.Queue[Any]):
    """When it is full the oldest voice or picture is dropped and counted; text makes the sender wait."""

    def __init__(self, counters: Counters, limit: int = LIMIT) -> None:
        super().__init__(limit)
        self._counters = counters

    async def put(self, item: Any) -> None:
        """Put an item; waits only while the queue is full of text."""
        self._make_room()
        await super().put(item)

    def put_nowait(self, item: Any) -> None:
        """Put an item. Raises `asyncio.QueueFull` only when the queue is full of text."""
        self._make_room()
        super().put_nowait(item)

    def _init(self, maxsize: int) -> None:
        del maxsize
        self._queue: deque[Any] = deque()

    def _make_room(self) -> None:
        if not self.full():
            return
        oldest = next((at for at, item in enumerate(self._queue) if _is_live(item)), None)
        if oldest is not None:
            del self._queue[oldest]
            self._counters.drop("input_full")


def _is_live(item: Any) -> bool:
    return isinstance(item, dict) and any(key in item for key in LIVE)
