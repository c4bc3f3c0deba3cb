"""The terminal itself: keys in, bytes out, and its modes put back whatever happens.

The open file behind a terminal is shared with the user's shell, so nothing here ever sets O_NONBLOCK on it: reads ask `poll`
first, and writes go through an open file of our own (a terminal that polls writable still blocks a long write). The modes
belong to the terminal, not to the process, so they outlive a killed keyboard; that is why `saved_modes` and `restore_modes`
stand alone and the supervisor uses them too.
"""

import contextlib
import os
import select
import signal
import stat
import termios
import time
from collections.abc import Iterator
from typing import Any, Final

Modes = list[Any]
"""What `termios.tcgetattr` returns; opaque to everybody else."""

PASTE_ON: Final = b"\x1b[?2004h"
# Autowrap comes back too: a keyboard killed in the middle of a paint may have left it off.
SANE: Final = b"\x1b[?2004l\x1b[?7h"
READ_BYTES: Final = 4096
# A pipe that polls writable takes this much at once.
CHUNK_BYTES: Final = 4096
RETRY_S: Final = 0.005
# For an output that is no terminal or does not know its size.
DEFAULT_COLUMNS: Final = 80
DEFAULT_ROWS: Final = 24


class NotATerminal(OSError):  # noqa: N818 - names what happened, as the states do
    """The file is no terminal, so there are no keys to read one by one."""


class InputGone(OSError):  # noqa: N818 - names what happened, as the states do
    """The terminal hung up: nobody will ever type again."""


class OutputGone(OSError):  # noqa: N818 - names what happened, as the states do
    """The reader of our output went away, or the output cannot be written any more."""


class OutputStalled(OSError):  # noqa: N818 - names what happened, as the states do
    """The output took nothing for the writer's whole patience; `unwritten` is what is left to say."""

    def __init__(self, message: str, unwritten: bytes) -> None:
        super().__init__(message)
        self.unwritten = unwritten


def saved_modes(fd: int) -> Modes | None:
    """Return the terminal's present modes for `restore_modes`, or None if `fd` is no terminal."""
    try:
        return termios.tcgetattr(fd)
    except (termios.error, OSError):
        return None


def restore_modes(fd: int, saved: Modes | None) -> None:
    """Put the terminal back to `saved` with bracketed paste off and autowrap on.

    Never raises and never waits, works from a background process group, does nothing for None or a terminal that is gone.
    """
    if saved is None:
        return
    with _not_stopped_by_the_terminal(), contextlib.suppress(termios.error, OSError):
        # NOW and not DRAIN: a terminal that takes no output must not hold up whoever cleans up.
        termios.tcsetattr(fd, termios.TCSANOW, saved)
        _tell(fd, SANE)


class Keys:
    """The keys of a real terminal on `fd`, one by one and without echo, from `enter` to `leave`."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._saved: Modes | None = None
        self._poll = select.poll()

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._fd

    def enter(self) -> None:
        """Switch to cbreak mode; Ctrl-C still signals the foreground group. Raises NotATerminal, InputGone. Idempotent."""
        if self._saved is not None:
            return
        saved = saved_modes(self._fd)
        if saved is None:
            raise NotATerminal(f"file descriptor {self._fd} is not a terminal; read it line by line instead")
        # Kept before the change, so that a signal handler that calls `leave` in between restores it.
        self._saved = saved
        self._poll.register(self._fd, select.POLLIN)
        try:
            with _not_stopped_by_the_terminal():
                termios.tcsetattr(self._fd, termios.TCSANOW, _cbreak(saved))
        except termios.error as error:
            raise InputGone(f"the terminal on file descriptor {self._fd} went away: {error}") from error
        with contextlib.suppress(OSError):
            _tell(self._fd, PASTE_ON)

    def leave(self) -> None:
        """Put the terminal back as `enter` found it. Idempotent, never raises, safe in a signal handler."""
        saved, self._saved = self._saved, None
        restore_modes(self._fd, saved)

    def read(self) -> bytes:
        """Return what was typed since the last call, b"" if nothing, without waiting. Raises InputGone."""
        state = dict(self._poll.poll(0)).get(self._fd, 0)
        if state & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
            raise InputGone(f"the terminal on file descriptor {self._fd} hung up")
        try:
            return os.read(self._fd, READ_BYTES) if state else b""
        except OSError as error:
            raise InputGone(f"cannot read keys from file descriptor {self._fd}: {error.strerror}") from error


class Output:
    """A writer that writes everything to `fd`, be it terminal, pipe or file, and never waits longer than its patience."""

    def __init__(self, fd: int, patience_s: float = 1.0) -> None:
        self._named = fd
        self._fd = _own_description(fd)
        self._patience_s = patience_s
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLOUT)

    def write(self, data: bytes) -> None:
        """Write all of `data`. Raises OutputGone, or OutputStalled when nothing more was taken for `patience_s`."""
        rest = memoryview(data)
        give_up_s = time.monotonic() + self._patience_s
        while rest:
            written = self._write_some(rest[:CHUNK_BYTES])
            now_s = time.monotonic()
            if written:
                rest = rest[written:]
                give_up_s = now_s + self._patience_s
            elif now_s >= give_up_s:
                raise OutputStalled(
                    f"file descriptor {self._named} took no output for {self._patience_s:g} s", bytes(rest)
                )

    def _write_some(self, data: memoryview) -> int:
        if not self._poll.poll(RETRY_S * 1000):
            return 0
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            # Another process that shares the terminal took the room after our poll.
            time.sleep(RETRY_S)
            return 0
        except OSError as error:
            raise OutputGone(f"cannot write to file descriptor {self._named}: {error.strerror}") from error

    def close(self) -> None:
        """Close what this writer opened; `fd` itself stays open. Idempotent."""
        if self._fd != self._named:
            os.close(self._fd)
            self._fd = self._named

    def width(self) -> int:
        """Return the columns of the terminal, 80 if it has no size."""
        return self._size().columns or DEFAULT_COLUMNS

    def height(self) -> int:
        """Return the rows of the terminal, 24 if it has no size."""
        return self._size().lines or DEFAULT_ROWS

    def _size(self) -> os.terminal_size:
        try:
            return os.get_terminal_size(self._fd)
        except OSError:
            return os.terminal_size((0, 0))


def _cbreak(saved: Modes) -> Modes:
    iflag, oflag, cflag, lflag, ispeed, ospeed, characters = saved
    characters = list(characters)
    # Reads of a terminal that somebody else emptied after our poll return at once instead of waiting for a key.
    characters[termios.VMIN] = 0
    characters[termios.VTIME] = 0
    # Ctrl-Z would stop the supervisor under a conversation that goes on; Ctrl-S would freeze the console.
    characters[termios.VSUSP] = b"\0"
    iflag &= ~termios.IXON
    lflag = (lflag & ~(termios.ICANON | termios.ECHO | termios.ECHONL)) | termios.ISIG
    return [iflag, oflag, cflag, lflag, ispeed, ospeed, characters]


def _own_description(fd: int) -> int:
    """Open the same terminal or pipe anew, non-blocking; `fd` itself where that is impossible (files, sockets, no right)."""
    try:
        if not (os.isatty(fd) or stat.S_ISFIFO(os.fstat(fd).st_mode)):
            return fd
        return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return fd


def _tell(fd: int, sequence: bytes) -> None:
    """Send a control sequence to the terminal if it has room for it now."""
    room = select.poll()
    room.register(fd, select.POLLOUT)
    if room.poll(0):
        os.write(fd, sequence)


@contextlib.contextmanager
def _not_stopped_by_the_terminal() -> Iterator[None]:
    """Let a background process change the terminal; blocked, not ignored, so that any thread may do it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
