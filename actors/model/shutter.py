"""Half duplex: when the microphone would have heard a reply. Pure."""

from collections import deque

REMEMBERED = 64


class Shutter:
    """Remembers, for what is sent again later, too."""

    def __init__(self) -> None:
        self._shut_ns: int | None = None
        self._were: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)

    def shut(self, now_ns: int) -> None:
        """A reply begins to be heard."""
        if self._shut_ns is None:
            self._shut_ns = now_ns

    def open(self, now_ns: int) -> None:
        """Nothing of it is heard any more."""
        if self._shut_ns is not None:
            self._were.append((self._shut_ns, now_ns))
            self._shut_ns = None

    def was_shut(self, captured_ns: int) -> bool:
        """Whether what was captured then must not be sent."""
        if self._shut_ns is not None and captured_ns >= self._shut_ns:
            return True
        return any(shut_ns <= captured_ns < open_ns for shut_ns, open_ns in self._were)
