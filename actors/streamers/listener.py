"""The caller's output streamers as one ray of the media star: they get what a console and a speaker get."""

import asyncio
import logging
import os
import time
from collections.abc import Sequence

from actors import wire
from actors.outputs.base import BaseOutputStreamer, Data
from actors.runtime.bus import Identity, Link
from actors.runtime.inbox import Counters, Received
from actors.runtime.loop import Loop
from actors.streamers.outlets import Outlets

KIND = "listener"
TICK_S = 0.02
REPORT_EVERY_S = 0.2

log = logging.getLogger("antiphon")


class Listener:
    """Reads the media star for the caller's output streamers, and tells the session what was heard."""

    def __init__(
        self, loop: Loop, name: str, streamers: Sequence[BaseOutputStreamer], counters: Counters
    ) -> None:
        self.has_joined = asyncio.Event()
        self.outlets = Outlets(streamers, counters)
        self._loop = loop
        self._counters = counters
        self._link = Link(loop, Identity(name, KIND), counters, self._take)
        self._session = 0
        """Incarnation of the session we listen to."""
        self._epoch = 0
        """Newest seen; what is older is dropped."""
        self._flushed = 0
        self._has_reply = False
        """Something of a reply was given since the last cut: a line of the user's and the model's own word for it are two."""
        self._unreported: set[int] = set()
        self._ended: set[int] = set()
        """Epochs of which nothing more comes."""
        self._reported_s = 0.0
        self._is_ticking = False

    def connect(self, address: str) -> None:
        """Join the star."""
        self._link.connect(address)

    def close(self) -> None:
        """Leave it."""
        self._link.close(linger_ms=200)

    def read_all(self) -> None:
        """Take what has arrived, before closing."""
        self._link.read_all()

    def _take(self, received: Received) -> None:
        epoch = received.envelope.epoch
        match received.envelope.body:
            case wire.Welcome():
                self._welcomed()
            case wire.SpeechChunk(pcm_24k=pcm):
                self._speech_came(pcm, epoch)
            case wire.SpeechEnd():
                self._expect(epoch)
                self._ended.add(epoch)
            case wire.Flush():
                self._flush(epoch)
            case wire.OutputText(text=text):
                self._has_reply = True
                self._give({"output_text": text}, epoch)
            case wire.InputText(text=text):
                self._give({"input_text": text}, epoch)
            case wire.TextComplete():
                self._give({"text_complete": True}, epoch)
            case _:  # what only a console or a speaker needs to know
                pass

    def _welcomed(self) -> None:
        """A new session gives nothing more of what an earlier one left here."""
        self._link.send(wire.Hello(KIND, os.getpid()))
        if self._session and self._session != self._link.hub_boot_id:
            self._ended |= self._unreported
            self._link.send(wire.Heard(0, is_done=False), self._epoch)
        self._session = self._link.hub_boot_id
        self.has_joined.set()

    def _give(self, data: Data, epoch: int) -> None:
        self.outlets.give(data, epoch, time.monotonic())

    def _speech_came(self, pcm: bytes, epoch: int) -> None:
        if epoch < self._epoch:
            self._counters.drop("stale")
            return
        self._expect(epoch)
        self._has_reply = True
        self._give({"audio": pcm}, epoch)

    def _expect(self, epoch: int) -> None:
        if epoch < self._epoch:
            return
        self._epoch = epoch
        self._unreported.add(epoch)
        if not self._is_ticking:
            self._is_ticking = True
            self._tick()

    def _flush(self, epoch: int) -> None:
        """The reply was cut: silence, as far as it is in our hands."""
        if epoch <= self._flushed:
            return
        self._flushed = epoch
        now_s = time.monotonic()
        played_ms = self.outlets.played_ms(now_s)
        self.outlets.cut(epoch, now_s)
        self._epoch = max(self._epoch, epoch)
        if self._has_reply:
            self._has_reply = False
            self._give({"interrupted": True}, epoch)
        for old in sorted(self._unreported):
            if old < epoch:
                self._link.send(wire.Heard(played_ms, is_done=True), old)
        self._forget({old for old in self._unreported if old < epoch})

    def _tick(self) -> None:
        now_s = time.monotonic()
        done = {epoch for epoch in self._unreported & self._ended if self.outlets.is_heard(epoch, now_s)}
        for epoch in sorted(done):
            if not self._link.send(wire.Heard(self.outlets.played_ms(now_s), is_done=True), epoch):
                done.discard(epoch)
        self._forget(done)
        if self._unreported and now_s - self._reported_s >= REPORT_EVERY_S:
            self._reported_s = now_s
            self._link.send(wire.Heard(self.outlets.played_ms(now_s), is_done=False), self._epoch)
        self._is_ticking = bool(self._unreported)
        if self._is_ticking:
            self._loop.call_later(TICK_S, self._tick)
        else:
            self.outlets.rest(now_s)

    def _forget(self, epochs: set[int]) -> None:
        self._unreported -= epochs
        self._ended &= self._unreported
