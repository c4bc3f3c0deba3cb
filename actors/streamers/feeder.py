"""The caller's input streamers as one ray of the media star: text exactly once, as a keyboard's lines; voice as a microphone's."""

import asyncio
import itertools
import logging
import os
import time
from collections.abc import Sequence

from actors import wire
from actors.devices.resample import Framer
from actors.inputs.base import BaseInputStreamer
from actors.inputs.delivery import Delivery
from actors.inputs.outgoing import Outgoing
from actors.inputs.ring import Ring
from actors.runtime.bus import Identity, Link
from actors.runtime.inbox import Counters, Received
from actors.runtime.loop import Loop
from actors.streamers import items
from actors.streamers.input_queue import InputQueue
from actors.streamers.pace import Pace

KIND = "feeder"
RATE_HZ = 16_000
FRAME_MS = 20
RETRY_S = 0.5
ROOM_LOOK_S = 0.05

log = logging.getLogger("antiphon")


class Feeder:
    """Takes the items off the streamers' queues and sends them to the session."""

    def __init__(
        self, loop: Loop, name: str, streamers: Sequence[BaseInputStreamer], counters: Counters
    ) -> None:
        self.queues = [(streamer, InputQueue(counters)) for streamer in streamers]
        self.has_spoken = False
        """Whether any voice was sent."""
        self._loop = loop
        self._name = name
        self._counters = counters
        self._link = Link(loop, Identity(name, KIND), counters, self._take)
        self._delivery = Delivery(one_at_a_time=False)
        self._texts: dict[int, str] = {}
        self._numbers = itertools.count(1)
        self._unanswered: set[int] = set()
        self._kept: set[int] = set()
        """Of those: the model has them, and only their replies are due."""
        self._pace = Pace()
        self._frame: wire.VideoFrame | None = None
        """The newest picture, while an older one is on its way."""
        self._is_frame_out = False
        self._outgoing = Outgoing(Ring(time.monotonic_ns(), rate_hz=RATE_HZ), counters)
        self._is_flushing = False
        self._complaints: set[str] = set()

    def connect(self, address: str) -> None:
        """Join the star."""
        self._link.connect(address)
        self._retry()

    def close(self) -> None:
        """Leave it."""
        self._link.close(linger_ms=200)

    @property
    def is_idle(self) -> bool:
        """Whether every item was taken, and every text answered and heard."""
        return all(queue.empty() for _, queue in self.queues) and not self._unanswered

    async def drain(self, streamer: BaseInputStreamer, queue: InputQueue) -> None:
        """Serve one streamer's queue, until cancelled."""
        voices: dict[int, _Voice] = {}
        while True:
            item = await queue.get()
            try:
                content = items.read(item)
            except ValueError as error:
                self._complain(streamer, str(error))
                continue
            match content:
                case items.Said(text=text):
                    await self._say(text)
                case items.Voice(pcm=pcm, rate_hz=rate_hz):
                    voice = voices.setdefault(rate_hz, _Voice(rate_hz))
                    await self._speak(voice.frames(pcm))
                case items.Silence():
                    self.paused()
                case items.Stop():
                    self._link.send(wire.Interrupt())
                case items.Seen(jpeg=jpeg):
                    self._show(wire.VideoFrame(jpeg, time.monotonic_ns()))

    def paused(self) -> None:
        """No more voice for now: the model need not wait for the end of the word."""
        pause = None if self._outgoing.queue_ms else self._outgoing.pause()
        if pause is not None and self._link.send(pause):
            self._outgoing.sent(pause)

    async def _say(self, text: str) -> None:
        while not self._delivery.has_room:  # noqa: ASYNC110 - back-pressure, seldom
            await asyncio.sleep(ROOM_LOOK_S)
        number = next(self._numbers)
        self._texts[number] = text
        self._delivery.add(number)
        self._unanswered.add(number)
        self._send_due()

    def _show(self, frame: wire.VideoFrame) -> None:
        """Send the newest picture when the session has taken the one before: video never holds up the voice."""
        if self._frame is not None:
            self._counters.drop("video_late")
        self._frame = frame
        self._send_frame()

    def _send_frame(self) -> None:
        if self._frame is not None and not self._is_frame_out and self._link.send(self._frame):
            self._frame, self._is_frame_out = None, True

    async def _speak(self, frames: "list[bytes]") -> None:
        for frame in frames:
            self.has_spoken = True
            self._outgoing.add(frame, time.monotonic_ns())
            self._send_voice()
            await asyncio.sleep(self._pace.wait_s(FRAME_MS / 1000, time.monotonic()))

    def _send_voice(self) -> None:
        """Send what is due, and go on by ourselves while a replay leaves something to send."""
        while (message := self._outgoing.next(self._loop.now(), time.monotonic_ns())) is not None:
            if not self._link.send(message):
                return
            self._outgoing.sent(message)
        if self._outgoing.queue_ms and not self._is_flushing:
            self._is_flushing = True
            self._loop.call_later(FRAME_MS / 1000, self._flush)

    def _flush(self) -> None:
        self._is_flushing = False
        self._send_voice()

    def _send_due(self) -> None:
        for number in self._delivery.due():
            line = wire.TextLine(wire.LineId(self._name, number), self._texts[number])
            if not self._link.send(line):
                return  # its Welcome brings us back
            self._delivery.handed(number, self._loop.now())

    def _retry(self) -> None:
        self._send_due()
        self._loop.call_later(RETRY_S, self._retry)

    def _take(self, received: Received) -> None:
        match received.envelope.body:
            case wire.Welcome():
                self._welcomed()
            case wire.Replay() as replay:
                self._outgoing.asked(replay)
                self._send_voice()
            case wire.LineSent(line=line):
                self._delivery.sent(line.number)
            case wire.LineAnswered(line=line):
                self._delivery.answered(line.number)
                self._unanswered.discard(line.number)
                self._kept.discard(line.number)
            case wire.LineKept(line=line):
                self._delivery.kept(line.number)
                self._texts.pop(line.number, None)
                self._kept.add(line.number)
                self._kept &= self._unanswered
            case wire.LineRefused(line=line, reason=reason):
                self._refused(line.number, reason)
            case wire.VideoTaken():
                self._is_frame_out = False
                self._send_frame()
            case _:
                pass

    def _welcomed(self) -> None:
        """A session is there (again): what it does not know is due; what died with the one before is not waited for."""
        self._outgoing.nobody_asks()
        self._link.send(wire.Hello(KIND, os.getpid()))
        self._delivery.session_is_new(self._loop.now())
        self._unanswered -= self._kept
        self._kept.clear()
        self._is_frame_out = False
        self._send_due()
        self._send_frame()

    def _refused(self, number: int, reason: str) -> None:
        self._counters.drop("refused")
        log.error("a text was not said: %s", reason)
        self._delivery.settled(number)
        self._unanswered.discard(number)
        self._texts.pop(number, None)

    def _complain(self, streamer: BaseInputStreamer, problem: str) -> None:
        """Count every item that cannot be sent, and log each problem once."""
        self._counters.drop("bad_item")
        complaint = f"{type(streamer).__name__}: an item cannot be sent: {problem}"
        if complaint not in self._complaints:
            self._complaints.add(complaint)
            log.error("%s", complaint)


class _Voice:
    """One rate of one streamer's voice, cut into frames for the session."""

    def __init__(self, rate_hz: int) -> None:
        self._frames: list[bytes] = []
        self._framer = Framer(rate_hz, RATE_HZ, FRAME_MS, lambda pcm, _: self._frames.append(pcm))

    def frames(self, pcm: bytes) -> list[bytes]:
        """Return the frames that are full now."""
        self._framer.add(pcm, 0)
        ready, self._frames = self._frames, []
        return ready
