"""Reading logs: the last lines of one, or all merged by time, and following them."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path


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
