"""The user's voice on its way from the microphones to the model, over whatever connection there is."""

import logging
import time
from collections.abc import Callable

from actors import wire
from actors.model.google import LiveConnection
from actors.model.stage import Stage
from actors.model.utterance import Utterance
from actors.model.voice import Voice, end_ns
from actors.model.voice_mark import VoiceMark, holds_voice
from actors.runtime.latency import Meter, fresh_ns
from actors.runtime.loop import Loop

MIC_TYPE = "audio/pcm;rate=16000"

log = logging.getLogger("uplink")


class Uplink:
    """Asks the microphones for what the model has not heard, and sends what comes."""

    def __init__(
        self,
        loop: Loop,
        voice: Voice,
        stage: Stage,
        ask_microphones: Callable[[wire.Replay], object],
        *,
        is_manual: bool,
        slice_ms: int,
    ) -> None:
        self.voice = voice
        self.mark = VoiceMark()
        self.mic_to_send = Meter()
        self.utterance = Utterance()
        self._loop = loop
        self._stage = stage
        self._ask_microphones = ask_microphones
        self._is_manual = is_manual
        """Push to talk: the stream's beginnings and ends are the user's turns."""
        self._slice_ns = slice_ms * 1_000_000
        """Of speech; how long silence waits to be sent together is nobody's latency."""
        self._is_speaking = False
        self._live: LiveConnection | None = None

    def opened(self, live: LiveConnection) -> None:
        """A connection is there, whose context holds the voice as far as its handle says."""
        self._live = live
        self._is_speaking = False
        self.mark.opened()
        self._ask(self.mark.held_ns)

    def tick(self) -> None:
        """Look at the clock, about twice a second."""
        self.voice.watch(time.monotonic_ns())
        if late := self.voice.take_late():
            log.warning("%d slices of the voice came too late to be sent live, and were left out", late)

    def lost(self) -> None:
        """The connection is gone."""
        self._live = None
        self.voice.hang_up()

    def mic_came(self) -> None:
        """A microphone joined, perhaps one that was here before."""
        if self._live is not None:
            self._ask(self.voice.newest_ns)

    def handle_came(self, last_message: int | None) -> None:
        """The context was saved, with the voice that the model had heard by then."""
        round_trip_s = self._live.round_trip_s() if self._live is not None else 0.0
        self.mark.handle_came(holds_voice(last_message, round_trip_s, self._loop.now()))

    async def send(self, live: LiveConnection) -> None:
        """Send what waits. Raises `ConnectionEndedError`."""
        while len(self.voice):
            try:
                chunk = self.voice.take(time.monotonic_ns())
            except IndexError:
                return
            if chunk is None:
                await self._paused(live)
            else:
                await self._send(live, chunk)

    async def _send(self, live: LiveConnection, chunk: wire.MicChunk) -> None:
        if self._is_manual and not self._is_speaking:
            self._is_speaking = True
            await live.send({"activity_start": {}})
        self.mark.sends(live.next_message, end_ns(chunk), self._loop.now())
        await live.send({"audio": {"data": chunk.pcm_16k, "mime_type": MIC_TYPE}})
        self._stage.record(chunk)
        self.utterance.sent(chunk)
        if self.voice.is_live:
            first_ns = fresh_ns(chunk.captured_ns, end_ns(chunk), self._slice_ns)
            self.mic_to_send.add((time.monotonic_ns() - first_ns) / 1e6)

    async def _paused(self, live: LiveConnection) -> None:
        if not self._is_manual:
            await live.send({"audio_stream_end": True})
        elif self._is_speaking:
            self._is_speaking = False
            await live.send({"activity_end": {}})

    def _ask(self, after_ns: int) -> None:
        self._ask_microphones(wire.Replay(self.voice.ask(after_ns), after_ns))
