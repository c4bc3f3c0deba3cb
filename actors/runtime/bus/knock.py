"""Trying a door with a key, and saying nothing: who answers has the host's key, and says whether it knows ours."""

from collections.abc import Callable
from typing import Literal

import zmq

from actors.runtime.bus.curve import Curve, KeyPair, be_client
from actors.runtime.bus.star import event_of
from actors.runtime.loop import Loop

LOOK_S = 0.02
Answer = Literal["refused", "admitted", "no answer"]


class Knock:
    """One attempt; `tell` is called once with what came of it."""

    def __init__(self, loop: Loop, keys: KeyPair, tell: Callable[[Answer], None]) -> None:
        self._loop = loop
        self._tell = tell
        self._keys = keys
        self._socket: zmq.Socket[bytes] | None = None
        self._monitor: zmq.Socket[bytes] | None = None
        self._give_up_s = 0.0

    @property
    def key(self) -> str:
        """The public key it is tried with."""
        return self._keys.public

    def begin(self, address: str, host_key: str, within_s: float) -> None:
        """Try it. Nobody but the holder of `host_key` is an answer."""
        self._give_up_s = self._loop.now() + within_s
        self._socket = zmq.Context.instance(io_threads=1).socket(zmq.DEALER)
        self._socket.set(zmq.LINGER, 0)
        be_client(self._socket, Curve(self._keys, host_key))
        self._monitor = self._socket.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH
        )
        self._socket.connect(address)
        self._look()

    def close(self) -> None:
        """Give up, if it is not over."""
        if self._socket is not None and self._monitor is not None:
            self._socket.disable_monitor()
            self._monitor.close(linger=0)
            self._socket.close(linger=0)
        self._socket = self._monitor = None

    def _look(self) -> None:
        if self._monitor is None:
            return
        answer = self._answer()
        if answer is None:
            self._loop.call_later(LOOK_S, self._look)
        else:
            self.close()
            self._tell(answer)

    def _answer(self) -> Answer | None:
        assert self._monitor is not None
        try:
            event = event_of(self._monitor.recv_multipart(zmq.DONTWAIT))
        except zmq.Again:
            return None if self._loop.now() < self._give_up_s else "no answer"
        return "admitted" if event == zmq.EVENT_HANDSHAKE_SUCCEEDED else "refused"
