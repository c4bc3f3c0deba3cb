"""Whether the kernel has just killed somebody for want of memory: it says so to nobody but its own log and one counter."""

from pathlib import Path

RECENT_S = 5.0
"""It takes a large process a while to be gone; and the counter is read every few seconds only."""


class OomWatch:
    """Remembers when the kernel's count of such kills last rose. Call `look` now and then."""

    def __init__(self, vmstat: Path = Path("/proc/vmstat")) -> None:
        self._vmstat = vmstat
        self._count = self._read()
        self._rose_s: float | None = None

    def look(self, now: float) -> None:
        """Read the counter."""
        count, before = self._read(), self._count
        self._count = count
        if count > before:
            self._rose_s = now

    def is_recent(self, now: float) -> bool:
        """Whether somebody was killed in the last seconds."""
        self.look(now)
        return self._rose_s is not None and now - self._rose_s <= RECENT_S

    def _read(self) -> int:
        try:
            words = self._vmstat.read_text().split()
            return int(words[words.index("oom_kill") + 1])
        except (OSError, ValueError, IndexError):
            return 0
