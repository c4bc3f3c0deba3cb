"""Who may come in at a `Door`: ZeroMQ asks for every handshake (ZAP, RFC 27), a pure function answers."""

import logging
from collections.abc import Callable

import zmq

from actors.runtime.bus.curve import KEY_BYTES, key_of
from actors.runtime.bus.star import SAFETY_POLL_S
from actors.runtime.loop import Loop

_VERSION = b"1.0"
_ADDRESS = "inproc://zeromq.zap.01"

log = logging.getLogger("porter")

Admits = Callable[[str, str], bool]
"""(public key, address) -> may it come in?"""


class Porter:
    """Answers every handshake of this process. Whatever goes wrong, the answer is no, and the next one is asked again."""

    def __init__(self, loop: Loop, admits: Admits) -> None:
        self._loop = loop
        self._admits = admits
        self._socket: zmq.Socket[bytes] | None = None

    def open(self) -> None:
        """Begin to answer. Once per process, before the first door is bound."""
        socket: zmq.Socket[bytes] = zmq.Context.instance(io_threads=1).socket(zmq.REP)
        socket.set(zmq.LINGER, 0)
        socket.bind(_ADDRESS)
        self._socket = socket
        self._loop.watch(socket.fileno(), self._serve)
        self._safety_poll()

    def close(self) -> None:
        """Stop answering: from now on everybody is refused."""
        if self._socket is not None:
            self._loop.unwatch(self._socket.fileno())
            self._socket.unbind(_ADDRESS)  # at once; closing alone frees the address some time later
            self._socket.close(linger=0)
            self._socket = None

    def _serve(self) -> None:
        while self._socket is not None:
            try:
                request = self._socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            self._socket.send_multipart(self._answer(request), zmq.DONTWAIT)

    def _answer(self, request: list[bytes]) -> list[bytes]:
        number = request[1] if len(request) > 1 else b""
        key = self._judged(request)
        if key is None:
            return [_VERSION, number, b"400", b"refused", b"", b""]
        return [_VERSION, number, b"200", b"OK", key, b""]

    def _judged(self, request: list[bytes]) -> bytes | None:
        """Return the key that may come in, else None."""
        try:
            version, _, _, address, _, mechanism, raw = request
            if version != _VERSION or mechanism != b"CURVE" or len(raw) != KEY_BYTES:
                return None
            key = key_of(raw)
            return key.encode() if self._admits(key, address.decode()) else None
        except Exception:
            log.exception("a handshake could not be judged, and is refused")
            return None

    def _safety_poll(self) -> None:
        if self._socket is not None:
            self._serve()
            self._loop.call_later(SAFETY_POLL_S, self._safety_poll)
