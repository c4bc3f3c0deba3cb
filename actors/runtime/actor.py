"""An actor: four hooks on one loop.

`__init__` keeps, `on_start` opens, `on_message` decides, `on_stop` closes. One message at a time, no locks, no shared state,
and never blocking for longer than a heartbeat: the heartbeat comes from this very loop, so that it proves progress.
"""

import logging
import os
from pathlib import Path
from typing import ClassVar

import msgspec

from actors import wire
from actors.runtime import exits
from actors.runtime.bus import Identity, Link
from actors.runtime.bus.curve import Curve
from actors.runtime.control import Control
from actors.runtime.inbox import Counters, Received
from actors.runtime.latency import Meter
from actors.runtime.loop import Loop
from actors.runtime.notify import Health, Notifier
from actors.settings import Settings

HEARTBEAT_S = 0.5
LAG_SAMPLES = 120

log = logging.getLogger("actor")


class ActorSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a child is told at its birth. Never a secret: those travel in its environment."""

    name: str
    kind: str
    target: str
    """`module:Class`, resolved in the child."""
    run_dir: str
    settings: Settings
    loop: str = "poll"
    keys_dir: str = ""
    """Where the gate, and the actors of a device, find their keys; the keys themselves never travel."""

    @property
    def control_address(self) -> str:
        """Where the coordinator listens, or the gate that leads to it."""
        host = self.settings.host
        if host.address:
            return host.endpoint(host.control_port)
        return f"ipc://{self.run_dir}/ctl.ipc"

    @property
    def media_address(self) -> str:
        """Where the session listens, or the gate that leads to it."""
        host = self.settings.host
        if host.address:
            return host.endpoint(host.media_port)
        return f"ipc://{self.run_dir}/med.ipc"

    @property
    def is_remote(self) -> bool:
        """Whether there is a network between this actor and the hubs."""
        return bool(self.settings.host.address)


class Actor:
    """Base of all actors. Subclasses override the hooks they need."""

    uses_media: ClassVar[bool] = True
    """Whether this actor is a ray of the media star."""

    def __init__(self, spec: ActorSpec, loop: Loop, notifier: Notifier) -> None:
        self.spec = spec
        self.name = spec.name
        self.loop = loop
        self.notifier = notifier
        self.counters = Counters()
        self.detail = ""
        """One phrase for status."""
        me = Identity(spec.name, spec.kind)
        self.control_link = Link(loop, me, self.counters, self._on_control)
        self.control = Control(self.control_link, self.on_state, self.on_synchronised)
        self.media = Link(loop, me, self.counters, self._on_media)
        self._is_ready = False
        self._lag = Meter(LAG_SAMPLES)

    # The hooks.

    def on_start(self) -> None:
        """Open what the actor needs. Call `self.ready()` here or later, once work can be done."""
        self.ready()

    def on_message(self, message: wire.Wire, envelope: wire.Envelope) -> None:
        """Handle one message. An unexpected one is a bug of ours or of the sender's: it is counted and logged."""
        del envelope
        if not isinstance(message, wire.Present):  # most actors do not mind who comes and goes
            self.unexpected(message)

    def on_state(self, key: wire.StateKey) -> None:
        """A shared value changed; `self.control.state` has it."""

    def on_synchronised(self) -> None:
        """The coordinator has told the whole state: the first time, and again after each of its restarts."""

    def on_welcome(self) -> None:
        """The session's hub is there (again): send what it has not acknowledged."""

    def on_stop(self) -> None:
        """Close what `on_start` opened, in reverse."""

    async def finish(self) -> None:
        """Await what must end before `on_stop`. Only for actors on the asyncio loop."""

    def health(self) -> Health:
        """Return what status shows. Override to add what only this actor knows."""
        lag = self._lag.latency()  # of the last minute's heartbeats
        return Health(
            frames_in=self.counters.frames_in,
            frames_out=self.counters.frames_out,
            dropped=dict(self.counters.dropped),
            loop_lag_ms_p99=lag.p99 if lag is not None else 0.0,
            detail=self.detail or self._waiting_words(),
            has_host=self._has_host if self.spec.settings.host.address else None,
        )

    # What the child entry calls.

    def start(self) -> None:
        """Connect, open, and begin the heartbeat."""
        self.open_sockets()
        self.on_start()
        self._beat(self.loop.now())

    def open_sockets(self) -> None:
        """Join both stars, here or through the host's gate."""
        curve = self._curve()
        self.control_link.connect(self.spec.control_address, curve)
        if self.uses_media:
            self.media.connect(self.spec.media_address, curve)

    def stop(self) -> None:
        """Close everything."""
        self.on_stop()
        self.media.close(linger_ms=200)
        self.control_link.close(linger_ms=200)

    # What subclasses use.

    def ready(self) -> None:
        """Say READY, once."""
        if not self._is_ready:
            self._is_ready = True
            self.notifier.ready(self.detail)
            log.info("ready")

    def unexpected(self, message: wire.Wire) -> None:
        """Count and log a message nobody handles."""
        self.counters.drop("unexpected")
        log.warning("did not expect %r", message)

    def hello(self, link: Link) -> None:
        """Introduce ourselves to a hub."""
        link.send(wire.Hello(self.spec.kind, os.getpid()))

    @property
    def _has_host(self) -> bool:
        links = [self.control_link, self.media] if self.uses_media else [self.control_link]
        return all(link.hub_boot_id for link in links)

    def _waiting_words(self) -> str:
        """Say what an actor on a device waits for, before its first work."""
        if not self.spec.settings.host.address or self._has_host:
            return ""
        if self.control_link.is_refused:
            return (
                "the host refuses this device's key: it was revoked, has expired, or has to be paired again"
            )
        return "waiting for the host"

    def _curve(self) -> Curve | None:
        host = self.spec.settings.host
        if not host.address:
            return None
        from actors.runtime import keyring  # TOML and dates, which actors at home do without

        try:
            keys = keyring.own_keys(Path(self.spec.keys_dir) / keyring.DEVICE_KEY)
        except keyring.KeyringError as error:
            raise exits.ActorExit(exits.BAD_CONFIG, str(error)) from error
        return Curve(keys, host.public_key)

    def _beat(self, due_s: float) -> None:
        now = self.loop.now()
        self._lag.add(max(0.0, now - due_s) * 1000)
        self.notifier.alive(self.health())
        self.loop.call_later(HEARTBEAT_S, lambda: self._beat(now + HEARTBEAT_S))

    def _on_control(self, received: Received) -> None:
        message = received.envelope.body
        match message:
            case wire.Welcome():
                self.hello(self.control_link)
                self.control.welcome()
            case wire.Ping():
                pass
            case _:
                if not self.control.take(message):
                    self._deliver(received)

    def _on_media(self, received: Received) -> None:
        match received.envelope.body:
            case wire.Welcome():
                self.hello(self.media)
                self.on_welcome()
            case wire.Ping():
                pass
            case _:
                self._deliver(received)

    def _deliver(self, received: Received) -> None:
        self.on_message(received.envelope.body, received.envelope)
