"""One remote actor as our hubs see it, and our hubs as it sees them."""

import functools
import time

import msgspec

from actors import wire
from actors.gate.clock_offset import ClockOffset
from actors.gate.guard import RemoteActor
from actors.gate.lane import Lane
from actors.gate.roles import ROLES, STARS, Star
from actors.gate.speech import Speech
from actors.gate.times import has_times, translated
from actors.runtime.bus import BOOT_ID, Identity
from actors.runtime.bus.door import Caller, Door
from actors.runtime.fingerprint import short_fingerprint
from actors.runtime.keyring import Register
from actors.runtime.loop import Loop
from actors.runtime.notify import Remote

LOOK_S = 0.5
LEAD_CHANGED_MS = 10
AWAY_S = 10.0
"""A device that is cut off for less than this is still in the conversation when it comes back."""


class Bridge:
    """Passes on what was checked. Times are translated: each side reads its own clock only."""

    def __init__(
        self, loop: Loop, actor: RemoteActor, boot_id: int, doors: dict[Star, Door], hubs: dict[Star, str]
    ) -> None:
        self._loop = loop
        self.actor = actor
        self.boot_id = boot_id
        self.clock = ClockOffset()
        self.seen_ns = time.monotonic_ns()
        """When the actor was last heard of."""
        me = Identity(actor.name, actor.kind)
        self.lanes: dict[Star, Lane] = {
            star: Lane(loop, doors[star], me, boot_id, hubs[star], functools.partial(self.to_device, star))
            for star in STARS
        }
        self._speech: Speech | None = None
        """Of a loudspeaker: what it is sent waits there."""
        if actor.kind == "speaker":
            self._speech = Speech(
                loop,
                functools.partial(self._tell_device, "media"),
                functools.partial(self._tell_device, "control"),
            )
        self._session = 0
        """The incarnation that spoke last."""
        self._lead: wire.Lead | None = None
        self._told_lead_ms = 0
        self._is_closed = False
        self._look()
        self._ask()

    @property
    def caller(self) -> Caller | None:
        """Its connection, when it has one."""
        return self.lanes["media"].caller or self.lanes["control"].caller

    @property
    def is_connected(self) -> bool:
        """Whether it can be heard and spoken to."""
        return all(lane.caller is not None for lane in self.lanes.values())

    @property
    def is_lost(self) -> bool:
        """Whether it has been away for too long."""
        return self.caller is None and time.monotonic_ns() - self.seen_ns > AWAY_S * 1e9

    def from_device(self, star: Star, caller: Caller, envelope: wire.Envelope) -> None:
        """Take in what the actor said, already checked."""
        self.seen_ns = time.monotonic_ns()
        match envelope.body:
            case wire.Hello() as hello:
                if self.lanes[star].caller != caller:  # it says Hello to every Welcome
                    if star == "media" and self._speech is not None:
                        self._speech.broken()
                    self.lanes[star].called(caller, hello)
            case wire.ClockTold(asked_ns=asked_ns):
                self.clock.answered(asked_ns, envelope.sent_ns, self.seen_ns)
                self._say_lead()
            case _ if self.lanes[star].caller != caller:
                self.lanes[star].counters.drop("stale")
            case wire.Credit() if self._speech is not None:
                self._speech.from_device(envelope)
            case wire.Lead() as lead:
                self._lead, self._told_lead_ms = lead, 0
                self._say_lead()
            case body if has_times(body) and not self.clock.is_known:
                self.lanes[star].counters.drop("clock_unknown")
            case _:
                if self._speech is not None and star == "media":
                    self._speech.from_device(envelope)
                self.lanes[star].to_hub(translated(envelope, self.clock.to_ours))

    def to_device(self, star: Star, envelope: wire.Envelope) -> None:
        """Tell the actor what our hub said to it, if it is meant to hear such things."""
        heard = ROLES[self.actor.kind].hears[star] | {wire.Welcome}
        if type(envelope.body) not in heard:
            return
        if star == "media" and self._speech is not None:
            if isinstance(envelope.body, wire.Welcome) and envelope.boot_id != self._session:
                self._session = envelope.boot_id
                self._speech.session_is_new()
            if self._speech.from_hub(envelope):
                return
        self._tell_device(star, envelope)

    def _tell_device(self, star: Star, envelope: wire.Envelope) -> bool:
        return self.lanes[star].to_device(translated(envelope, self.clock.to_theirs))

    def _say_lead(self) -> None:
        """How early the session has to send: what the loudspeaker needs, and the way there."""
        if self._lead is None or not self.clock.is_known:
            return
        ms = min(10_000, self._lead.ms + round(self.clock.delay_ms))
        if abs(ms - self._told_lead_ms) > LEAD_CHANGED_MS:
            envelope = _said(wire.Lead(ms))
            named = msgspec.structs.replace(envelope, sender=self.actor.name, boot_id=self.boot_id)
            if self.lanes["media"].to_hub(named):
                self._told_lead_ms = ms

    def health(self, register: Register) -> Remote:
        """Return its row of status."""
        device = register.get(self.actor.device)
        dropped: dict[str, int] = {}
        for lane in self.lanes.values():
            for reason, count in lane.counters.dropped.items():
                dropped[reason] = dropped.get(reason, 0) + count
        if self._speech is not None:
            dropped |= {f"samples_{reason}": n for reason, n in self._speech.pacer.dropped.items() if n}
        return Remote(
            name=self.actor.name,
            kind=self.actor.kind,
            device=self.actor.device,
            is_connected=self.is_connected,
            address=self.caller.address if self.caller is not None else "",
            fingerprint=short_fingerprint(device.key) if device is not None else "",
            seen_ns=self.seen_ns,
            clock_offset_ms=round(self.clock.offset_ns / 1e6, 3),
            delay_ms=round(self.clock.delay_ms, 3),
            jitter_ms=round(self.clock.jitter_ms, 3),
            drift_ppm=round(self.clock.drift_ppm, 2),
            buffer_ms=float(self._speech.pacer.buffer_ms) if self._speech is not None else 0.0,
            waiting_ms=float(self._speech.pacer.waiting_ms) if self._speech is not None else 0.0,
            frames_in=sum(lane.counters.frames_out for lane in self.lanes.values()),
            frames_out=sum(lane.counters.frames_in for lane in self.lanes.values()),
            dropped=dropped,
        )

    def close(self) -> None:
        """Leave both hubs."""
        self._is_closed = True
        if self._speech is not None:
            self._speech.close()
        for lane in self.lanes.values():
            lane.close()

    def _look(self) -> None:
        if self._is_closed:
            return
        for lane in self.lanes.values():
            lane.look(_said(wire.Ping()))
        self._loop.call_later(LOOK_S, self._look)

    def _ask(self) -> None:
        if self._is_closed:
            return
        if self.lanes["control"].caller is not None:
            self.lanes["control"].to_device(_said(wire.ClockAsk()))
        self._loop.call_later(self.clock.ask_again_s, self._ask)


def _said(message: wire.Wire) -> wire.Envelope:
    """The gate's own words to a device."""
    return wire.Envelope(wire.VERSION, "gate", BOOT_ID, 0, 0, time.monotonic_ns(), message)
