"""The speaker actor: a deep playout buffer in front of a loudspeaker, emptied the instant the reply is cut."""

import logging
import time

import msgspec

from actors import wire
from actors.outputs.fades import SAMPLE_BYTES
from actors.outputs.first_sound import FirstSound
from actors.outputs.intake import Intake
from actors.outputs.loudspeaker import Loudspeaker
from actors.outputs.pace import Pace
from actors.outputs.playout import RATE_HZ, Playout
from actors.outputs.queued_reply import SAMPLES_PER_MS
from actors.outputs.tap import Tap
from actors.runtime.actor import Actor, ActorSpec
from actors.runtime.latency import Meter
from actors.runtime.loop import Loop
from actors.runtime.notify import Health, Notifier
from actors.settings import SpeakerTable

PLAYING_TICK_S = 0.02
IDLE_TICK_S = 0.25
REPORT_EVERY_S = 0.2
LEAD_MARGIN_MS = 20
"""A block of the device, and what a busy machine needs to get to it."""
LEAD_CHANGED_MS = 10

log = logging.getLogger("speaker")


class SpeakerActor(Actor):
    """Plays the replies; tells the session what was heard."""

    def __init__(self, spec: ActorSpec, loop: Loop, notifier: Notifier) -> None:
        super().__init__(spec, loop, notifier)
        table = spec.settings.table(spec.name, spec.kind)
        assert isinstance(table, SpeakerTable)
        self._intake = Intake() if spec.is_remote else None
        self._playout = Playout(conceals=spec.is_remote)
        self._loudspeaker = Loudspeaker(table.device, table.latency_ms, self._playout, self._pull)
        self._pace: Pace | None = None
        """Once a reply has come that is to be heard at a certain time."""
        self._told_lead_ms = 0
        self._epoch = 0
        """Newest epoch seen."""
        self._session = 0
        """Incarnation of the session we play for."""
        self._unreported: set[int] = set()
        """Epochs whose end the session has not been told."""
        self._reported_s = 0.0
        self._pulled = 0
        """Samples that the device has asked for."""
        self._first_sound = FirstSound()
        self._flush_to_silence = Meter()
        self._tap = Tap() if spec.settings.session.duplex == "full" else None

    def on_synchronised(self) -> None:
        """Open the loudspeaker. The first pull makes us ready."""
        if not self._loudspeaker.is_open:
            self._open()
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
        self._told_lead_ms = 0
        self._say_how_far(always=True)

    def on_stop(self) -> None:
        """Fall silent and let go of the device."""
        self._loudspeaker.close()
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
                self._loudspeaker.begin_what_is_due()
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
            underruns=counts.underruns + self._loudspeaker.xruns,
            overruns=counts.dropped.get("full", 0),
            queue_ms=float(self._playout.queue_ms),
            latency_ms=self._first_sound.latencies() | ({} if flush is None else {"flush_to_silence": flush}),
            concealed_ms=counts.concealed / SAMPLES_PER_MS,
            done=None if self._playout.is_idle else self._pulled,
        )

    # The session's orders.

    def _speech_came(self, chunk: wire.SpeechChunk, envelope: wire.Envelope) -> None:
        if envelope.epoch > self._epoch and self._playout.is_idle:
            self._first_sound.expect(envelope.sent_ns, chunk.voice_ended_ns, self._playout.played)
        pcm = chunk.pcm_24k
        if self._intake is not None:
            self._intake.arrivals.came(envelope.sent_ns, time.monotonic_ns())
            self._playout.gather(self._intake.arrivals.target_ms)
            pcm = self._intake.take(envelope.epoch, chunk)
        self._playout.add(envelope.epoch, pcm, self._due_s(chunk, len(chunk.pcm_24k) - len(pcm)))
        self._expect(envelope.epoch)
        self._loudspeaker.begin_what_is_due()

    def _due_s(self, chunk: wire.SpeechChunk, skipped_bytes: int) -> float | None:
        """When what is left of this slice is to be heard."""
        if not chunk.due_ns:
            return None
        self._pace = self._pace or Pace(self._playout)
        return chunk.due_ns / 1e9 + skipped_bytes / SAMPLE_BYTES / RATE_HZ

    def _expect(self, epoch: int) -> None:
        if epoch >= self._epoch:
            self._epoch = epoch
            self._unreported.add(epoch)
            self._loudspeaker.reply_begins()

    def _flush(self, envelope: wire.Envelope) -> None:
        """Silence first, words after: the device is aborted before anything is reported."""
        heard = self._playout.heard(self.loop.now(), self._loudspeaker.latency_s)
        self._playout.flush(envelope.epoch, fade=False)
        is_heard = any(not heard[epoch].is_done for epoch in heard if epoch < envelope.epoch)
        if self._loudspeaker.is_open and is_heard:
            self._loudspeaker.silence()
            if self._pace is not None:
                self._pace.abort()
            self._flush_to_silence.add((time.monotonic_ns() - envelope.sent_ns) / 1e6)
            self._take_back()
        self._first_sound.forget()
        self._epoch = max(self._epoch, envelope.epoch)
        for epoch in sorted(self._unreported):
            if epoch < envelope.epoch:
                played_ms = heard[epoch].ms if epoch in heard else 0
                self.media.send(wire.Heard(played_ms, is_done=True), epoch)
        self._unreported = {epoch for epoch in self._unreported if epoch >= envelope.epoch}
        self._say_how_far(always=True)

    # What the gate and the session plan with.

    def _say_how_far(self, *, always: bool = False) -> None:
        """Behind a gate: what has come and was played, so that more is sent. A cut is acknowledged by its epoch."""
        if self._intake is None:
            return
        heard = self._playout.heard(self.loop.now(), self._loudspeaker.latency_s)
        for epoch in sorted(self._unreported or {self._epoch}):
            position = heard.get(epoch)
            credit = self._intake.credit(epoch, position.samples if position else 0, always=always)
            if credit is not None:
                self.media.send(credit, epoch)

    def _say_lead(self) -> None:
        """How early audio has to be sent, for a session that has several loudspeakers to bring together."""
        lead_ms = round(self._playout.pre_roll_ms + self._loudspeaker.latency_s * 1000) + LEAD_MARGIN_MS
        if abs(lead_ms - self._told_lead_ms) > LEAD_CHANGED_MS and self.media.send(wire.Lead(lead_ms)):
            self._told_lead_ms = lead_ms

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

    def _open(self) -> None:
        self._loudspeaker.open(self.loop.now())
        self.detail = self._loudspeaker.detail

    def _is_pulled(self) -> None:
        """The device works: replies can be played.

        It is left running where something follows its clock: an echo canceller, other loudspeakers, a link's estimate.
        """
        is_allowed = self._tap is None and self._intake is None and self._pace is None
        self._loudspeaker.may_restart(is_allowed=is_allowed)
        self.ready()

    def _pull(self, n_samples: int) -> bytes:
        """Give the device what it asks for; in its thread."""
        self._pulled += n_samples
        latency_s = self._loudspeaker.pull_latency_s
        audible_ns = time.monotonic_ns() + int(latency_s * 1e9)
        pcm = (self._pace or self._playout).read(n_samples, latency_s, self._loudspeaker.patience_s)
        if self._tap is not None:
            self._tap.took(pcm, audible_ns, is_reply_heard=self.control.state.is_streaming_output)
        self._first_sound.took(pcm, self._playout.played, audible_ns)
        return pcm

    def _tick(self) -> None:
        now = self.loop.now()
        if self._pulled:
            self._is_pulled()
        self._loudspeaker.watch(now)
        self._loudspeaker.begin_what_is_due()
        self._between_replies(now)
        self._say_how_far()
        self._say_lead()
        self._report(now)
        self.loop.call_later(
            PLAYING_TICK_S if self._unreported or not self._pulled else IDLE_TICK_S, self._tick
        )

    def _between_replies(self, now: float) -> None:
        if not self._unreported:
            self._loudspeaker.lengthen(now)
            self.detail = self._loudspeaker.detail
            self._loudspeaker.rest_if_quiet(now)

    def _report(self, now: float) -> None:
        if not self._unreported:
            return
        heard = self._playout.heard(now, self._loudspeaker.latency_s)
        if all(epoch in heard and heard[epoch].is_done for epoch in self._unreported):
            self._say_how_far(always=True)  # nothing is left here
        is_due = now - self._reported_s >= REPORT_EVERY_S
        for epoch in sorted(self._unreported):
            position = heard.get(epoch)
            if position is None or position.is_done:
                if self.media.send(wire.Heard(position.ms if position else 0, is_done=True), epoch):
                    self._unreported.discard(epoch)
            elif is_due and self.media.send(wire.Heard(position.ms, is_done=False), epoch):
                self._reported_s = now
