"""Lines that come through a pipe or from a file: read when there is room for them, so that whoever writes has to wait."""

import os
from collections.abc import Callable

from actors.runtime.loop import Loop

RETRY_S = 0.5
READ_BYTES = 65_536


class Pipe:
    """Reads standard input while `has_room`; `take` gets the bytes, none at the end, and says whether to go on."""

    def __init__(self, loop: Loop, has_room: Callable[[], bool], take: Callable[[bytes], bool]) -> None:
        self._loop = loop
        self._has_room = has_room
        self._take = take

    def listen(self) -> None:
        """Begin to read, or go on."""
        try:
            self._loop.watch(0, self._read_pipe)
        except PermissionError:  # a plain file: always readable, and epoll does not take it
            self._loop.call_soon(self._read_file)

    def _read_pipe(self) -> None:
        if not self._has_room():
            self._loop.unwatch(0)  # back-pressure
            self._loop.call_later(RETRY_S, self.listen)
        elif not self._take(os.read(0, READ_BYTES)):
            self._loop.unwatch(0)

    def _read_file(self) -> None:
        if not self._has_room():
            self._loop.call_later(RETRY_S, self._read_file)
        elif self._take(os.read(0, READ_BYTES)):
            self._loop.call_soon(self._read_file)
