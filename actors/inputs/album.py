"""The pictures of typed lines that are on their way.

A line's picture is copied beside the spool when the line is read. What is sent, and sent again to the next session, is the
copy: neither a crash nor a change of the file loses or replaces a picture that was on its way.
"""

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from actors.devices.still import PictureRefusedError, load, smaller
from actors.inputs.pictures import parse
from actors.runtime.loop import Loop
from actors.wire import MAX_PICTURE_BYTES

MAX_ON_THEIR_WAY = 20
"""With that many pictures that are not kept yet, whoever types has to wait."""


class Album:
    """The pictures of lines that are on their way. What is too large is made smaller in a thread: `on_done` is called then."""

    def __init__(self, spool: Path, loop: Loop, on_done: Callable[[], None]) -> None:
        self._spool = spool
        self._loop = loop
        self._on_done = on_done
        copies = spool.parent.glob(f"{spool.name}.*")
        self._kept = {int(copy.suffix[1:]) for copy in copies if copy.suffix[1:].isdecimal()}
        self._waiting: set[int] = set()
        """Lines whose picture is being made smaller."""
        self._failed: dict[int, str] = {}
        self._made: deque[tuple[int, bytes | PictureRefusedError]] = deque()
        self._one_at_a_time = threading.Lock()
        self._wake = -1

    @property
    def has_room(self) -> bool:
        """Whether another picture can be kept."""
        return len(self._kept) + len(self._waiting) < MAX_ON_THEIR_WAY

    def keep(self, number: int, text: str) -> None:
        """Copy the picture of a line, unless an earlier incarnation has. Raises `PictureRefusedError`."""
        path, _ = parse(text)
        if number in self._kept:
            return
        data = load(path)
        if len(data) <= MAX_PICTURE_BYTES:
            self._write(number, data)
            self._kept.add(number)
        else:
            self._waiting.add(number)
            self._watch()
            threading.Thread(
                target=self._make, args=(number, path, data), name="smaller", daemon=True
            ).start()

    def is_waiting(self, number: int) -> bool:
        """Whether the picture of a line is not ready to be sent."""
        return number in self._waiting

    def read(self, number: int) -> bytes:
        """Return the copy. Raises `PictureRefusedError` when there is none."""
        if number in self._failed:
            raise PictureRefusedError(self._failed[number])
        try:
            return self._copy(number).read_bytes()
        except OSError as error:
            raise PictureRefusedError(f"the copy of its picture is gone: {error}") from error

    def forget(self, number: int) -> None:
        """The line is settled."""
        self._failed.pop(number, None)
        if number in self._kept:
            self._kept.discard(number)
            self._copy(number).unlink(missing_ok=True)

    def close(self) -> None:
        """Stop waiting; the copies stay for the next incarnation."""
        if self._wake >= 0:
            self._loop.unwatch(self._wake)
            os.close(self._wake)
            self._wake = -1

    def _watch(self) -> None:
        if self._wake < 0:
            self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            self._loop.watch(self._wake, self._smaller_ones_came)

    def _make(self, number: int, path: Path, data: bytes) -> None:
        """Make it smaller; in a thread of its own, as that takes up to seconds."""
        with self._one_at_a_time:
            try:
                self._made.append((number, smaller(path, data, MAX_PICTURE_BYTES)))
            except PictureRefusedError as error:
                self._made.append((number, error))
        with contextlib.suppress(OSError):  # we have ended meanwhile
            os.eventfd_write(self._wake, 1)

    def _smaller_ones_came(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake)
        while self._made:
            number, made = self._made.popleft()
            self._waiting.discard(number)
            try:
                if isinstance(made, PictureRefusedError):
                    raise made
                self._write(number, made)
                self._kept.add(number)
            except PictureRefusedError as error:
                self._failed[number] = str(error)
        self._on_done()

    def _copy(self, number: int) -> Path:
        return self._spool.with_name(f"{self._spool.name}.{number}")

    def _write(self, number: int, data: bytes) -> None:
        """By rename: after a crash there is a whole copy or none."""
        fresh = self._spool.with_name(f"{self._spool.name}.new-picture")
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            fresh.replace(self._copy(number))
        except OSError as error:
            raise PictureRefusedError(f"there is no room for a copy of the picture: {error}") from error
