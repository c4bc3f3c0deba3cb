"""The last notable lines of all logs, in the order of time. What follows a line (a traceback) belongs to it and is left out."""

import re
from pathlib import Path
from typing import NamedTuple

from supervisor.logs import last_lines

LINE = re.compile(r"\d{4}-\d\d-\d\d (\d\d:\d\d:\d\d),(\d{3}) (\S+) (\S+): (.*)")
DULL = re.compile(r"ready|stopped|exit 0\b.*")
"""What an actor says of itself at every start and end: the supervisor says it, too."""


class Event(NamedTuple):
    """One line: the time of day, who, and what."""

    at: str
    who: str
    what: str


def last_events(directory: Path, count: int) -> list[Event]:
    """Return the last notable lines, oldest first."""
    found = []
    for path in directory.glob("*.log"):
        for line in last_lines(path, 5 * count):
            event = _read(line)
            if event is not None:
                found.append((line[:23], event))
    found.sort(key=lambda pair: pair[0])
    return [event for _, event in found[-count:]]


def _read(line: str) -> Event | None:
    matched = LINE.fullmatch(line)
    if matched is None:
        return None
    at, _, who, _, what = matched.groups()
    return None if who != "supervisor" and DULL.fullmatch(what) else Event(at, who, what)
