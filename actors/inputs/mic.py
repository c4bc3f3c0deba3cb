"""The mic actor: the user's voice, frame by frame, never while it must not listen; and again for a new connection."""

import contextlib
import logging
import math
import os
import time
from typing import Literal

import msgspec

from actors import wire
from actors.devices.audio import DeviceAbsent, DeviceError, Input, open_input
from actors.devices.echo import DELAY_NS, EchoCanceller, EchoUnavailable
from actors.inputs.arrivals import Arrival, Arrivals
from actors.inputs.near_end import NearEnd
from actors.inputs.outgoing import PAUSE_S, Outgoing
from actors.inputs.ring import Ring
from actors.runtime import exits
from actors.runtime.actor import Actor, ActorSpec
from actors.runtime.deadline import deadline
from actors.runtime.loop import Loop
from actors.runtime.notify import Health, Notifier
from actors.settings import MicTable

RATE_HZ = 16_000
FULL_SCALE = 32_768
WATCH_S = 0.25

log = logging.getLogger("mic")


class MicActor(Actor):
    """Listens. Muted means that the device is closed, in this incarnation and in every later one."""

    def __init__(self, spec: ActorSpec, loop: Loop, notifier: Notifier) -> None:
        super().__init__(spec, loop, notifier)
        table = spec.settings.table(spec.name, spec.kind)
        assert isinstance(table, MicTable)
        self._table = table
        self._is_half_duplex = spec.settings.session.duplex == "half"
        self._device: Input | None = None
        self._is_manual = spec.settings.model.vad.mode == "manual"
        self._arrived = Arrivals(RATE_HZ, table.quiet_ms, self.counters, self._may_rest)
        self._shut_ns = 0
        """When it was last told not to listen: what had arrived before is not concerned."""
        self._talked_until_ns = 0
        """Push to talk: what was captured before this belongs to the turn that has ended."""
        ring = Ring(time.monotonic_ns(), rate_hz=RATE_HZ)
        self._outgoing = Outgoing(ring, self.counters, has_turns=self._is_manual)
        self._sent_s: float | None = None
        """When the last frame went out; None while the stream is paused."""
        self._peak = 0
        self._taken = 0
        """Frames that came from the device, whatever became of them."""
        self._near_end: NearEnd | None = None
        """Full duplex: takes the echo out."""

    def on_start(self) -> None:
        """Wait for the coordinator: nobody listens before it is known that we are not muted."""
        if self.spec.settings.session.duplex == "full":
            self._near_end = _near_end()
        self.loop.watch(self._arrived.wake, self._frames_came)
        self._watch()

    def on_synchronised(self) -> None:
        """Open the microphone, unless it is muted."""
        if self.control.state.muted:
            self.detail = "muted"
            self.ready()
        elif self._device is None:
            self._open()

    def on_state(self, key: wire.StateKey) -> None:
        """Follow the mute, and the reply being spoken."""
        if not self.control.is_synchronised:
            return
        if key in {"muted", "is_streaming_output"}:
            self._shut_ns = time.monotonic_ns()
            self._take_frames(at_once=True)
        if key == "muted":
            if self.control.state.muted:
                self._close()
                self._outgoing.cut()
                self._pause()
                self.detail = "muted"
            elif self._device is None:
                self._open()
        elif key == "talking" and not self.control.state.talking:
            self._talked_until_ns = time.monotonic_ns()

    def on_message(self, message: wire.Wire, envelope: wire.Envelope) -> None:
        """Send again what a new connection has not heard; full duplex: note what the loudspeakers play."""
        match message:
            case wire.Replay():
                self._outgoing.asked(message)
                self._send()
            case wire.Reference(pcm_24k=pcm, audible_ns=audible_ns) if self._near_end is not None:
                self._near_end.announced(pcm, audible_ns, time.monotonic_ns())
                self._take_frames()
            case wire.ReferenceCut(audible_ns=audible_ns) if self._near_end is not None:
                self._near_end.cut(audible_ns)
            case _:
                super().on_message(message, envelope)

    def on_welcome(self) -> None:
        """Another session: it says from where it wants to hear."""
        self._outgoing.nobody_asks()

    def on_stop(self) -> None:
        """Let go of the device."""
        self._close()
        self.loop.unwatch(self._arrived.wake)
        self._arrived.close()

    def health(self) -> Health:
        """Add what only a microphone knows."""
        health = super().health()
        return msgspec.structs.replace(
            health,
            dropped=self.counters.dropped | self._echo_dropped(),
            overruns=self._device.xruns if self._device is not None else 0,
            queue_ms=float(self._outgoing.queue_ms),
            detail=health.detail
            if self._device is None
            else f"{self.detail}, level {self._level_dbfs():.0f} dBFS",
            level_dbfs=None if self._device is None else round(self._level_dbfs(), 1),
            done=None if self._device is None else self._taken,
        )

    def _level_dbfs(self) -> float:
        """How loud it is now: the highest sample of the last frames, 0 at full scale."""
        return 20 * math.log10(max(self._peak, 1) / FULL_SCALE)

    def _reference(self, arrived_ns: int) -> Literal["here", "coming", "lost"]:
        """Whether it is known what the loudspeakers played with a frame."""
        if self._near_end is None or self.control.state.muted or not self.control.state.is_streaming_output:
            return "here"
        return self._near_end.reference(arrived_ns, time.monotonic_ns())

    def _echo_dropped(self) -> dict[str, int]:
        if self._near_end is None:
            return {}
        counts = {"reference_late": self._near_end.late, "reference_misplaced": self._near_end.misplaced}
        return {reason: count for reason, count in counts.items() if count}

    @property
    def _is_gated(self) -> bool:
        """Half duplex: while a reply is heard, the microphone would hear it too."""
        return self._is_half_duplex and self.control.state.is_streaming_output

    # The device.

    def _open(self) -> None:
        try:
            with deadline("opening the microphone"):
                self._device = open_input(
                    self._table.device,
                    RATE_HZ,
                    self._table.frame_ms,
                    self._arrived.captured,
                    self._arrived.is_resting,
                )
            if self._near_end is not None:
                self._near_end.reopened()
        except (DeviceAbsent, DeviceError) as error:
            raise exits.ActorExit(exits.DEVICE_ABSENT, str(error)) from error
        self.detail = self._device.description

    def _close(self) -> None:
        if self._device is not None:
            with deadline("closing the microphone"):
                self._device.close()
            self._device = None
        self._arrived.clear()

    def _may_rest(self) -> bool:
        """Whether silence may wait a little: not where a reply, a key or an echo canceller divides it into before and after."""
        return not (self._is_manual or self._near_end is not None or self.control.state.is_streaming_output)

    def _watch(self) -> None:
        device = self._device
        now = self.loop.now()
        if device is not None and (device.is_stalled(now) or device.error):
            why = str(device.error) if device.error else "it delivers nothing any more"
            raise exits.ActorExit(exits.DEVICE_ABSENT, f"lost the microphone {device.description}: {why}")
        if self._sent_s is not None and now - self._sent_s > PAUSE_S:
            self._pause()
        self.loop.call_later(WATCH_S, self._watch)

    # The frames.

    def _frames_came(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._arrived.wake)
        self.ready()
        self._take_frames()

    def _take_frames(self, *, at_once: bool = False) -> None:
        while self._arrived.has_slice(at_once=at_once):
            reference = self._reference(self._arrived.first_ns)
            if reference == "coming":
                break
            frame = self._arrived.take()
            self._taken += frame.frames
            self._peak = max(self._peak >> frame.frames, frame.peak)
            if (refusal := self._refusal(frame)) is not None:
                self._outgoing.cut()
                if refusal:
                    self.counters.drop(refusal)
            elif self._near_end is None:
                self._outgoing.add(frame.pcm, frame.captured_ns)
            elif reference == "lost":
                self.counters.drop("reference_lost")
                self._near_end.skip(frame.pcm, frame.arrived_ns)
            else:
                self._outgoing.add(*self._near_end.clean(frame.pcm, frame.captured_ns, frame.arrived_ns))
        self._send()

    def _refusal(self, frame: Arrival) -> str | None:
        """Why a frame is not listened to; "" where nobody would call it a loss."""
        if frame.is_quiet and frame.arrived_ns < self._shut_ns:
            return None  # it was listened to, and only waited for others
        if self.control.state.muted:
            return "muted"
        if self._is_gated:
            return "half_duplex"
        is_talking = self.control.state.talking or frame.captured_ns < self._talked_until_ns
        if self._is_manual and not is_talking:
            return ""
        return None

    def _send(self) -> None:
        """Muted means that nothing is sent, not even what was said before. Without a session everything waits in the ring."""
        while not self.control.state.muted and self.media.hub_boot_id:
            message = self._outgoing.next(self.loop.now(), time.monotonic_ns())
            if message is None or not self.media.send(message):
                break
            self._outgoing.sent(message)
            self._sent_s = self.loop.now()
        if self._is_turn_over:
            self._pause()

    @property
    def _is_turn_over(self) -> bool:
        """Push to talk: the model waits for the end of the turn, not for silence."""
        return self._is_manual and not self.control.state.talking and not self._outgoing.queue_ms

    def _pause(self) -> None:
        """Say that no audio comes for now."""
        pause = self._outgoing.pause()
        if pause is not None and self.media.send(pause):
            self._outgoing.sent(pause)
            self._sent_s = None


def _near_end() -> NearEnd:
    try:
        return NearEnd(EchoCanceller(), DELAY_NS)
    except EchoUnavailable as error:
        raise exits.ActorExit(exits.BAD_CONFIG, str(error)) from error
