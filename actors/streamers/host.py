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
from actors.streamers.sources import Sources, StreamersFailedError, end, last_reply, until

CONNECT_WITHIN_S = 30.0
DRAIN_WITHIN_S = 1.0
CLOSE_WITHIN_S = 2.0

log = logging.getLogger("antiphon")


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
        serving = listener.outlets.serve()
        serving += [asyncio.create_task(feeder.drain(*pair)) for pair in feeder.queues]
        sources = Sources(self._inputs)
        sources.begin()
        try:
            await self._until_over(state, feeder, sources)
            await sources.end()
            listener.read_all()
            await until(lambda: listener.outlets.is_idle, DRAIN_WITHIN_S)
        finally:
            await sources.end_now()
            await end(serving)

    async def _initialize(
        self, streamer: BaseInputStreamer | BaseOutputStreamer, initializing: Coroutine[Any, Any, None]
    ) -> None:
        self._opened.append(streamer)
        try:
            await initializing
        except Exception as error:
            raise StreamersFailedError(f"{type(streamer).__name__}.initialize failed: {error!r}") from error

    async def _until_over(self, state: GoogleIOStreamerState, feeder: Feeder, sources: Sources) -> None:
        over = asyncio.create_task(self._is_over.wait())
        exhausted = asyncio.create_task(self._exhausted(state, feeder, sources))
        try:
            await asyncio.wait({over, exhausted}, return_when=asyncio.FIRST_COMPLETED)
            if exhausted.done():
                exhausted.result()
        finally:
            await end([over, exhausted])

    async def _exhausted(self, state: GoogleIOStreamerState, feeder: Feeder, sources: Sources) -> None:
        """End the conversation when all its sources have ended and the last reply was heard; without end otherwise."""
        if not (self._inputs and self._are_all):
            await self._is_over.wait()
        await sources.exhausted()
        if feeder.has_spoken:
            feeder.paused()
        await last_reply(state, lambda: feeder.is_idle, lambda: feeder.has_spoken)
        await state.set_terminated(True)
        await self._is_over.wait()

    async def _close(self) -> None:
        for streamer in self._opened:
            try:
                await asyncio.wait_for(streamer.close(), CLOSE_WITHIN_S)
            except Exception:
                log.exception("%s.close failed", type(streamer).__name__)
