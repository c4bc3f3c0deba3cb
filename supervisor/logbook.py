"""The logs of a tree: opened here, given to each child as its stderr (no pump process that could die or block), kept small.

A child goes on writing into the file it was born with, so a file that has grown too long is copied and emptied in place: what
was opened for appending then begins at its start. (A line written in the very moment between is lost; a hung child, a library
of C, a tool's own children all need not know.) A full disk costs log lines and nothing else.
"""

import contextlib
import logging
import os
from pathlib import Path

KEPT = 3
"""Files per name: the one being written, and the two before it."""
MAX_BYTES = 5 << 20
_APPENDING = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC

log = logging.getLogger("supervisor")


class Logbook:
    """All logs of one tree."""

    def __init__(self, directory: Path, max_bytes: int = MAX_BYTES) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._open: dict[int, str] = {}

    def open(self, name: str) -> int:
        """Put the log of the run before aside and begin a new one. Returns its descriptor."""
        try:
            self._put_aside(name)
            descriptor = os.open(self._path(name), _APPENDING, 0o600)
        except OSError as error:
            log.warning("there is no log of %s: %s", name, error)
            return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        self._open[descriptor] = name
        return descriptor

    def close(self, descriptor: int) -> None:
        """Give it back."""
        self._open.pop(descriptor, None)
        os.close(descriptor)

    def keep_small(self) -> None:
        """Look at every log; call now and then."""
        for descriptor, name in self._open.items():
            size = os.fstat(descriptor).st_size
            if size > self._max_bytes:
                self._shorten(descriptor, name, size)

    def _shorten(self, descriptor: int, name: str, size: int) -> None:
        with contextlib.suppress(OSError):
            os.replace(self._path(name, 1), self._path(name, 2))  # noqa: PTH105 - both are paths already
        try:
            self._copy(name, max(0, size - self._max_bytes))
        except OSError as error:
            with contextlib.suppress(OSError):
                self._path(name, 1).unlink()
            log.warning("the log of %s was emptied, as it could not be copied: %s", name, error)
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)

    def _copy(self, name: str, from_byte: int) -> None:
        """Copy what there is, up to its very end now."""
        with self._path(name).open("rb") as source:
            source.seek(from_byte)
            target = os.open(self._path(name, 1), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(target, "wb", buffering=0) as older:
                while piece := source.read(1 << 20):
                    older.write(piece)

    def _put_aside(self, name: str) -> None:
        for number in range(KEPT - 1, 0, -1):
            younger = self._path(name, number - 1)
            if younger.exists():
                younger.replace(self._path(name, number))

    def _path(self, name: str, age: int = 0) -> Path:
        return self._directory / (f"{name}.log.{age}" if age else f"{name}.log")
