"""What the tree hears: the notify socket its actors report to, and the signals of its user."""

import contextlib
import os
import signal
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from actors.runtime.loop import Loop

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MAX_DATAGRAM = 65_536
AT_ONCE = 256
"""Datagrams per round of the loop: a flood must not keep it from everything else."""
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


Heard: TypeAlias = Callable[[int, bytes, str], None]
"""Gets the sender's pid, as the kernel saw it, what it sent, and where an answer would reach it ("" = nowhere)."""


class NotifySocket:
    """Where actors report, and the command line gives its orders."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def open(self, loop: Loop, heard: Heard) -> None:
        """Listen. Raises `OSError` when the address cannot be had."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.setblocking(False)
        self._socket.bind(self._address)
        os.chmod(self._address, 0o600)  # noqa: PTH101 - the address is a string everywhere else
        loop.watch(self._socket.fileno(), lambda: self._receive(heard))

    def answer(self, sender: str, words: bytes) -> None:
        """Answer whoever still listens."""
        with contextlib.suppress(OSError):
            self._socket.sendto(words, sender)

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def _receive(self, heard: Heard) -> None:
        for pid, datagram, sender in self._waiting():
            heard(pid, datagram, sender)

    def _waiting(self) -> Iterator[tuple[int, bytes, str]]:
        for _ in range(AT_ONCE):
            try:
                datagram, ancillary, _, sender = self._socket.recvmsg(
                    MAX_DATAGRAM, socket.CMSG_SPACE(_CREDENTIALS.size)
                )
            except BlockingIOError:
                return
            yield _pid(ancillary), datagram, sender or ""


def watch_signals(loop: Loop, heard: Callable[[int], None]) -> None:
    """Hand INT, TERM and HUP to the loop; whoever blocked them until now gets those that waited."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in ENDING_SIGNALS:
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # stopped under a running conversation it helps nobody

    def woken() -> None:
        for number in os.read(reader, 64):
            heard(number)

    loop.watch(reader, woken)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)


def _pid(ancillary: Iterable[tuple[int, int, bytes]]) -> int:
    for level, kind, value in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            pid: int = _CREDENTIALS.unpack(value)[0]
            return pid
    return 0
