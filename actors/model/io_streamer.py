"""`GoogleIOStreamer`: one conversation in one process, between the user's own `AsyncSession` and streamers.

As in the original, everything here shares one event loop: what blocks it is heard. `GoogleRealtimeSession` is the one that is
not. Only the shape of the SDK's session is used, not the SDK.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any, Protocol

from actors.inputs.base import BaseInputStreamer
from actors.model import events
from actors.outputs.base import BaseOutputStreamer, Data
from actors.runtime.inbox import Counters
from actors.state import GoogleIOStreamerState
from actors.streamers.outlets import Outlets
from actors.streamers.sources import Sources, end, last_reply, until

LOOK_S = 0.01
DRAIN_WITHIN_S = 1.0


class LiveSession(Protocol):
    """What is used of the SDK's `google.genai.live.AsyncSession`."""

    async def send_realtime_input(self, **item: Any) -> None:
        """Hand one item to the model."""

    def receive(self) -> AsyncIterator[Any]:
        """Yield the model's messages until the end of its turn."""


class GoogleIOStreamer:
    """Moves what is said between a live session and the streamers.

    Attributes:
        session (AsyncSession): The open session with the model.
        task_group (asyncio.TaskGroup): The tasks of the conversation are started in it; a lost connection is its error.
        input_queue (asyncio.Queue): From the input streamers to the model.
        output_queue (asyncio.Queue): From the model to the output streamers.
        input_streamers (list[BaseInputStreamer]): What the user says comes from these.
        output_streamers (list[BaseOutputStreamer]): What the model says goes to these.
        post_output_audio_delay (float): Seconds from the end of a reply until `is_streaming_output` is false again.
        state (GoogleIOStreamerState): The state of the conversation.

    """

    def __init__(
        self,
        session: LiveSession,
        task_group: asyncio.TaskGroup,
        input_queue: "asyncio.Queue[Any]",
        output_queue: "asyncio.Queue[Any]",
        input_streamers: list[BaseInputStreamer],
        output_streamers: list[BaseOutputStreamer],
        post_output_audio_delay: float,
        logger: logging.Logger,
    ) -> None:
        self.session = session
        self.task_group = task_group
        self.input_queue = input_queue
        self.output_queue = output_queue
        self.input_streamers = input_streamers
        self.output_streamers = output_streamers
        self.post_output_audio_delay = post_output_audio_delay
        self.state = GoogleIOStreamerState()
        self._logger = logger
        self._counters = Counters()
        self._outlets = Outlets(output_streamers, self._counters)
        self._epoch = 1
        """Number of the reply that is being given."""
        self._is_whole = True
        """Nothing more of it comes."""
        self._is_complete = True
        """Its text was said to be complete."""
        self._is_discarded = False
        """The user has cut it: what the model still sends of it is dropped until its turn is over."""
        self._owed = 0
        """Texts that were not answered yet."""
        self._has_spoken = False

    async def start(self) -> None:
        """Run the conversation until it is terminated, or every source is exhausted and the last reply was heard.

        Raises `StreamersFailedError` when every input streamer failed. Errors of the connection are the task group's.
        """
        is_over = asyncio.Event()
        self.state.watch(lambda: is_over.set() if self.state.terminated else None)
        sources = Sources(self.input_streamers)
        tasks: list[asyncio.Task[Any]] = []
        try:
            for source in self.input_streamers:
                await source.initialize(self.state, self.input_queue)
            for output in self.output_streamers:
                await output.initialize(self.state)
            tasks = [self.task_group.create_task(work) for work in self._work()] + self._outlets.serve()
            sources.begin()
            tasks.append(self.task_group.create_task(self._end_when_exhausted(sources)))
            await is_over.wait()
            await sources.end()
            await until(lambda: self._outlets.is_idle, DRAIN_WITHIN_S)
        finally:
            await sources.end_now()
            await end(tasks)
            await self._close()

    def _work(self) -> "tuple[Any, ...]":
        return (
            self._send_model_input(),
            self._receive_model_output(),
            self._stream_output(),
            self._watch_reply(),
        )

    async def _send_model_input(self) -> None:
        while True:
            item = await self.input_queue.get()
            if "interrupt" in item:
                await self._cut_by_user()
                continue
            self._owed += "text" in item
            self._has_spoken = self._has_spoken or "audio" in item
            await self.session.send_realtime_input(**item)

    async def _receive_model_output(self) -> None:
        while True:
            async for message in self.session.receive():
                for event in events.events_of(message):
                    await self._take(event)
            await asyncio.sleep(0)

    async def _take(self, event: events.Event) -> None:
        match event:
            case events.Audio() | events.Said() if self._is_discarded:
                pass
            case events.Audio(pcm=pcm):
                self._is_whole = False
                await self.state.set_streaming_output(True)
                await self._put({"audio": pcm})
            case events.Said(text=text):
                self._is_complete = False
                await self._put({"output_text": text})
            case events.Understood(text=text):
                await self._put({"input_text": text})
            case events.Cut():
                await self._cut()
            case events.Generated():
                await self._complete()
            case events.TurnOver():
                await self._turn_over()
            case events.ToolsCalled():
                self._logger.warning("the model calls a function, and there is nobody to run it")
            case _:  # what only a session of its own process has use for
                pass

    async def _put(self, data: Data) -> None:
        await self.output_queue.put(data)

    async def _complete(self) -> None:
        self._is_complete = True
        await self._put({"text_complete": True})

    async def _turn_over(self) -> None:
        if not self._is_complete:
            await self._complete()
        self._is_whole = True
        self._is_discarded = False
        self._owed = max(0, self._owed - 1)

    async def _cut_by_user(self) -> None:
        """The model does not know, and goes on for a while: nobody is given that."""
        if not (self._is_whole and self._is_complete):
            self._is_discarded = True
            await self._cut()
        elif self.state.is_streaming_output:
            await self._cut()

    async def _cut(self) -> None:
        """Silence: what waits of this reply is not given to anybody any more."""
        waiting = [self.output_queue.get_nowait() for _ in range(self.output_queue.qsize())]
        for data in waiting:
            if "audio" not in data:
                self.output_queue.put_nowait(data)
        self._epoch += 1
        self._is_whole = self._is_complete = True
        self._outlets.cut(self._epoch, time.monotonic())
        await self._put({"interrupted": True})

    async def _stream_output(self) -> None:
        while True:
            data = await self.output_queue.get()
            self._outlets.give(data, self._epoch, time.monotonic())

    async def _watch_reply(self) -> None:
        """The reply counts as being spoken until a delay after it was heard to its end."""
        while True:
            await asyncio.sleep(LOOK_S)
            if not (self.state.is_streaming_output and self._is_heard()):
                continue
            await asyncio.sleep(self.post_output_audio_delay)
            if self._is_heard():
                self._outlets.rest(time.monotonic())
                await self.state.set_streaming_output(False)

    def _is_heard(self) -> bool:
        is_given = self._is_whole and self.output_queue.empty()
        return is_given and self._outlets.is_heard(self._epoch, time.monotonic())

    async def _end_when_exhausted(self, sources: Sources) -> None:
        await sources.exhausted()
        await last_reply(
            self.state, lambda: self.input_queue.empty() and not self._owed, lambda: self._has_spoken
        )
        await self.state.set_terminated(True)

    async def _close(self) -> None:
        streamers: list[BaseInputStreamer | BaseOutputStreamer] = [*self.input_streamers]
        for streamer in [*streamers, *self.output_streamers]:
            try:
                await streamer.close()
            except Exception:
                self._logger.exception("%s.close failed", type(streamer).__name__)
