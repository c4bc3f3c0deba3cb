"""Calls into a sound system can hang where nothing interrupts them: then only a new process helps."""

import faulthandler
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from actors.runtime import exits

OPEN_WITHIN_S = 3.0
"""Opening takes 0.1 s, on a loaded machine 0.5 s. It was seen to hang for 8 s when the device appeared in that moment."""

log = logging.getLogger("deadline")


@contextmanager
def deadline(what: str, within_s: float = OPEN_WITHIN_S) -> Iterator[None]:
    """End this process as one whose device is absent when the block takes longer; its stacks go to the log."""
    is_done = threading.Event()

    def watch() -> None:
        if not is_done.wait(within_s):
            log.error("exit %d: %s hangs for %g s", exits.DEVICE_ABSENT, what, within_s)
            faulthandler.dump_traceback()
            os._exit(exits.DEVICE_ABSENT)

    threading.Thread(target=watch, name="deadline", daemon=True).start()
    try:
        yield
    finally:
        is_done.set()
