"""A ray of a star: one actor's connection to a hub, here or, through the gate, on another machine."""

import contextlib
import logging
import os

import msgspec
import zmq

from actors import wire
from actors.runtime.bus.curve import RECONNECT_MAX_MS, RECONNECT_MS, Curve, be_client
from actors.runtime.bus.star import Handler, Identity, StarSocket, event_of
from actors.runtime.inbox import Counters
from actors.runtime.loop import Loop

REFUSED_RETRY_S = 2.0
_REFUSALS = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL

log = logging.getLogger("bus")


class Link(StarSocket):
    """A ray of a star: one actor's connection to a hub."""

    def __init__(
        self, loop: Loop, me: Identity, counters: Counters, handler: Handler, *, inbox_limit: int = 2000
    ) -> None:
        super().__init__(loop, me, counters, handler, inbox_limit=inbox_limit)
        self.hub_boot_id = 0
        """Incarnation of the hub that welcomed us; 0 while there is none."""
        self.is_refused = False
        """Whether the gate has turned our key away, and not let us in since."""
        self._address = ""
        self._is_retrying = False
        self._monitor: zmq.Socket[bytes] | None = None

    def connect(self, address: str, curve: Curve | None = None) -> None:
        """Connect, and go on trying for as long as it takes. The hub need not be there yet. With `curve`: through a gate."""
        socket = self._open(zmq.DEALER)
        socket.set(zmq.IMMEDIATE, 1)
        socket.set(zmq.PROBE_ROUTER, 1)
        socket.set(zmq.RECONNECT_IVL, RECONNECT_MS if curve else 20)
        socket.set(zmq.RECONNECT_IVL_MAX, RECONNECT_MAX_MS if curve else 200)
        if curve:
            be_client(socket, curve)
        self._address = address
        self._monitor = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED | _REFUSALS)
        self._loop.watch(self._monitor.fileno(), self._lost)
        socket.connect(address)

    def forward(self, envelope: wire.Envelope) -> bool:
        """Pass on what somebody said whom we stand for. False, as in `send`, when it cannot be taken now."""
        if not self.hub_boot_id:
            return False
        self._seq += 1
        return self._send([wire.encode(msgspec.structs.replace(envelope, seq=self._seq))])

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
                event = event_of(self._monitor.recv_multipart(zmq.DONTWAIT))
                self.hub_boot_id = 0
                if event & _REFUSALS:
                    self._refused()

    def _refused(self) -> None:
        """Try again later: a refusal is final for ZeroMQ, but a device may be let in again, or have been shut out for a minute."""
        if not self.is_refused:
            log.warning(
                "%s refuses our key: is this device still paired? Trying again every %g s",
                self._address,
                REFUSED_RETRY_S,
            )
        self.is_refused = True
        if not self._is_retrying:
            self._is_retrying = True
            self._loop.call_later(REFUSED_RETRY_S, self._try_again)

    def _try_again(self) -> None:
        self._is_retrying = False
        if self._socket is not None:
            with contextlib.suppress(zmq.ZMQError):  # not connected any more
                self._socket.disconnect(self._address)
            self._socket.connect(self._address)
            self._look_again()

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
        match received.envelope.body:
            case wire.Welcome():
                self._lost()  # what broke before must not be noticed after; and without a first look there is no edge
                self.hub_boot_id = received.envelope.boot_id
            case wire.WhoIsThere():
                self._lost()
                self.is_refused = False
                self._send([self._envelope(wire.Hello(self.me.kind, os.getpid()), 0)])
                return
            case wire.HubLost():
                self.hub_boot_id = 0
                return
            case wire.ClockAsk():
                self._send([self._envelope(wire.ClockTold(received.envelope.sent_ns), 0)])
                return
            case _:
                pass
        self._inbox.put(received)
