"""The life of a caller's own streamers in one conversation: initialize, stream, close; each in tasks of its own."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

from actors.inputs.base import BaseInputStreamer
from actors.outputs.base import BaseOutputStreamer
from actors.runtime.asyncloop import AsyncLoop
from actors.runtime.inbox import Counters
from actors.state import GoogleIOStreamerState
from actors.streamers.feeder import Feeder
from actors.streamers.listener import Listener

CONNECT_WITHIN_S = 30.0
REPLIES_WITHIN_S = 120.0
"""How long the last replies may take after the last input."""
SPEECH_ANSWERED_WITHIN_S = 10.0
"""What was spoken gets no receipt: so long it may take until the reply begins."""
SOURCES_WITHIN_S = 0.5
DRAIN_WITHIN_S = 1.0
CLOSE_WITHIN_S = 2.0
LOOK_S = 0.05

log = logging.getLogger("antiphon")


class StreamersFailedError(Exception):
    """A streamer could not be initialized, or every source of input has failed; its own error is the cause."""


class Host:
    """Runs the streamers against the conversation whose sockets are in a directory."""

    def __init__(
        self, inputs: Sequence[BaseInputStreamer], outputs: Sequence[BaseOutputStreamer], *, are_all: bool
    ) -> None:
        """Take the streamers that run here; `are_all` inputs of the conversation, or only some of them."""
        self._inputs = inputs
        self._outputs = outputs
        self._are_all = are_all
        self._counters = Counters()
        self._is_over = asyncio.Event()
        self._failures: list[Exception] = []
        self._opened: list[BaseInputStreamer | BaseOutputStreamer] = []

    async def run(self, directory: str) -> None:
        """Run until the conversation is over. Raises `StreamersFailedError`."""
        state = await GoogleIOStreamerState.connect(
            f"ipc://{directory}/ctl.ipc", "streamers", answer_within_s=CONNECT_WITHIN_S
        )
        loop = AsyncLoop(asyncio.get_running_loop())
        feeder = Feeder(loop, "feeder", self._inputs, self._counters)
        listener = Listener(loop, "listener", self._outputs, self._counters)
        state.watch(lambda: self._is_over.set() if state.terminated else None)
        try:
            await self._serve(state, feeder, listener, f"ipc://{directory}/med.ipc")
        finally:
            await self._close()
            feeder.close()
            listener.close()
            await state.close()
            if self._counters.dropped:
                log.warning("streamers lost: %s", self._counters.dropped)

    def stop(self) -> None:
        """The conversation is over, whatever the coordinator still says."""
        self._is_over.set()

    async def _serve(
        self, state: GoogleIOStreamerState, feeder: Feeder, listener: Listener, media: str
    ) -> None:
        for streamer, queue in feeder.queues:
            await self._initialize(streamer, streamer.initialize(state, queue))
        for output in self._outputs:
            await self._initialize(output, output.initialize(state))
        if self._outputs:
            listener.connect(media)
            await asyncio.wait_for(listener.has_joined.wait(), CONNECT_WITHIN_S)  # before anything is said
        if self._inputs:
            feeder.connect(media)
        serving = [asyncio.create_task(outlet.serve()) for outlet in listener.outlets]
        serving += [asyncio.create_task(feeder.drain(*pair)) for pair in feeder.queues]
        sources = [asyncio.create_task(self._stream(streamer)) for streamer in self._inputs]
        try:
            await self._until_over(state, feeder, sources)
            if sources:
                await asyncio.wait(
                    sources, timeout=SOURCES_WITHIN_S
                )  # those that look at `terminated` end by themselves
            await _end(sources)
            await self._drain(listener)
        finally:
            await _end([*sources, *serving])

    async def _initialize(
        self, streamer: BaseInputStreamer | BaseOutputStreamer, initializing: Coroutine[Any, Any, None]
    ) -> None:
        self._opened.append(streamer)
        try:
            await initializing
        except Exception as error:
            raise StreamersFailedError(f"{type(streamer).__name__}.initialize failed: {error!r}") from error

    async def _until_over(
        self, state: GoogleIOStreamerState, feeder: Feeder, sources: "list[asyncio.Task[None]]"
    ) -> None:
        over = asyncio.create_task(self._is_over.wait())
        exhausted = asyncio.create_task(self._exhausted(state, feeder, sources))
        try:
            await asyncio.wait({over, exhausted}, return_when=asyncio.FIRST_COMPLETED)
            if exhausted.done():
                exhausted.result()
        finally:
            await _end([over, exhausted])

    async def _stream(self, streamer: BaseInputStreamer) -> None:
        try:
            await streamer.stream_input()
        except Exception as error:
            log.exception("%s.stream_input failed; the others go on", type(streamer).__name__)
            self._failures.append(error)

    async def _exhausted(
        self, state: GoogleIOStreamerState, feeder: Feeder, sources: "list[asyncio.Task[None]]"
    ) -> None:
        """End the conversation when all its sources have ended and the last reply was heard; without end otherwise."""
        if sources:
            await asyncio.wait(sources)
        if not (sources and self._are_all):
            await asyncio.Event().wait()
        if len(self._failures) == len(sources):
            raise StreamersFailedError(
                f"every input streamer failed; the first with {self._failures[0]!r}"
            ) from self._failures[0]
        await _until(lambda: feeder.is_idle, REPLIES_WITHIN_S)
        if feeder.has_spoken:
            feeder.paused()
            await _until(lambda: state.is_streaming_output, SPEECH_ANSWERED_WITHIN_S)
            await _until(lambda: not state.is_streaming_output, REPLIES_WITHIN_S)
        await state.set_terminated(True)
        await self._is_over.wait()

    async def _drain(self, listener: Listener) -> None:
        """What has come is handled before the streamers are closed, within reason."""
        listener.read_all()
        await _until(lambda: listener.is_idle, DRAIN_WITHIN_S)

    async def _close(self) -> None:
        for streamer in self._opened:
            try:
                await asyncio.wait_for(streamer.close(), CLOSE_WITHIN_S)
            except Exception:
                log.exception("%s.close failed", type(streamer).__name__)


async def _until(condition: Any, within_s: float) -> None:
    """Wait for something that nobody tells; seldom, and only at the end of a conversation."""
    give_up_s = asyncio.get_running_loop().time() + within_s
    while not condition() and asyncio.get_running_loop().time() < give_up_s:  # noqa: ASYNC110 - see above
        await asyncio.sleep(LOOK_S)


async def _end(tasks: "list[asyncio.Task[Any]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
