"""When a process was born, on a clock that nobody sets: with its pid this tells a process from its successor.

psutil gives the time of day, which moves when the clock is set (a Raspberry Pi learns the date from the network, long after
it started us): every process would then look like somebody else.
"""

import os
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_START_TIME = 19
"""Its place in /proc/PID/stat, counted from behind the name: that is in parentheses, and may hold anything."""


def birth_of(pid: int) -> float | None:
    """Return the seconds from the machine's start to the process's, None when there is no such process."""
    try:
        behind_name = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return int(behind_name[_START_TIME]) / _TICKS_PER_S
