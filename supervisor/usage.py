"""What a process uses, as psutil tells it. A process that is gone, or a machine that is out of descriptors, is None."""

from typing import NamedTuple

import psutil


class Usage(NamedTuple):
    """Processor time so far, and memory held now, shared or not."""

    cpu_s: float
    rss_bytes: int


def usage_of(pid: int, *, with_children: bool) -> Usage | None:
    """Look at a process, and at what it has started if asked, which takes some milliseconds."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            times, rss_bytes = process.cpu_times(), int(process.memory_info().rss)
        children = process.children(recursive=True) if with_children else []
    except (psutil.Error, OSError):
        return None
    total = Usage(float(times.user + times.system), rss_bytes)
    for child in children:
        used = usage_of(child.pid, with_children=False)
        if used is not None:
            total = Usage(total.cpu_s + used.cpu_s, total.rss_bytes + used.rss_bytes)
    return total


def cpu_s(pid: int) -> float | None:
    """Return the processor time it has used, without what it has started."""
    try:
        times = psutil.Process(pid).cpu_times()
    except (psutil.Error, OSError):
        return None
    return float(times.user + times.system)
