"""One star of one remote actor: its connection to our door on one side, the ray that we hold for it on the other."""

from collections.abc import Callable

from actors import wire
from actors.runtime.bus import Identity, Link
from actors.runtime.bus.door import Caller, Door
from actors.runtime.inbox import Counters, Received
from actors.runtime.loop import Loop

FromHub = Callable[[wire.Envelope], None]


class Lane:
    """The hub sees the actor as its own peer; the actor sees the hub's own incarnation."""

    def __init__(
        self, loop: Loop, door: Door, actor: Identity, boot_id: int, hub_address: str, from_hub: FromHub
    ) -> None:
        self._loop = loop
        self._door = door
        self._from_hub = from_hub
        self.counters = Counters()
        self.caller: Caller | None = None
        """The actor's connection; None while there is none."""
        self._welcome: wire.Envelope | None = None
        """How the hub greeted us; None while there is none."""
        self._kind = actor.kind
        self._link = Link(loop, actor, self.counters, self._came)
        self._link.boot_id = boot_id
        self._link.connect(hub_address)

    def called(self, caller: Caller, hello: wire.Hello) -> None:
        """The actor is at our door, for the first time or again: it gets to know the hub as if it were new there."""
        self.caller = caller
        if self._welcome is not None:
            self.to_device(self._welcome)
            self._link.send(hello)  # the hub tells its state anew: changes may have been missed

    def to_hub(self, envelope: wire.Envelope) -> bool:
        """Pass on what the actor said."""
        if self._link.forward(envelope):
            return True
        self.counters.drop("no_hub")
        return False

    def to_device(self, envelope: wire.Envelope) -> bool:
        """Pass on what the hub said."""
        if self.caller is not None and self._door.send(self.caller.route, wire.encode(envelope)):
            return True
        self.counters.drop("no_device")
        return False

    def look(self, question: wire.Envelope) -> bool:
        """Find out whether both sides are still there; true while the actor is. The question goes to the actor."""
        if self._welcome is not None and not self._link.hub_boot_id:
            self._welcome = None
            self.to_device(_like(question, wire.HubLost()))
        if self.caller is not None and not self._door.is_there(self.caller.route, wire.encode(question)):
            self.caller = None
        return self.caller is not None

    def close(self) -> None:
        """Leave the hub."""
        self._link.close()
        self.caller = None

    def _came(self, received: Received) -> None:
        envelope = received.envelope
        match envelope.body:
            case wire.Ping():
                pass
            case wire.Welcome():
                self._welcome = envelope
                self._link.send(wire.Hello(self._kind, 1))
                self._from_hub(envelope)
            case _:
                self._from_hub(envelope)


def _like(envelope: wire.Envelope, body: wire.Wire) -> wire.Envelope:
    return wire.Envelope(envelope.version, envelope.sender, envelope.boot_id, 0, 0, envelope.sent_ns, body)
