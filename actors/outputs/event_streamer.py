"""`EventOutputStreamer`: replies as an asynchronous stream of events, for a web server or a robot."""

import asyncio
from collections.abc import AsyncIterator

from actors.outputs.base import BaseOutputStreamer, Data

MAX_WAITING = 100
"""Events that wait for the reader; more wait in the session, where the oldest audio gives way at last."""


class EventOutputStreamer(BaseOutputStreamer):
    """Read it with `async for event in streamer.events()`: the same pieces that `handle` gets, until the conversation ends."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[Data | None] = asyncio.Queue(MAX_WAITING)

    async def handle(self, data: Data) -> None:
        """Pass it on; what an interruption made worthless is not given any more."""
        if "interrupted" in data:
            self._drop_audio()
        await self._events.put(data)

    async def close(self) -> None:
        """End the stream."""
        if self._events.full():
            self._events.get_nowait()  # a reader that has stopped reading
        self._events.put_nowait(None)

    async def events(self) -> AsyncIterator[Data]:
        """Yield each piece once, in order. For one reader."""
        while (event := await self._events.get()) is not None:
            yield event

    def _drop_audio(self) -> None:
        waiting = [self._events.get_nowait() for _ in range(self._events.qsize())]
        for event in waiting:
            if event is None or "audio" not in event:
                self._events.put_nowait(event)
