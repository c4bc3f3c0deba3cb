"""Per-actor log files: opened here, given to the child as its stderr (no pump process that could die or block)."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

KEPT = 3


def open_fresh(directory: Path, name: str) -> int:
    """Rotate `name.log` and open a new one for appending. Returns the descriptor."""
    newest = directory / f"{name}.log"
    for number in range(KEPT - 1, 0, -1):
        older = directory / f"{name}.log.{number}"
        younger = directory / f"{name}.log.{number - 1}" if number > 1 else newest
        if younger.exists():
            younger.replace(older)
    return os.open(newest, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a log, [] when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 65_536))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except OSError:
        return []


def show(directory: Path, name: str | None, *, follow: bool) -> int:
    """Print logs, merged by time. Returns the exit code: 0, or 3 when there is nothing to show."""
    files = sorted(directory.glob("*.log")) if name is None else [directory / f"{name}.log"]
    files = [file for file in files if file.is_file()]
    if not files:
        known = ", ".join(file.stem for file in sorted(directory.glob("*.log"))) or "none"
        wanted = f"log of {name}" if name else "logs"
        print(f"there are no {wanted} in {directory} (there: {known})", file=sys.stderr)
        return 3
    lines = [line for file in files for line in file.read_text(errors="replace").splitlines()]
    for line in sorted(lines, key=lambda line: line[:23]) if len(files) > 1 else lines:
        print(line)
    if follow:
        sys.stdout.flush()
        for line in _follow(files):
            print(line, flush=True)
    return 0


def _follow(files: list[Path]) -> Iterator[str]:
    positions = {file: file.stat().st_size for file in files}
    while True:
        time.sleep(0.2)
        for file, position in positions.items():
            try:
                size = file.stat().st_size
            except FileNotFoundError:
                continue
            if size == position:
                continue
            with file.open(errors="replace") as opened:
                opened.seek(position if size > position else 0)  # shorter: a new run began
                yield from opened.read().splitlines()
            positions[file] = size
