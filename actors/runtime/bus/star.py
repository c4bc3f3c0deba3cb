"""What every socket of ours shares: strict reading, bounded queueing, counting.

ZeroMQ's descriptor is edge-triggered: after every receive *and* every send what is pending must be looked at again.
"""

import logging
import os
import sys
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


def event_of(parts: list[bytes]) -> int:
    """Return what a monitor's message tells. pyzmq's own reader would bring asyncio into every actor."""
    return int.from_bytes(parts[0][:2], sys.byteorder)


class StarSocket:
    """Base of Hub, Link and Door."""

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

    def _reaches(self, route: bytes, ping: bytes) -> bool:
        """Whether a connection lives: a full queue and a closed one fail alike, but for the error."""
        if self._socket is None:
            return False
        try:
            self._socket.send_multipart([route, ping], zmq.DONTWAIT)
        except zmq.Again:
            return True
        except zmq.ZMQError:
            return False
        finally:
            self._look_again()
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
