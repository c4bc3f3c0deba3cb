"""The pattern of google-gemini/cookbook, quickstarts/Get_started_LiveAPI.py (as of 2026-08-07), written anew for sound alone.

One asyncio process. Blocking PyAudio reads and writes, each in `asyncio.to_thread`; 64 ms of microphone per read, a queue of
five that pops its oldest; a chunk is written as it was received; an interruption empties the queue of what is not written yet.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

import pyaudio
from google.genai.live import AsyncSession

from scripts.benchmarks import endpoint, loads
from scripts.benchmarks.peers import MODEL, wants_sound

SEND_RATE_HZ = 16_000
RECEIVE_RATE_HZ = 24_000
CHUNK_SAMPLES = 1024


class AudioLoop:
    """Microphone to model, model to loudspeaker."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._pyaudio = pyaudio.PyAudio()
        self._to_play: asyncio.Queue[bytes] = asyncio.Queue()
        self._to_send: asyncio.Queue[bytes] = asyncio.Queue(maxsize=5)

    async def run(self) -> None:
        """Talk until the process ends."""
        async with asyncio.TaskGroup() as tasks:
            for work in self._works():
                tasks.create_task(work())

    def _works(self) -> "list[Callable[[], Coroutine[Any, Any, None]]]":
        sound = [self._listen, self._send, self._play] if wants_sound() else []
        return [*sound, self._receive, self._obey]

    async def _listen(self) -> None:
        device = self._pyaudio.get_default_input_device_info()
        stream = await self._open(
            rate=SEND_RATE_HZ,
            input=True,
            input_device_index=device["index"],
            frames_per_buffer=CHUNK_SAMPLES,
        )
        while True:
            pcm = await asyncio.to_thread(stream.read, CHUNK_SAMPLES, exception_on_overflow=False)
            if self._to_send.full():
                self._to_send.get_nowait()
            self._to_send.put_nowait(pcm)

    async def _send(self) -> None:
        while True:
            pcm = await self._to_send.get()
            await self._session.send_realtime_input(audio={"data": pcm, "mime_type": "audio/pcm;rate=16000"})

    async def _obey(self) -> None:
        await loads.obey(lambda text: self._session.send_realtime_input(text=text))

    async def _receive(self) -> None:
        while True:
            async for response in self._session.receive():
                if (content := response.server_content) is None:
                    continue
                if content.interrupted:
                    self._forget()
                for part in (content.model_turn.parts or []) if content.model_turn else []:
                    if part.inline_data and part.inline_data.data:
                        self._to_play.put_nowait(part.inline_data.data)

    async def _play(self) -> None:
        stream = await self._open(rate=RECEIVE_RATE_HZ, output=True)
        while True:
            await asyncio.to_thread(stream.write, await self._to_play.get())

    def _forget(self) -> None:
        with contextlib.suppress(asyncio.QueueEmpty):
            while True:
                self._to_play.get_nowait()

    async def _open(self, **options: Any) -> Any:
        return await asyncio.to_thread(self._pyaudio.open, format=pyaudio.paInt16, channels=1, **options)


async def main() -> None:
    """Connect, and talk."""
    connecting = endpoint.client().aio.live.connect(model=MODEL, config=endpoint.CONFIG)
    async with connecting as session:
        await AudioLoop(session).run()


if __name__ == "__main__":
    asyncio.run(main())
