"""The sending side of one connection, and the ways in which it can fail on purpose."""

import asyncio
import ctypes
import socket
import struct

from websockets.asyncio.server import ServerConnection

from actors.model.parrot.refusal import fit
from actors.model.parrot.server_messages import Message, encode

NO_LINGER = struct.pack("ii", 1, 0)
"""SO_LINGER on, 0 s: close() throws away what is queued and sends RST."""

SO_ATTACH_FILTER = 26
DROP_EVERYTHING = struct.pack("HBBI", 0x06, 0, 0, 0)
"""A BPF program: whatever arrives is cut to 0 bytes. The kernel acknowledges nothing either then."""
DEAD_FOR_S = 120.0
"""So long a connection plays dead; then its socket is given back, which nobody notices any more."""


class Outlet:
    """Sends messages, until it is told to play dead. Sending raises `websockets.ConnectionClosed` when nobody is there."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._may_send = asyncio.Event()
        self._may_send.set()
        self._silent = False
        self.is_deaf = False
        """Nothing is read any more either."""

    async def send(self, message: Message) -> None:
        """Send one message of the protocol."""
        await self.send_raw(encode(message))

    async def send_raw(self, frame: bytes | str) -> None:
        """Send a binary frame (bytes) or a text frame (str) as it is."""
        await self._may_send.wait()
        if not self._silent:
            await self._connection.send(frame)

    async def close(self, code: int, reason: str) -> None:
        """Close with a code and a reason, which is cut to what fits. A peer that does not answer is waited for 1 s."""
        await self._connection.close(code, fit(reason))

    def stall(self, for_s: float) -> None:
        """Hold back all messages for so long, then send them; 0 = drop them from now on. Pings are still answered."""
        if for_s == 0:
            self._silent = True
            return
        self._may_send.clear()
        asyncio.get_running_loop().call_later(for_s, self._may_send.set)

    def play_dead(self) -> None:
        """Send nothing and let nothing in, and keep the socket for two minutes: what a peer looks like whose network is gone."""
        self._silent = self.is_deaf = True
        self._connection.transport.pause_reading()
        program = ctypes.create_string_buffer(DROP_EVERYTHING)
        _setsockopt(self._connection, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))
        asyncio.get_running_loop().call_later(DEAD_FOR_S, self._connection.transport.abort)

    def reset(self) -> None:
        """Cut the TCP connection with RST."""
        _setsockopt(self._connection, socket.SO_LINGER, NO_LINGER)
        self._connection.transport.abort()

    async def until_closed(self) -> None:
        """Wait until the socket is gone."""
        await self._connection.wait_closed()


def _setsockopt(connection: ServerConnection, option: int, value: bytes) -> None:
    connection.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, option, value)
