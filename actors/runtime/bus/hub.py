"""The centre of a star: who is there is known, and nothing goes to the wrong one."""

import time

import zmq

from actors import wire
from actors.runtime.bus.star import Handler, Identity, Peer, StarSocket
from actors.runtime.inbox import Counters, Received
from actors.runtime.loop import Loop


class Hub(StarSocket):
    """The centre of a star. Handlers also see `Present`, made here, when a peer comes or goes."""

    def __init__(
        self, loop: Loop, me: Identity, counters: Counters, handler: Handler, *, inbox_limit: int = 4000
    ) -> None:
        super().__init__(loop, me, counters, handler, inbox_limit=inbox_limit)
        self.peers: dict[bytes, Peer] = {}

    def bind(self, address: str) -> None:
        """Listen. The supervisor's lock makes sure that nobody else listens here."""
        socket = self._open(zmq.ROUTER)
        socket.set(zmq.ROUTER_MANDATORY, 1)
        socket.bind(address)

    def send(self, peer: bytes, message: wire.Wire, epoch: int = 0) -> bool:
        """Send to one peer. False when it is gone (it is then forgotten) or its queue is full."""
        if self._send([peer, self._envelope(message, epoch)]):
            return True
        if not self._reaches(peer, self._envelope(wire.Ping(), 0)):
            self._forget(peer)
        return False

    def broadcast(self, message: wire.Wire, epoch: int = 0, *, kinds: frozenset[str] | None = None) -> int:
        """Send to all peers (of some kinds). Returns how many took it."""
        chosen = [route for route, peer in self.peers.items() if kinds is None or peer.kind in kinds]
        return sum(self.send(route, message, epoch) for route in chosen)

    def ping_all(self) -> None:
        """Find out who is gone: sending to a closed connection fails."""
        self.broadcast(wire.Ping())

    def has(self, kind: str) -> bool:
        """Whether a peer of this kind is here."""
        return any(peer.kind == kind for peer in self.peers.values())

    def _read(self, parts: list[bytes]) -> None:
        if len(parts) != 2:
            self._counters.drop("malformed")
            return
        route, frame = parts
        if not frame:  # the probe of a fresh connection
            self._send([route, self._envelope(wire.Welcome(), 0)])
            return
        received = self._decode(frame, route)
        if received is None:
            return
        known = self.peers.get(route)
        if isinstance(received.envelope.body, wire.Hello):
            self._greet(route, received)
        elif known is None or known.boot_id != received.envelope.boot_id:
            self._counters.drop("stranger")
            return
        self._inbox.put(received)

    def _greet(self, route: bytes, received: Received) -> None:
        envelope, hello = received.envelope, received.envelope.body
        assert isinstance(hello, wire.Hello)
        for other, peer in list(self.peers.items()):
            if other != route and peer.name == envelope.sender:  # the same actor, restarted
                self._forget(other)
        self.peers[route] = Peer(envelope.sender, hello.kind, envelope.boot_id, hello.pid)

    def _forget(self, route: bytes) -> None:
        peer = self.peers.pop(route, None)
        if peer is not None:
            gone = wire.Present(peer.name, peer.kind, here=False)
            about = wire.Envelope(wire.VERSION, peer.name, peer.boot_id, 0, 0, time.monotonic_ns(), gone)
            self._inbox.note(Received(about, route))  # before the Hello of the one that takes its place
            self._look_again()
