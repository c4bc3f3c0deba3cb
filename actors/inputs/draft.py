"""The line that is being typed, kept in a file: a keyboard that crashes, or is restarted, does not make the user type it again."""

import contextlib
import os
from pathlib import Path

MAX_BYTES = 1 << 20


class Draft:
    """One line. What is typed is written at once, and torn by no crash: the first line of the file is it."""

    def __init__(self, path: Path) -> None:
        self.has_predecessor = path.exists()
        """Whether there was a keyboard before, which may have left its line on the screen."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.text = os.pread(self._file, MAX_BYTES, 0).partition(b"\n")[0].decode(errors="replace")
        """As it was last kept."""

    def keep(self, text: str) -> None:
        """Remember the line as it is now. It holds no newline."""
        if text == self.text:
            return
        self.text = text
        line = text.encode(errors="replace") + b"\n"
        with contextlib.suppress(OSError):  # a full disk costs the memory of it, not the line
            os.pwrite(self._file, line, 0)
            os.ftruncate(self._file, len(line))

    def close(self) -> None:
        """Close the file; it stays for the next incarnation."""
        os.close(self._file)
