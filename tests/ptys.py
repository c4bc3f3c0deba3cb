"""A user at a terminal: a real pty, a shell-like session leader with the program as its foreground job, and what the screen shows."""

import codecs
import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from typing import Any

from trees import PATIENCE_S, wait_for

SHELL = """
import fcntl, os, signal, subprocess, sys, termios
report, lifeline = int(sys.argv[1]), int(sys.argv[2])
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever runs the tests in the background has it ignored
job = subprocess.Popen(sys.argv[3:], process_group=0)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
os.tcsetpgrp(0, job.pid)
os.write(report, b"%d " % job.pid)
code = job.wait()
os.tcsetpgrp(0, os.getpgrp())
os.write(report, b"%d " % code)
os.read(lifeline, 1)
"""
"""What matters of a shell: it leads the session, so the terminal outlives the job, with whatever modes that leaves."""

SEQUENCE = re.compile(r"\x1b\[(\?*)(\d*)(?:;\d+)*([A-Za-z])")


class Screen:
    """A terminal of endless height that obeys the few sequences we use, and refuses all others."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.rows = [[" "] * width]
        self.row = self.column = 0
        self._cut = ""

    @property
    def lines(self) -> list[str]:
        """Return what is to be seen, without the blanks at the ends of lines."""
        return ["".join(row).rstrip() for row in self.rows]

    def show(self, text: str) -> None:
        """Obey a piece of output, which may end in the middle of a sequence."""
        text, self._cut = self._cut + text, ""
        while text:
            if text[0] != "\x1b":
                self._put(text[0])
                text = text[1:]
            elif found := SEQUENCE.match(text):
                self._obey(found[1], int(found[2] or 1), found[2], found[3])
                text = text[found.end() :]
            else:
                assert len(text) < 12, f"the program sent {text[:12]!r}"
                self._cut = text
                return

    def _obey(self, private: str, count: int, given: str, final: str) -> None:
        row = self.rows[self.row]
        column = min(self.column, self.width - 1)
        match private + final:
            case "A":
                self.row = max(0, self.row - count)
            case "B":
                self._down(count)
            case "C":
                self.column = min(self.width - 1, column + count)
            case "K" | "J":
                assert not given, f"the program sent {given}{final}"
                row[column:] = [" "] * (self.width - column)
                if final == "J":
                    del self.rows[self.row + 1 :]
            case "m" | "?h" | "?l":
                return
            case _:
                raise AssertionError(f"the program sent CSI {private}{given}{final}")
        self.column = min(self.column, self.width - 1)

    def _put(self, character: str) -> None:
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self._down(1)
        else:
            assert character >= " ", f"the program sent {character!r}"
            if self.column == self.width:
                self.column = 0
                self._down(1)
            self.rows[self.row][self.column] = character
            self.column += 1

    def _down(self, count: int) -> None:
        self.row += count
        while len(self.rows) <= self.row:
            self.rows.append([" "] * self.width)


class Terminal:
    """One program in the foreground of one terminal."""

    def __init__(self, command: list[str], environment: dict[str, str], width: int = 80) -> None:
        self.screen = Screen(width)
        self.failure: BaseException | None = None
        self._user, program = pty.openpty()
        termios.tcsetwinsize(program, (24, width))
        self.modes_before = self.modes()
        reports, report = os.pipe()
        lifeline, self._hold = os.pipe()
        self._reports = reports
        self._shell = subprocess.Popen(
            [sys.executable, "-c", SHELL, str(report), str(lifeline), *command],
            stdin=program,
            stdout=program,
            stderr=program,
            env=environment,
            start_new_session=True,
            pass_fds=(report, lifeline),
        )
        for fd in (program, report, lifeline):
            os.close(fd)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.pid = self._report()
        """The program's."""

    def modes(self) -> list[Any]:
        """Return the terminal's modes, as the shell would find them now."""
        return termios.tcgetattr(self._user)

    @property
    def lines(self) -> list[str]:
        """Return the lines of the screen that show anything."""
        return [line for line in list(self.screen.lines) if line]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def type(self, keys: str) -> None:
        os.write(self._user, keys.encode())

    def wait_for(self, pattern: str) -> None:
        """Wait until a line of the screen is exactly this (a regular expression)."""
        try:
            wait_for(lambda: any(re.fullmatch(pattern, line) for line in self.lines), pattern)
        except AssertionError as error:
            raise AssertionError(f"{error}; the screen:\n{self.text}") from None

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self) -> int:
        """Return the program's exit code once it has ended."""
        return self._report()

    def close(self) -> None:
        self.signal(signal.SIGKILL)
        os.close(self._hold)
        self._shell.wait()
        self._reader.join(PATIENCE_S)
        os.close(self._user)
        os.close(self._reports)
        assert self.failure is None, self.failure

    def _report(self) -> int:
        text = b""
        while not text.endswith(b" "):
            assert select.select([self._reports], [], [], PATIENCE_S)[0], (
                f"it goes on; the screen:\n{self.text}"
            )
            byte = os.read(self._reports, 1)
            assert byte, "the shell died"
            text += byte
        return int(text)

    def _read(self) -> None:
        decode = codecs.getincrementaldecoder("utf-8")().decode
        try:
            while data := os.read(self._user, 65536):
                self.screen.show(decode(data))
        except OSError:
            return  # everybody has left the terminal
        except (AssertionError, UnicodeDecodeError) as error:
            self.failure = error


@contextlib.contextmanager
def terminal(command: list[str], environment: dict[str, str], width: int = 80) -> Iterator[Terminal]:
    """Run a program at a terminal; the program is gone and the screen was obeyed to the end when this returns."""
    made = Terminal(command, environment, width)
    try:
        yield made
    finally:
        made.close()
