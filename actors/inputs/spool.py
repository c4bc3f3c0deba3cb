"""Typed lines on their way, kept in a file so that a crash of the keyboard loses none.

The file is what was read, byte for byte, behind a first line that says how many lines were forgotten before it. Line numbers
therefore mean the same to every incarnation of the keyboard.
"""

import contextlib
import os
from pathlib import Path

COMPACT_BYTES = 1 << 20


class Spool:
    """Bytes in, numbered lines out; `forget` what is kept elsewhere."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.lines: dict[int, bytes] = {}
        """Complete lines that are not forgotten, by number from 1."""
        self._rest = b""
        self._last = 0
        self._load()
        self._file = _open(path)
        if not path.stat().st_size:
            _write(self._file, b"0\n")

    @property
    def last(self) -> int:
        """Number of the newest line."""
        return self._last

    @property
    def has_rest(self) -> bool:
        """Whether bytes without a newline are left."""
        return bool(self._rest)

    def add(self, data: bytes) -> None:
        """Take bytes as they were read. Raises `OSError` when they cannot be kept."""
        _write(self._file, data)
        self._split(data)

    def forget(self, number: int) -> None:
        """The line is kept by the model; small files are left alone."""
        self.lines.pop(number, None)
        if not self.lines and not self._rest and self._path.stat().st_size > COMPACT_BYTES:
            self._compact()

    def close(self) -> None:
        """Close the file; it stays for the next incarnation."""
        os.close(self._file)

    def _compact(self) -> None:
        """By rename: a crash in between must not set the numbers back, or new lines would count as kept."""
        fresh = self._path.with_suffix(".new")
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        file = _open(fresh)
        _write(file, b"%d\n" % self._last)
        fresh.replace(self._path)
        os.close(self._file)
        self._file = file

    def _load(self) -> None:
        if not self._path.exists():
            return
        first, _, data = self._path.read_bytes().partition(b"\n")
        self._last = int(first or b"0")
        self._split(data)

    def _split(self, data: bytes) -> None:
        *complete, self._rest = (self._rest + data).split(b"\n")
        for line in complete:
            self._last += 1
            self.lines[self._last] = line


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _write(file: int, data: bytes) -> None:
    """Write it all: a disk that fills up takes a part first."""
    while data:
        data = data[os.write(file, data) :]
