"""Whether a frame from another machine may be acted on: by its key, role, name, number, size and pace. Pure."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from actors import wire
from actors.gate.limits import Order, Strikes, TokenBucket
from actors.gate.roles import MAX_BYTES, ROLES, Star
from actors.runtime.keyring import Device, Register


@dataclass(frozen=True, slots=True)
class RemoteActor:
    """An actor that the configuration puts on a device."""

    name: str
    kind: str
    device: str


class RefusedError(Exception):
    """A frame is not acted on, and why."""

    def __init__(self, reason: str, detail: str, *, is_strike: bool = True) -> None:
        super().__init__(detail)
        self.reason = reason
        """One word to count it under."""
        self.is_strike = is_strike
        """False when honest devices may send such a frame, too."""


@dataclass(slots=True)
class Guard:
    """Knows the register and what every key and every actor has done lately."""

    actors: dict[str, RemoteActor]
    register: Register = field(default_factory=dict)
    _strikes: dict[str, Strikes] = field(default_factory=dict)
    _orders: dict[tuple[str, Star], Order] = field(default_factory=dict)
    _buckets: dict[tuple[str, Star], tuple[TokenBucket, TokenBucket]] = field(default_factory=dict)

    def device_of(self, key: str) -> tuple[str, Device] | None:
        """Return the device with this key, if it may be here."""
        now = datetime.now(UTC)
        for name, device in self.register.items():
            if device.key == key and device.may_enter(now):
                return name, device
        return None

    def admits(self, key: str, now_s: float) -> bool:
        """Whether a connection with this key may be made, and go on."""
        strikes = self._strikes.get(key)
        return self.device_of(key) is not None and not (strikes is not None and strikes.is_banned(now_s))

    def strike(self, key: str, now_s: float) -> bool:
        """Count a bad frame. True when the key is banned for it."""
        return self._strikes.setdefault(key, Strikes()).strike(now_s)

    def check(self, star: Star, key: str, frame: bytes, now_s: float) -> tuple[RemoteActor, wire.Envelope]:
        """Return who speaks, and what. Raises `RefusedError`."""
        found = self.device_of(key)
        if found is None or not self.admits(key, now_s):
            raise RefusedError("not_admitted", "its key may not be here any more", is_strike=False)
        if len(frame) > MAX_BYTES[star]:
            raise RefusedError(
                "oversized", f"{len(frame)} bytes, at most {MAX_BYTES[star]} are read on {star}"
            )
        try:
            envelope = wire.decode(frame)
        except wire.WireError as error:
            raise RefusedError(error.reason, str(error)) from None
        actor = self._actor(*found, star, envelope)
        self._in_order(actor, star, envelope, now_s)
        self._at_pace(actor, star, len(frame), now_s)
        return actor, envelope

    def _actor(self, name: str, device: Device, star: Star, envelope: wire.Envelope) -> RemoteActor:
        actor = self.actors.get(envelope.sender)
        if actor is None or actor.device != name:
            raise RefusedError(
                "forged", f"it calls itself {envelope.sender!a}, and no [actors.…] of that name is on it"
            )
        said = type(envelope.body)
        if actor.kind not in device.roles or said not in ROLES[actor.kind].says[star]:
            raise RefusedError("role", f"a {actor.kind} of this device may not say {said.__name__} on {star}")
        if isinstance(envelope.body, wire.Hello) and envelope.body.kind != actor.kind:
            raise RefusedError("role", f"{actor.name} is a {actor.kind}, not a {envelope.body.kind!a}")
        return actor

    def _in_order(self, actor: RemoteActor, star: Star, envelope: wire.Envelope, now_s: float) -> None:
        order = self._orders.setdefault((actor.name, star), Order())
        boot_id = envelope.boot_id
        if isinstance(envelope.body, wire.Hello) and not order.begins(boot_id, now_s):
            raise RefusedError("replayed", f"{actor.name} says Hello as an incarnation that was replaced")
        if order.is_next(boot_id, envelope.seq):
            return
        if boot_id == order.boot_id:
            raise RefusedError("replayed", f"{actor.name} sends number {envelope.seq} once more")
        raise RefusedError("stale", f"{actor.name}: of an incarnation that is not here", is_strike=False)

    def _at_pace(self, actor: RemoteActor, star: Star, n_bytes: int, now_s: float) -> None:
        role = ROLES[actor.kind]
        frames, amount = self._buckets.setdefault(
            (actor.name, star), (TokenBucket(role.frames_per_s[star]), TokenBucket(role.bytes_per_s[star]))
        )
        if not (frames.take(1, now_s) and amount.take(n_bytes, now_s)):
            raise RefusedError("rate", f"{actor.name} sends too much on {star}", is_strike=False)
