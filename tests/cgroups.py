"""A memory cgroup of a test's own, in which the kernel's OOM killer has nobody else to choose."""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

V1, V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class MemoryCgroup:
    """Processes that are put here may touch so much new memory, and no more."""

    directory: Path

    def take(self, pid: int) -> None:
        """What it holds already stays on its old account."""
        (self.directory / "cgroup.procs").write_text(str(pid))

    def kills(self) -> int:
        """How often the kernel killed here for want of memory."""
        for name in ("memory.events", "memory.oom_control"):
            if (file := self.directory / name).exists():
                counts = dict(line.split() for line in file.read_text().splitlines())
                return int(counts["oom_kill"])
        return 0


def why_not() -> str:
    """Say why there can be no such cgroup here; "" if there can."""
    try:
        with memory_cgroup(1 << 20):
            return ""
    except OSError as error:
        return f"this machine lets us make no memory cgroup: {error}"


@contextlib.contextmanager
def memory_cgroup(max_bytes: int) -> Iterator[MemoryCgroup]:
    """Make one, of whichever version this machine has. Raises `OSError`."""
    root, limit = (V1, "memory.limit_in_bytes") if (V1 / "cgroup.procs").exists() else (V2, "memory.max")
    directory = root / f"antiphon-test-{os.getpid()}"
    directory.mkdir()
    try:
        with contextlib.suppress(FileNotFoundError):  # version 1, or a kernel without swap
            _write(directory / "memory.swap.max", "0")
        _write(directory / limit, str(max_bytes))
        yield MemoryCgroup(directory)
    finally:
        _remove(directory)


def _write(file: Path, words: str) -> None:
    """Never make the file: without its controller a cgroup has none."""
    descriptor = os.open(file, os.O_WRONLY)
    try:
        os.write(descriptor, words.encode())
    finally:
        os.close(descriptor)


def _remove(directory: Path) -> None:
    """What has just been killed may need a moment to be gone."""
    for _ in range(100):
        with contextlib.suppress(OSError):
            directory.rmdir()
            return
        time.sleep(0.05)
