"""A rival that runs: what can be asked of it from outside."""

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from scripts.benchmarks.loads import ORDERS

END_WITHIN_S = 3.0


def _nothing(_: str) -> None:
    """Obey no order."""


@dataclass(frozen=True)
class Rival:
    """A running rival."""

    began_s: float
    """Monotonic, when its first process was started."""
    root: psutil.Process
    load: Callable[[str, int], None]
    """Start a load, given its name and the bytes of JSON that a C call parses."""
    say: Callable[[str], None] = field(default=_nothing)
    """Type a user's turn."""

    def processes(self) -> list[psutil.Process]:
        """Return all that belong to it and live."""
        try:
            if self.root.status() == psutil.STATUS_ZOMBIE:
                return []
            return [self.root, *self.root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


@contextlib.contextmanager
def obedient(
    command: list[str], log: Path, environment: dict[str, str], *, on_terminal: bool = False
) -> Iterator[tuple[int, Callable[[str], None]]]:
    """Run a process that obeys (see loads.py); gives its pid and what takes an order."""
    orders, order_pipe = os.pipe()
    with log.open("ab") as out, _place(out.fileno(), on_terminal=on_terminal) as (stdin, stdout):
        process = subprocess.Popen(
            command,
            env=environment | {ORDERS: str(orders)},
            stdin=stdin,
            stdout=stdout,
            stderr=stdout,
            pass_fds=(orders,),
            start_new_session=True,  # Ctrl-C is ours to handle
        )
        os.close(orders)
        try:
            yield process.pid, lambda order: _write(order_pipe, order)
        finally:
            os.close(order_pipe)
            _end(process)


def _write(pipe: int, order: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # it may have ended; that is measured elsewhere
        os.write(pipe, order.encode() + b"\n")


@contextlib.contextmanager
def _place(log: int, *, on_terminal: bool) -> Iterator[tuple[int, int]]:
    """Give its stdin and stdout: a terminal whose screen goes to the log, or nothing and the log."""
    if not on_terminal:
        yield subprocess.DEVNULL, log
        return
    ours, theirs = os.openpty()
    reader = threading.Thread(target=_copy, args=(ours, log), daemon=True)
    reader.start()
    try:
        yield theirs, theirs
    finally:
        os.close(theirs)
        reader.join(END_WITHIN_S)
        os.close(ours)


def _copy(source: int, target: int) -> None:
    with contextlib.suppress(OSError):  # the other end of a terminal is closed: EIO
        while text := os.read(source, 65_536):
            os.write(target, text)


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(END_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for left in _session_of(process.pid):
        with contextlib.suppress(psutil.Error):
            left.kill()


def _session_of(leader: int) -> list[psutil.Process]:
    """Return what the process left behind: the recorder and player of a rival that does not end them."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getsid(process.pid) == leader:
                found.append(process)
    return found
