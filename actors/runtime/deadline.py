"""Calls into a sound system can hang where nothing interrupts them: then only a new process helps."""

import faulthandler
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from actors.runtime import exits

OPEN_WITHIN_S = 3.0
"""Opening takes 0.1 s, on a loaded machine 0.5 s. It was seen to hang for 8 s when the device appeared in that moment."""

LOOK_EVERY_S = 1.0

_armed: dict[object, tuple[str, float, float]] = {}
"""What is being done, how long it may take, and until when."""

log = logging.getLogger("deadline")


@contextmanager
def deadline(what: str, within_s: float = OPEN_WITHIN_S) -> Iterator[None]:
    """End this process as one whose device is absent when the block takes longer; its stacks go to the log.

    It costs no switch of threads: whoever starts a reply is in a hurry. The end may come a second later.
    """
    _start_watching()
    armed = object()
    _armed[armed] = what, within_s, time.monotonic() + within_s
    try:
        yield
    finally:
        del _armed[armed]


@cache
def _start_watching() -> None:
    threading.Thread(target=_watch, name="deadline", daemon=True).start()


def _watch() -> None:
    while True:
        time.sleep(LOOK_EVERY_S)
        for what, within_s, due_s in list(_armed.values()):
            if time.monotonic() >= due_s:
                log.error("exit %d: %s hangs for %g s", exits.DEVICE_ABSENT, what, within_s)
                faulthandler.dump_traceback()
                os._exit(exits.DEVICE_ABSENT)
