"""What the tree hears: the notify socket its actors report to, and the signals of its user."""

import os
import signal
import socket
import struct
from collections.abc import Callable, Iterable, Iterator

from actors.runtime.loop import Loop

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MAX_DATAGRAM = 65_536
AT_ONCE = 256
"""Datagrams per round of the loop: a flood must not keep it from everything else."""
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


class NotifySocket:
    """Datagrams, each with the pid of the process that the kernel saw sending it."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def open(self, loop: Loop, heard: Callable[[int, bytes], None]) -> None:
        """Listen. Raises `OSError` when the address cannot be had."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.setblocking(False)
        self._socket.bind(self._address)
        os.chmod(self._address, 0o600)  # noqa: PTH101 - the address is a string everywhere else
        loop.watch(self._socket.fileno(), lambda: self._receive(heard))

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def _receive(self, heard: Callable[[int, bytes], None]) -> None:
        for pid, datagram in self._waiting():
            heard(pid, datagram)

    def _waiting(self) -> Iterator[tuple[int, bytes]]:
        for _ in range(AT_ONCE):
            try:
                datagram, ancillary, _, _ = self._socket.recvmsg(
                    MAX_DATAGRAM, socket.CMSG_SPACE(_CREDENTIALS.size)
                )
            except BlockingIOError:
                return
            yield _sender(ancillary), datagram


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


def _sender(ancillary: Iterable[tuple[int, int, bytes]]) -> int:
    for level, kind, value in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            pid: int = _CREDENTIALS.unpack(value)[0]
            return pid
    return 0
