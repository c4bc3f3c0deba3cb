"""The loop behind the screen: paints every second and at every change of size, until the user has seen enough."""

import contextlib
import os
import select
import signal
import sys
import termios
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.live import Live

from actors.devices.terminal import restore_modes, saved_modes
from supervisor import status
from supervisor.instance import log_root
from supervisor.live.events import last_events
from supervisor.live.view import screen

MOST_EVENTS = 60
LEAVING = b"qQ\x03\x04"
STOPPING = (signal.SIGTERM, signal.SIGHUP)


def watch(name: str, every_s: float) -> int:
    """Show the conversation until `q` or Ctrl-C. Returns the last state's code; the terminal is as it was."""
    console = Console()
    with _woken() as wake, _silent_keys(), Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            found = status.look(name)
            events = last_events(log_root() / name, min(MOST_EVENTS, console.height))
            live.update(screen(found.document, events, console.width, console.height), refresh=True)
            if _is_over(wake, every_s):
                return found.code


def _is_over(wake: int, every_s: float) -> bool:
    """Wait for the next painting; True when the user or a signal ends it."""
    readable, _, _ = select.select([0, wake], [], [], every_s)
    if wake in readable and set(os.read(wake, 64)) & set(STOPPING):
        return True
    if 0 in readable:
        keys = os.read(0, 64)
        return not keys or bool(set(keys) & set(LEAVING))
    return False


@contextlib.contextmanager
def _silent_keys() -> Iterator[None]:
    """Take keys one by one and unseen; Ctrl-C is a key."""
    before = saved_modes(0)
    if before is not None:
        modes: list[Any] = termios.tcgetattr(0)
        modes[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG)
        termios.tcsetattr(0, termios.TCSADRAIN, modes)
    try:
        yield
    finally:
        sys.stdout.flush()
        restore_modes(0, before)


@contextlib.contextmanager
def _woken() -> Iterator[int]:
    """Give a descriptor that can be read when the window has another size, or somebody wants us to end."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = [(number, signal.signal(number, lambda *_: None)) for number in (signal.SIGWINCH, *STOPPING)]
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before:
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)
