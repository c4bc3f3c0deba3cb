"""One worker process, as the tools actor sees it: its birth, what it says, its end."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Literal

import msgspec
import psutil

from actors.model.tools import frames
from actors.runtime.loop import Loop

Way = Literal["calls", "loop"]
ABREAST = {"calls": 1, "loop": 64}
"""How many calls one process runs at once."""
NOT_FOR_TOOLS = {"NOTIFY_SOCKET", "ANTIPHON_LIFELINE", "ANTIPHON_SUPERVISOR_PID"}

_PYTHON = (sys.executable, "-P", "-u", "-m", "actors.model.tools.worker")


class Worker:
    """A process that imports the user's functions and runs them."""

    def __init__(
        self,
        loop: Loop,
        way: Way,
        references: list[str],
        on_said: Callable[["Worker", frames.Said], None],
        on_end: Callable[["Worker", str], None],
    ) -> None:
        """Spawn it. From the main thread only: its death signal fires when the spawning *thread* ends."""
        self.way = way
        self.is_loaded = False
        self.running: set[str] = set()
        """Calls it was given and has not answered."""
        self.idle_since_s = loop.now()
        self._why = ""
        self._loop = loop
        self._on_said = on_said
        self._on_end = on_end
        self._pipe, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._pipe.setblocking(False)
        with theirs:
            self._process = subprocess.Popen(
                [*_PYTHON, str(theirs.fileno()), way, str(os.getpid()), *references],
                stdin=subprocess.DEVNULL,
                stdout=2,  # what functions print belongs into the log
                env={key: value for key, value in os.environ.items() if key not in NOT_FOR_TOOLS},
                pass_fds=[theirs.fileno()],
            )
        self._pidfd = os.pidfd_open(self._process.pid)
        loop.watch(self._pipe.fileno(), self._readable)
        loop.watch(self._pidfd, self._ended)

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def is_free(self) -> bool:
        """Whether it can take a call now."""
        return self.is_loaded and not self._why and len(self.running) < ABREAST[self.way]

    def send(self, order: frames.Order) -> bool:
        """Give it an order. False when it cannot take any: it is dead, or its loop has been blocked for long."""
        try:
            self._pipe.send(frames.encode(order))
        except OSError:
            return False
        return True

    def kill(self, why: str) -> None:
        """End it and what it started, now; `on_end` follows with this reason."""
        if self._process.returncode is not None:
            return  # its number may be another process's by now
        self._why = self._why or why
        with contextlib.suppress(psutil.Error):
            for descendant in psutil.Process(self.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    descendant.kill()
        self._process.kill()

    def close(self) -> None:
        """End it without a word to `on_end`."""
        self.kill("closed")
        self._release()

    def _readable(self) -> None:
        packet = self._receive()
        while packet:
            try:
                said = frames.read_said.decode(packet)
            except (msgspec.DecodeError, UnicodeDecodeError):
                self.kill("it wrote into a socket that is not its own")
                return
            if isinstance(said, frames.Loaded):
                self.is_loaded = True
            self._on_said(self, said)
            packet = self._receive()
        if packet == b"" and self._pipe.fileno() >= 0:
            self._loop.unwatch(self._pipe.fileno())  # closed: its end follows

    def _receive(self) -> bytes | None:
        """Return a packet, b"" after the last one, None when there is none now."""
        try:
            return self._pipe.recv(frames.MAX_PACKET_BYTES)
        except BlockingIOError:
            return None
        except OSError:  # closed, by us or with orders of ours unread
            return b""

    def _ended(self) -> None:
        self._readable()  # what it said last
        why = self._release()
        self._on_end(self, why)

    def _release(self) -> str:
        code = self._process.wait()
        self._loop.unwatch(self._pidfd)
        os.close(self._pidfd)
        if self._pipe.fileno() >= 0:
            self._loop.unwatch(self._pipe.fileno())
            self._pipe.close()
        return self._why or (f"killed by signal {-code}" if code < 0 else f"exit {code}")
