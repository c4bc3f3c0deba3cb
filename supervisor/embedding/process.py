"""The caller's hold on the process of its tree: start it, follow its reports, end it, whatever happens to the caller."""

import asyncio
import contextlib
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import msgspec

from supervisor import codes
from supervisor.embedding.handover import (
    Ended,
    Handover,
    Placed,
    Ready,
    Told,
    encode,
    read_report,
    remove_account,
)

READY_WITHIN_S = 20.0
END_WITHIN_S = 12.0
"""An ordered end takes 8 s at most."""
HARD_END_WITHIN_S = 3.0
READ_BYTES = 65_536

log = logging.getLogger("antiphon")


class ConversationError(Exception):
    """The conversation could not be begun, or did not end well; the message says why and what to do.

    `exit_code` is that of `supervisor start`: 1 gave up, 4 not permitted, 6 bad configuration or credentials.
    """

    def __init__(self, why: str, exit_code: int = codes.FAILED) -> None:
        super().__init__(why)
        self.exit_code = exit_code


class TreeProcess:
    """Use as an asynchronous context manager: the process runs inside, and is gone, with all its children, after."""

    def __init__(
        self, handover: Handover, environment: Mapping[str, str], *, has_stdin: bool, has_stdout: bool
    ) -> None:
        self._handover = handover
        self._environment = environment
        self._has_stdin = has_stdin
        self._has_stdout = has_stdout
        self._process: subprocess.Popen[bytes] | None = None
        self._pidfd: int | None = None
        self._reports: socket.socket | None = None
        self._unread = b""
        self._placed: Placed | None = None
        self._ended: Ended | None = None
        self._is_ready = asyncio.Event()
        self._is_gone = asyncio.Event()

    @property
    def directory(self) -> str:
        """Where the sockets are, once it is ready."""
        assert self._placed is not None
        return self._placed.directory

    async def __aenter__(self) -> Self:
        self._spawn()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._end()
        finally:
            self._clean()

    async def ready(self) -> None:
        """Wait until every actor is ready, or too late to wait for; also when it has ended before."""
        waits = [asyncio.create_task(event.wait()) for event in (self._is_ready, self._is_gone)]
        try:
            await asyncio.wait(waits, timeout=READY_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def gone(self) -> None:
        """Wait until it has ended."""
        await self._is_gone.wait()

    def check(self) -> None:
        """Raise `ConversationError` unless it ended well."""
        code, why = self._outcome()
        if code != codes.DONE:
            raise ConversationError(why, code)

    def _outcome(self) -> tuple[int, str]:
        assert self._process is not None
        if self._ended is not None:
            where = f"; the logs are in {self._placed.log_directory}" if self._placed is not None else ""
            return self._ended.code, f"{self._ended.why}{where if self._ended.code == codes.FAILED else ''}"
        code = self._process.returncode
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return codes.FAILED, f"the supervisor of the conversation {how} before it could say why"

    def _spawn(self) -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        memory = os.memfd_create("antiphon-handover", os.MFD_CLOEXEC)
        try:
            os.write(memory, encode(self._handover))
            os.lseek(memory, 0, os.SEEK_SET)
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "supervisor.embedding",
                    str(memory),
                    str(theirs.fileno()),
                ],
                stdin=None if self._has_stdin else subprocess.DEVNULL,
                stdout=None if self._has_stdout else subprocess.DEVNULL,
                env=dict(self._environment),
                pass_fds=(memory, theirs.fileno()),
                start_new_session=True,  # Ctrl-C is the caller's: it ends the call, and so the tree, in order
            )
        except OSError as error:
            ours.close()
            raise ConversationError(f"cannot start the supervisor: {error}") from error
        finally:
            os.close(memory)
            theirs.close()
        ours.setblocking(False)
        self._reports = ours
        loop.add_reader(ours, self._read)
        self._pidfd = os.pidfd_open(self._process.pid)
        loop.add_reader(self._pidfd, self._exited)

    def _read(self) -> None:
        assert self._reports is not None
        try:
            data = self._reports.recv(READ_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._take(line)
        if not data:
            asyncio.get_running_loop().remove_reader(self._reports)

    def _take(self, line: bytes) -> None:
        try:
            report = read_report.decode(line)
        except msgspec.DecodeError as error:
            log.warning("a report of the supervisor cannot be read: %s", error)
            return
        match report:
            case Placed():
                self._placed = report
            case Told(line=told):
                log.info("%s", told)
            case Ready():
                self._is_ready.set()
            case Ended():
                self._ended = report

    def _exited(self) -> None:
        assert self._process is not None
        self._read()  # its last word
        self._forget_pidfd()
        self._process.wait()
        self._is_gone.set()

    def _forget_pidfd(self) -> None:
        if self._pidfd is not None:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None

    async def _end(self) -> None:
        """Let go of it, which ends it in order; whoever cancels that too wants it ended at once."""
        assert self._reports is not None
        with contextlib.suppress(OSError):
            self._reports.shutdown(socket.SHUT_WR)
        try:
            await asyncio.wait_for(self._is_gone.wait(), END_WITHIN_S)
        except TimeoutError:
            log.warning("the supervisor did not end within %.0f s and is ended hard", END_WITHIN_S)
            self._end_hard()
        except asyncio.CancelledError:
            self._end_hard()
            raise

    def _end_hard(self) -> None:
        """A second request makes its end immediate; after that there is only the kernel."""
        assert self._process is not None
        with contextlib.suppress(OSError):
            self._process.terminate()
        try:
            self._process.wait(HARD_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _clean(self) -> None:
        assert self._process is not None
        assert self._reports is not None
        asyncio.get_running_loop().remove_reader(self._reports)
        self._reports.close()
        self._forget_pidfd()
        if self._process.poll() is None:
            self._end_hard()
        if self._handover.credentials_info is not None:
            remove_account(self._process.pid)
