"""Calls into a sound system can hang where nothing interrupts them: then only a new process helps."""

import faulthandler
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from queue import SimpleQueue

from actors.runtime import exits

OPEN_WITHIN_S = 3.0
"""Opening takes 0.1 s, on a loaded machine 0.5 s. It was seen to hang for 8 s when the device appeared in that moment."""

_Watched = tuple[str, float, threading.Event]

log = logging.getLogger("deadline")


@contextmanager
def deadline(what: str, within_s: float = OPEN_WITHIN_S) -> Iterator[None]:
    """End this process as one whose device is absent when the block takes longer; its stacks go to the log."""
    is_done = threading.Event()
    _watched().put((what, within_s, is_done))
    try:
        yield
    finally:
        is_done.set()


@cache
def _watched() -> "SimpleQueue[_Watched]":
    """Start the thread that watches, once: whoever starts a reply must not wait for a thread to come up."""
    watched: SimpleQueue[_Watched] = SimpleQueue()
    threading.Thread(target=_watch, args=(watched,), name="deadline", daemon=True).start()
    return watched


def _watch(watched: "SimpleQueue[_Watched]") -> None:
    while True:
        what, within_s, is_done = watched.get()
        if not is_done.wait(within_s):
            log.error("exit %d: %s hangs for %g s", exits.DEVICE_ABSENT, what, within_s)
            faulthandler.dump_traceback()
            os._exit(exits.DEVICE_ABSENT)
