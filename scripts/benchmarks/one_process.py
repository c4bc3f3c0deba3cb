"""Our own pattern without our processes: the same devices, playout buffer and stale-audio rule in one asyncio process."""

import asyncio
import time

from google.genai.live import AsyncSession

from actors.devices.audio import Output, open_input, open_output
from actors.model import events
from actors.model.voice import Voice
from actors.outputs.playout import RATE_HZ, Playout
from actors.runtime.inbox import Counters
from actors.wire import MicChunk
from scripts.benchmarks import endpoint, loads
from scripts.benchmarks.peers import MODEL

MIC_RATE_HZ = 16_000
FRAME_MS = 20
MIC_TYPE = "audio/pcm;rate=16000"


class OneProcess:
    """Microphone to model, model to loudspeaker."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._playout = Playout()
        self._epoch = 1
        self._voice = Voice(Counters())
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Talk until the process ends."""
        loudspeaker = open_output("", RATE_HZ, self._playout.read)
        open_input("", MIC_RATE_HZ, FRAME_MS, self._captured)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send())
            tasks.create_task(self._receive(loudspeaker))
            tasks.create_task(loads.obey(self._say))

    async def _say(self, text: str) -> None:
        await self._session.send_realtime_input(text=text)

    def _captured(self, pcm: bytes, captured_ns: int) -> None:
        """Take a frame; in the device's thread."""
        self._loop.call_soon_threadsafe(self._frame_came, MicChunk(pcm, captured_ns))

    def _frame_came(self, chunk: MicChunk) -> None:
        self._voice.add(chunk)
        self._wake.set()

    async def _send(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while len(self._voice):
                try:
                    chunk = self._voice.take(time.monotonic_ns())
                except IndexError:
                    break
                assert chunk is not None
                await self._session.send_realtime_input(audio={"data": chunk.pcm_16k, "mime_type": MIC_TYPE})

    async def _receive(self, loudspeaker: Output) -> None:
        while True:
            async for message in self._session.receive():
                for event in events.events_of(message):
                    self._take(event, loudspeaker)

    def _take(self, event: events.Event, loudspeaker: Output) -> None:
        match event:
            case events.Audio(pcm=pcm):
                self._playout.add(self._epoch, pcm)
            case events.Cut():
                self._epoch += 1
                self._playout.flush(self._epoch, fade=False)
                loudspeaker.abort()
            case events.Generated():
                self._playout.end(self._epoch)
            case events.TurnOver():
                self._playout.end(self._epoch)
                self._epoch += 1
            case _:
                pass


async def main() -> None:
    """Connect, and talk."""
    connecting = endpoint.client().aio.live.connect(model=MODEL, config=endpoint.CONFIG)
    async with connecting as session:
        await OneProcess(session).run()


if __name__ == "__main__":
    asyncio.run(main())
