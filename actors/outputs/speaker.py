"""The speaker actor: a deep playout buffer in front of a loudspeaker, emptied the instant the reply is cut."""

import logging
import time

import msgspec

from actors import wire
from actors.devices.audio import DeviceAbsent, DeviceError, Output, open_output
from actors.outputs.first_sound import FirstSound
from actors.outputs.playout import RATE_HZ, Playout
from actors.outputs.tap import Tap
from actors.runtime import exits
from actors.runtime.actor import Actor, ActorSpec
from actors.runtime.deadline import deadline
from actors.runtime.latency import Meter
from actors.runtime.loop import Loop
from actors.runtime.notify import Health, Notifier
from actors.settings import SpeakerTable

PLAYING_TICK_S = 0.02
IDLE_TICK_S = 0.25
REPORT_EVERY_S = 0.2

log = logging.getLogger("speaker")


class SpeakerActor(Actor):
    """Plays the replies; tells the session what was heard."""

    def __init__(self, spec: ActorSpec, loop: Loop, notifier: Notifier) -> None:
        super().__init__(spec, loop, notifier)
        table = spec.settings.table(spec.name, spec.kind)
        assert isinstance(table, SpeakerTable)
        self._device_name = table.device
        self._device: Output | None = None
        self._playout = Playout()
        self._epoch = 0
        """Newest epoch seen."""
        self._session = 0
        """Incarnation of the session we play for."""
        self._unreported: set[int] = set()
        """Epochs whose end the session has not been told."""
        self._reported_s = 0.0
        self._is_pulled = False
        self._first_sound = FirstSound()
        self._flush_to_silence = Meter()
        self._tap = Tap() if spec.settings.session.duplex == "full" else None

    def on_synchronised(self) -> None:
        """Open the loudspeaker. The first pull makes us ready."""
        if self._device is not None:
            return
        try:
            with deadline("opening the loudspeaker"):
                self._device = open_output(self._device_name, RATE_HZ, self._pull)
        except (DeviceAbsent, DeviceError) as error:
            raise exits.ActorExit(exits.DEVICE_ABSENT, str(error)) from error
        self.detail = self._device.description
        self._tick()

    def on_start(self) -> None:
        """Wait for the coordinator: `on_synchronised` opens the device."""
        if self._tap is not None:
            self.loop.watch(self._tap.fd, self._announce)

    def on_welcome(self) -> None:
        """A new session gives nothing more of what an earlier one left here: let that play to its end, and say how far we are.

        Without an end it would count as unheard for ever, and half duplex would keep the microphone shut.
        """
        if self._session and self._session != self.media.hub_boot_id:
            for epoch in self._unreported:
                self._playout.end(epoch)
            self.media.send(wire.Heard(0, is_done=False), self._epoch)
        self._session = self.media.hub_boot_id

    def on_stop(self) -> None:
        """Fall silent and let go of the device."""
        if self._device is not None:
            self._device.close()
        if self._tap is not None:
            self._tap.close()

    def on_message(self, message: wire.Wire, envelope: wire.Envelope) -> None:
        """Queue, end or drop speech."""
        match message:
            case wire.SpeechChunk() as chunk:
                self._speech_came(chunk, envelope)
            case wire.SpeechEnd():
                self._playout.end(envelope.epoch)
                self._expect(envelope.epoch)
            case wire.Flush():
                self._flush(envelope)
            case _:
                super().on_message(message, envelope)

    def health(self) -> Health:
        """Add what only a loudspeaker knows."""
        counts = self._playout.counts()
        flush = self._flush_to_silence.latency()
        return msgspec.structs.replace(
            super().health(),
            dropped=self.counters.dropped
            | {f"samples_{reason}": count for reason, count in counts.dropped.items()},
            underruns=counts.underruns + (self._device.xruns if self._device is not None else 0),
            overruns=counts.dropped.get("full", 0),
            queue_ms=float(self._playout.queue_ms),
            latency_ms=self._first_sound.latencies() | ({} if flush is None else {"flush_to_silence": flush}),
        )

    # The session's orders.

    def _speech_came(self, chunk: wire.SpeechChunk, envelope: wire.Envelope) -> None:
        if envelope.epoch > self._epoch and self._playout.is_idle:
            self._first_sound.expect(envelope.sent_ns, chunk.voice_ended_ns, self._playout.played)
        self._playout.add(envelope.epoch, chunk.pcm_24k)
        self._expect(envelope.epoch)

    def _expect(self, epoch: int) -> None:
        if epoch >= self._epoch:
            self._epoch = epoch
            self._unreported.add(epoch)

    def _flush(self, envelope: wire.Envelope) -> None:
        """Silence first, words after: the device is aborted before anything is reported."""
        heard = self._playout.heard(self.loop.now(), self._latency_s)
        self._playout.flush(envelope.epoch, fade=False)
        if self._device is not None and any(not position.is_done for position in heard.values()):
            with deadline("silencing the loudspeaker"):
                self._device.abort()
            self._flush_to_silence.add((time.monotonic_ns() - envelope.sent_ns) / 1e6)
            self._take_back()
        self._first_sound.forget()
        self._epoch = max(self._epoch, envelope.epoch)
        for epoch in sorted(self._unreported):
            if epoch < envelope.epoch:
                played_ms = heard[epoch].ms if epoch in heard else 0
                self.media.send(wire.Heard(played_ms, is_done=True), epoch)
        self._unreported = {epoch for epoch in self._unreported if epoch >= envelope.epoch}

    # The microphones' reference.

    def _announce(self) -> None:
        assert self._tap is not None
        for reference in self._tap.take():
            self.media.send(reference, self._epoch)

    def _take_back(self) -> None:
        """The device was aborted: what it held is not heard."""
        if self._tap is not None:
            self._tap.interrupt()
            self.media.send(wire.ReferenceCut(time.monotonic_ns()), self._epoch)

    # The device.

    @property
    def _latency_s(self) -> float:
        return self._device.latency_s if self._device is not None else 0.0

    def _pull(self, n_samples: int) -> bytes:
        """Give the device what it asks for; in its thread."""
        self._is_pulled = True
        pcm = self._playout.read(n_samples)
        audible_ns = time.monotonic_ns() + int(self._latency_s * 1e9)
        if self._tap is not None:
            self._tap.took(pcm, audible_ns, is_reply_heard=self.control.state.is_streaming_output)
        self._first_sound.took(pcm, self._playout.played, audible_ns)
        return pcm

    def _tick(self) -> None:
        now = self.loop.now()
        if self._is_pulled:
            self.ready()
        self._watch(now)
        self._report(now)
        self.loop.call_later(
            PLAYING_TICK_S if self._unreported or not self._is_pulled else IDLE_TICK_S, self._tick
        )

    def _watch(self, now: float) -> None:
        """A device that stops pulling says nothing: only a new process sees the devices that are there now."""
        device = self._device
        if device is None or not (device.is_stalled(now) or device.error):
            return
        why = str(device.error) if device.error else "it stopped pulling"
        raise exits.ActorExit(exits.DEVICE_ABSENT, f"lost the loudspeaker {device.description}: {why}")

    def _report(self, now: float) -> None:
        if not self._unreported:
            return
        heard = self._playout.heard(now, self._latency_s)
        is_due = now - self._reported_s >= REPORT_EVERY_S
        for epoch in sorted(self._unreported):
            position = heard.get(epoch)
            if position is None or position.is_done:
                if self.media.send(wire.Heard(position.ms if position else 0, is_done=True), epoch):
                    self._unreported.discard(epoch)
            elif is_due and self.media.send(wire.Heard(position.ms, is_done=False), epoch):
                self._reported_s = now
