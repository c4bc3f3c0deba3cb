"""Where other machines come in: a ROUTER behind CURVE. Nothing is decoded here; who sent a frame is told by its key.

A routing id is no identity: two keys can use the same. ZeroMQ notes on every frame which key its connection has proved
(`User-Id`), from where it came, and by which descriptor; the last is the only way to end one connection of many.
"""

import os
import socket as sockets
from collections.abc import Callable
from typing import NamedTuple

import zmq

from actors.runtime.bus.curve import watch_connection
from actors.runtime.bus.star import BATCH, Identity, StarSocket
from actors.runtime.inbox import Counters
from actors.runtime.loop import Loop

ZAP_DOMAIN = b"antiphon"
"""Without a domain, or without ZAP_ENFORCE_DOMAIN, libzmq lets unknown keys in when nobody answers for them."""
BACKLOG = 16
ROUTE_BYTES = 64


class Caller(NamedTuple):
    """Whose frame it is."""

    route: bytes
    key: str
    """Public key, proved by the handshake."""
    address: str
    descriptor: int
    """Of the connection; may be another's by the time it is used."""


OnFrame = Callable[[Caller, bytes], None]


class Door(StarSocket):
    """Listens for keys that the porter knows."""

    def __init__(
        self, loop: Loop, me: Identity, counters: Counters, on_frame: OnFrame, max_bytes: int
    ) -> None:
        super().__init__(loop, me, counters, lambda _: None, inbox_limit=1)
        self._on_frame = on_frame
        self._max_bytes = max_bytes
        self.address = ""
        """Where it listens, once it does."""

    def bind(self, address: str, secret: str) -> None:
        """Listen. Raises `OSError` when the port is taken. The porter has to be at work already."""
        socket = self._open(zmq.ROUTER)
        socket.set(zmq.ROUTER_MANDATORY, 1)
        socket.set(zmq.MAXMSGSIZE, self._max_bytes)
        socket.set(zmq.BACKLOG, BACKLOG)
        socket.set(zmq.CURVE_SERVER, 1)
        socket.set(zmq.CURVE_SECRETKEY, secret.encode())
        socket.set(zmq.ZAP_DOMAIN, ZAP_DOMAIN)
        socket.set(zmq.ZAP_ENFORCE_DOMAIN, 1)
        watch_connection(socket)
        socket.bind(address)
        self.address = socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def send(self, route: bytes, frame: bytes) -> bool:
        """Send to one connection. False when it is gone or its queue is full."""
        return self._send([route, frame])

    def is_there(self, route: bytes, ping: bytes) -> bool:
        """Find out whether a connection lives, by a ping that costs nothing if it does."""
        return self._reaches(route, ping)

    def _serve(self) -> None:
        for _ in range(BATCH):
            if self._socket is None:
                return
            try:
                frames = self._socket.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                break
            self._counters.frames_in += 1
            self._came(frames)
        self._look_again()

    def _came(self, frames: list[zmq.Frame]) -> None:
        if len(frames) != 2 or len(frames[0]) > ROUTE_BYTES:
            self._counters.drop("malformed")
            return
        try:
            key, address, descriptor = (frames[1].get(name) for name in ("User-Id", "Peer-Address", "__fd"))
        except zmq.ZMQError:  # cannot be: enforcement lets nobody in without
            self._counters.drop("nameless")
            return
        caller = Caller(frames[0].bytes, str(key), plain_address(str(address)), int(descriptor))
        self._on_frame(caller, frames[1].bytes)


def hang_up(caller: Caller) -> None:
    """End a caller's connection now. It may come back, if the porter lets it."""
    try:
        with sockets.socket(fileno=os.dup(caller.descriptor)) as connection:
            if plain_address(str(connection.getpeername()[0])) == caller.address:
                connection.shutdown(sockets.SHUT_RDWR)
    except OSError:
        return  # gone by itself


def plain_address(address: str) -> str:
    """Write an IPv4 address as such, also on a socket that takes both."""
    return address.removeprefix("::ffff:")
