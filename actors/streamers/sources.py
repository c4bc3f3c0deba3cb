"""All input streamers of one conversation together: each in a task of its own, and what it means when they have ended."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from actors.inputs.base import BaseInputStreamer
from actors.state import GoogleIOStreamerState

REPLIES_WITHIN_S = 120.0
"""How long the last replies may take after the last input."""
SPEECH_ANSWERED_WITHIN_S = 10.0
"""What was spoken gets no receipt: so long it may take until the reply begins."""
END_WITHIN_S = 0.5
LOOK_S = 0.05

log = logging.getLogger("antiphon")


class StreamersFailedError(Exception):
    """A streamer could not be initialized, or every source of input has failed; its own error is the cause."""


class Sources:
    """Runs `stream_input` of each."""

    def __init__(self, streamers: Sequence[BaseInputStreamer]) -> None:
        self._streamers = streamers
        self._tasks: list[asyncio.Task[None]] = []
        self._failures: list[Exception] = []

    def begin(self) -> None:
        """Start them."""
        self._tasks = [asyncio.create_task(self._stream(streamer)) for streamer in self._streamers]

    async def exhausted(self) -> None:
        """Wait until every one has ended. Raises `StreamersFailedError` when none of them ended well."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._failures and len(self._failures) == len(self._tasks):
            first = self._failures[0]
            raise StreamersFailedError(f"every input streamer failed; the first with {first!r}") from first

    async def end(self) -> None:
        """Give those that look at `terminated` the time to end by themselves, then end them."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=END_WITHIN_S)
        await self.end_now()

    async def end_now(self) -> None:
        """End them."""
        await end(self._tasks)

    async def _stream(self, streamer: BaseInputStreamer) -> None:
        try:
            await streamer.stream_input()
        except Exception as error:
            log.exception("%s.stream_input failed; the others go on", type(streamer).__name__)
            self._failures.append(error)


async def last_reply(
    state: GoogleIOStreamerState, is_answered: Callable[[], bool], has_spoken: Callable[[], bool]
) -> None:
    """Wait, within reason, until what was said last was answered and heard."""
    await until(is_answered, REPLIES_WITHIN_S)
    if has_spoken():
        await until(lambda: state.is_streaming_output, SPEECH_ANSWERED_WITHIN_S)
    await until(lambda: not state.is_streaming_output, REPLIES_WITHIN_S)


async def until(condition: Callable[[], bool], within_s: float) -> None:
    """Wait for something that nobody tells; seldom, and only at the end of a conversation."""
    give_up_s = asyncio.get_running_loop().time() + within_s
    while not condition() and asyncio.get_running_loop().time() < give_up_s:  # noqa: ASYNC110 - see above
        await asyncio.sleep(LOOK_S)


async def end(tasks: "Sequence[asyncio.Task[Any]]") -> None:
    """Cancel and await."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
