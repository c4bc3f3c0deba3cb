"""A tool as careless users write them."""

import threading
import time

from actors.model.tools import tool


@tool(timeout_s=25)
def grind(seconds: float) -> str:
    """Keep two threads busy.

    Args:
        seconds: How long.
    """
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=_spin, args=(until,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "done"


def _spin(until: float) -> None:
    while time.monotonic() < until:
        pass
