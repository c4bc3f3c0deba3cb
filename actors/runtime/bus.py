"""The two kinds of socket an actor has, and the only import of zmq.

`Hub` is the centre of a star (a ROUTER), `Link` is a ray (a DEALER). A link sends an empty probe whenever it (re)connects,
the hub answers `Welcome`, the link's owner says `Hello`: so a restarted hub is known at once, and nothing that was meant
for the dead one reaches the new one (IMMEDIATE: no queue without a connection).

ZeroMQ's descriptor is edge-triggered: after every receive *and* every send what is pending must be looked at again.
"""

import contextlib
import logging
import os
import time
from collections.abc import Callable
from typing import NamedTuple

import zmq

from actors import wire
from actors.runtime.inbox import Counters, Inbox, Received
from actors.runtime.loop import Loop

BOOT_ID = int.from_bytes(os.urandom(7), "big") + 1
"""This process's incarnation."""

QUEUE_FRAMES = 1000
BATCH = 64
"""Messages handled before the loop gets a turn for timers and other sockets."""
SAFETY_POLL_S = 1.0
"""A missed edge must never mean silence; this bounds it."""

log = logging.getLogger("bus")


class Identity(NamedTuple):
    """Who sends: put into every envelope."""

    name: str
    kind: str


class Peer(NamedTuple):
    """Who said Hello at a hub."""

    name: str
    kind: str
    boot_id: int
    pid: int


Handler = Callable[[Received], None]


def library() -> tuple[str, bool]:
    """Return the version of libzmq, and whether it has CURVE."""
    return zmq.zmq_version(), bool(zmq.has("curve"))


class _Socket:
    """What Hub and Link share: strict reading, bounded queueing, counting."""

    def __init__(
        self, loop: Loop, me: Identity, counters: Counters, handler: Handler, *, inbox_limit: int
    ) -> None:
        self.me = me
        self.boot_id = BOOT_ID
        self._loop = loop
        self._counters = counters
        self._handler = handler
        self._inbox = Inbox(inbox_limit, counters)
        self._seq = 0
        self._scheduled = False
        self._socket: zmq.Socket[bytes] | None = None
        self._complaints = 0

    @property
    def peak(self) -> int:
        """The most messages that ever waited here."""
        return self._inbox.peak

    def read_all(self) -> None:
        """Handle what has arrived, before closing."""
        while self._socket is not None:
            self._fill()
            if not len(self._inbox):
                return
            self._handler(self._inbox.take())

    def close(self, linger_ms: int = 0) -> None:
        """Close. What was sent has `linger_ms` to leave."""
        if self._socket is not None:
            self._loop.unwatch(self._socket.fileno())
            self._socket.close(linger=linger_ms)
            self._socket = None

    def _open(self, kind: int) -> "zmq.Socket[bytes]":
        socket: zmq.Socket[bytes] = zmq.Context.instance(io_threads=1).socket(kind)
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.SNDHWM, QUEUE_FRAMES)
        socket.set(zmq.RCVHWM, QUEUE_FRAMES)
        socket.set(zmq.MAXMSGSIZE, wire.MAX_FRAME_BYTES)
        self._socket = socket
        self._loop.watch(socket.fileno(), self._serve)
        self._loop.call_later(SAFETY_POLL_S, self._safety_poll)
        return socket

    def _envelope(self, message: wire.Wire, epoch: int) -> bytes:
        self._seq += 1
        return wire.encode(
            wire.Envelope(
                wire.VERSION, self.me.name, self.boot_id, self._seq, epoch, time.monotonic_ns(), message
            )
        )

    def _send(self, parts: list[bytes]) -> bool:
        if self._socket is None:
            return False
        try:
            self._socket.send_multipart(parts, zmq.DONTWAIT)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            return False
        finally:
            self._look_again()  # a send that fails consumes the edge as well
        self._counters.frames_out += 1
        return True

    def _look_again(self) -> None:
        if self._socket is None or self._scheduled:
            return
        if len(self._inbox) or int(self._socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
            self._scheduled = True
            self._loop.call_soon(self._scheduled_serve)

    def _scheduled_serve(self) -> None:
        self._scheduled = False
        self._serve()

    def _serve(self) -> None:
        self._fill()
        for _ in range(BATCH):
            if not len(self._inbox) or self._socket is None:
                break
            self._handler(self._inbox.take())
        self._look_again()

    def _fill(self) -> None:
        while self._socket is not None and self._inbox.has_room:
            try:
                parts = self._socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            self._counters.frames_in += 1
            self._read(parts)

    def _read(self, parts: list[bytes]) -> None:
        raise NotImplementedError

    def _decode(self, frame: bytes, peer: bytes | None) -> Received | None:
        try:
            return Received(wire.decode(frame), peer)
        except wire.WireError as error:
            self._counters.drop(error.reason)
            self._complaints += 1
            if (
                self._complaints & (self._complaints - 1) == 0
            ):  # the 1st, 2nd, 4th, 8th ...: a flood is no log flood
                log.warning("frame refused (%d so far): %s", self._complaints, error)
            return None

    def _safety_poll(self) -> None:
        if self._socket is not None:
            self._look_again()
            self._loop.call_later(SAFETY_POLL_S, self._safety_poll)


class Link(_Socket):
    """A ray of a star: one actor's connection to a hub."""

    def __init__(
        self, loop: Loop, me: Identity, counters: Counters, handler: Handler, *, inbox_limit: int = 2000
    ) -> None:
        super().__init__(loop, me, counters, handler, inbox_limit=inbox_limit)
        self.hub_boot_id = 0
        """Incarnation of the hub that welcomed us; 0 while there is none."""
        self._monitor: zmq.Socket[bytes] | None = None

    def connect(self, address: str) -> None:
        """Connect, and go on trying for as long as it takes. The hub need not be there yet."""
        socket = self._open(zmq.DEALER)
        socket.set(zmq.IMMEDIATE, 1)
        socket.set(zmq.PROBE_ROUTER, 1)
        socket.set(zmq.RECONNECT_IVL, 20)
        socket.set(zmq.RECONNECT_IVL_MAX, 50)
        self._monitor = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self._loop.watch(self._monitor.fileno(), self._lost)
        socket.connect(address)

    def send(self, message: wire.Wire, epoch: int = 0) -> bool:
        """Send to the hub. False when it cannot be taken now (no hub, or its queue is full): nothing is queued."""
        if not self.hub_boot_id:
            return False  # a hub that does not know us yet would drop it
        return self._send([self._envelope(message, epoch)])

    def close(self, linger_ms: int = 0) -> None:
        """Close. What was sent has `linger_ms` to leave."""
        if self._monitor is not None and self._socket is not None:
            self._loop.unwatch(self._monitor.fileno())
            self._socket.disable_monitor()
            self._monitor.close(linger=0)
            self._monitor = None
        super().close(linger_ms)

    def _lost(self) -> None:
        """The connection broke: until the next Welcome there is no hub."""
        with contextlib.suppress(zmq.Again):
            while self._monitor is not None:
                self._monitor.recv_multipart(zmq.DONTWAIT)
                self.hub_boot_id = 0

    def _safety_poll(self) -> None:
        self._lost()
        super()._safety_poll()

    def _read(self, parts: list[bytes]) -> None:
        if len(parts) != 1:
            self._counters.drop("malformed")
            return
        received = self._decode(parts[0], None)
        if received is None:
            return
        if isinstance(received.envelope.body, wire.Welcome):
            self._lost()  # what broke before must not be noticed after; and without a first look there is no edge
            self.hub_boot_id = received.envelope.boot_id
        self._inbox.put(received)


class Hub(_Socket):
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
        if not self._is_alive(peer):
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

    def _is_alive(self, peer: bytes) -> bool:
        """A full queue and a closed connection fail alike; an unroutable peer is told by the error."""
        if self._socket is None:
            return False
        try:
            self._socket.send_multipart([peer, self._envelope(wire.Ping(), 0)], zmq.DONTWAIT)
        except zmq.Again:
            return True
        except zmq.ZMQError:
            return False
        finally:
            self._look_again()
        return True

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
