"""The gate: the only process that listens on TCP. It checks every frame, passes it on, and keeps nothing.

Two doors, as a device's actors have two stars: a flush must not wait behind audio. If it is attacked, it is this process
that is busy; the conversation on this machine goes through sockets that it does not own.
"""

import functools
import logging
import resource
from pathlib import Path

import msgspec

from actors import wire
from actors.gate.bridge import Bridge
from actors.gate.guard import Guard, RefusedError, RemoteActor
from actors.gate.roles import MAX_BYTES, ROLES, STARS, Star
from actors.gate.selftest import SelfTest
from actors.gate.visitors import Visitors
from actors.runtime import exits, keyring
from actors.runtime.actor import Actor, ActorSpec
from actors.runtime.bus import BOOT_ID, Identity, library
from actors.runtime.bus.curve import KeyPair
from actors.runtime.bus.door import Caller, Door, hang_up, plain_address
from actors.runtime.bus.porter import Porter
from actors.runtime.loop import Loop
from actors.runtime.notify import Health, Notifier
from actors.settings import Settings, endpoint, kind_of

MAX_DESCRIPTORS = 256
MAX_MEMORY_BYTES = 512 << 20
TICK_S = 0.2

log = logging.getLogger("gate")


class GateActor(Actor):
    """Lets paired devices in, and nobody else."""

    uses_media = False

    def __init__(self, spec: ActorSpec, loop: Loop, notifier: Notifier) -> None:
        super().__init__(spec, loop, notifier)
        me = Identity(spec.name, spec.kind)
        self.guard = Guard(remote_actors(spec.settings))
        self.bridges: dict[str, Bridge] = {}
        """By actor name."""
        self._hubs: dict[Star, str] = {"control": spec.control_address, "media": spec.media_address}
        self._doors: dict[Star, Door] = {
            star: Door(loop, me, self.counters, functools.partial(self._came, star), MAX_BYTES[star])
            for star in STARS
        }
        self._porter = Porter(loop, self._admits)
        self._visitors = Visitors(self.counters)
        self._register = keyring.RegisterFile(Path(spec.keys_dir) / keyring.REGISTER)
        self._selftest: SelfTest | None = None

    def on_start(self) -> None:
        """Lock the doors, open them, and try them with a wrong key; ready when that was refused."""
        if not library()[1]:
            raise exits.ActorExit(
                exits.BAD_CONFIG, "this libzmq cannot encrypt (no CURVE); install pyzmq from PyPI"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_DESCRIPTORS, MAX_DESCRIPTORS))
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
        keys = self._keys()
        self._porter.open()
        self._listen(keys)
        self._selftest = SelfTest(self.loop, self._doors, keys.public, self._is_locked)
        self._selftest.begin()
        self._tick()

    def on_stop(self) -> None:
        """Close everything to the outside first."""
        if self._selftest is not None:
            self._selftest.close()
        for door in self._doors.values():
            door.close()
        for bridge in self.bridges.values():
            bridge.close()
        self._porter.close()

    def health(self) -> Health:
        """Add how every remote actor is."""
        rows = [bridge.health(self.guard.register) for bridge in self.bridges.values()]
        return msgspec.structs.replace(super().health(), remotes=rows)

    def _keys(self) -> KeyPair:
        try:
            self.guard.register = self._register.read()
            return keyring.own_keys(Path(self.spec.keys_dir) / keyring.HOST_KEY)
        except keyring.KeyringError as error:
            raise exits.ActorExit(exits.BAD_CONFIG, str(error)) from error

    def _listen(self, keys: KeyPair) -> None:
        table = self.spec.settings.gate
        ports: dict[Star, int] = {"control": table.control_port, "media": table.media_port}
        for star, door in self._doors.items():
            try:
                door.bind(endpoint(table.address, ports[star]), keys.secret)
            except OSError as error:
                raise exits.ActorExit(
                    exits.TEMPORARY,
                    f"cannot listen on {table.address}:{ports[star]} (gate.{star}_port): {error.strerror}",
                ) from error
        self.detail = f"listening on {table.address}:{table.control_port} and {table.media_port}"

    def _is_locked(self) -> None:
        log.info("%s; a key that nobody knows was refused", self.detail)
        self.ready()

    # Who comes in.

    def _admits(self, key: str, address: str) -> bool:
        is_known = self.guard.admits(key, self.loop.now())
        if not is_known and not (self._selftest is not None and self._selftest.is_ours(key)):
            self._visitors.refused(
                plain_address(address), "unknown_key", "its key is not (or no longer) in devices.toml"
            )
        return is_known

    def _came(self, star: Star, caller: Caller, frame: bytes) -> None:
        now_s = self.loop.now()
        if not frame:  # the probe of a fresh connection
            if self.guard.admits(caller.key, now_s):
                self._doors[star].send(caller.route, _who_is_there())
            return
        try:
            actor, envelope = self.guard.check(star, caller.key, frame, now_s)
        except RefusedError as error:
            self._refuse(caller, error, now_s)
            return
        bridge = self._bridge(actor, envelope)
        if bridge is not None:
            bridge.from_device(star, caller, envelope)

    def _refuse(self, caller: Caller, error: RefusedError, now_s: float) -> None:
        found = self.guard.device_of(caller.key)
        self._visitors.refused(found[0] if found else caller.address, error.reason, str(error))
        if error.reason == "not_admitted":
            hang_up(caller)
        if error.is_strike and self.guard.strike(caller.key, now_s):
            self._visitors.refused(
                found[0] if found else caller.address, "banned", "three bad frames in ten seconds"
            )
            self._dismiss(caller.key)
            hang_up(caller)

    def _bridge(self, actor: RemoteActor, envelope: wire.Envelope) -> Bridge | None:
        """Return the bridge of this incarnation; a Hello makes one."""
        bridge = self.bridges.get(actor.name)
        if bridge is not None and bridge.boot_id == envelope.boot_id:
            return bridge
        if not isinstance(envelope.body, wire.Hello):
            self.counters.drop("stale")
            return None
        if bridge is not None:
            bridge.close()
        self.bridges[actor.name] = Bridge(self.loop, actor, envelope.boot_id, self._doors, self._hubs)
        return self.bridges[actor.name]

    # Who has to go.

    def _tick(self) -> None:
        try:
            if self._register.has_changed():
                self.guard.register = self._register.read()
                log.info("devices.toml has changed: %d devices", len(self.guard.register))
        except keyring.KeyringError as error:
            self._visitors.refused("devices.toml", "unreadable", f"{error}; the one before it stays in force")
        now_s = self.loop.now()
        for bridge in list(self.bridges.values()):
            caller = bridge.caller
            if caller is not None and not self.guard.admits(caller.key, now_s):
                self._dismiss(caller.key)
            elif bridge.is_lost:
                self._close(bridge)
        self.loop.call_later(TICK_S, self._tick)

    def _dismiss(self, key: str) -> None:
        """End every connection of a key, now."""
        for bridge in list(self.bridges.values()):
            callers = [lane.caller for lane in bridge.lanes.values() if lane.caller is not None]
            if any(caller.key == key for caller in callers):
                for caller in callers:
                    hang_up(caller)
                self._close(bridge)

    def _close(self, bridge: Bridge) -> None:
        bridge.close()
        self.bridges.pop(bridge.actor.name, None)
        log.info("%s on %s is gone", bridge.actor.name, bridge.actor.device)


def remote_actors(settings: Settings) -> dict[str, RemoteActor]:
    """Return the actors that the configuration puts on devices."""
    found = {
        name: RemoteActor(name, kind_of(name, table), str(table.get("on", "")))
        for name, table in settings.actors.items()
    }
    return {name: actor for name, actor in found.items() if actor.device and actor.kind in ROLES}


def _who_is_there() -> bytes:
    return wire.encode(wire.Envelope(wire.VERSION, "gate", BOOT_ID, 0, 0, 0, wire.WhoIsThere()))
