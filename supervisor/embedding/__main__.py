"""The process of an embedded tree: `python -m supervisor.embedding HANDOVER_FD REPORTS_FD`.

Its life hangs on the caller's in two ways: the caller's end of the socket pair, which closes when the call is over, and the
caller's process itself, as a child it forked may hold that end open for ever. Neither depends on the *thread* that started
us, which the kernel's parent-death signal would.
"""

import contextlib
import itertools
import json
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import msgspec

from actors.settings import Settings
from supervisor import codes
from supervisor.embedding.handover import (
    Ended,
    Handover,
    Placed,
    Ready,
    Report,
    Told,
    account_directory,
    encode,
    read_handover,
    remove_account,
)
from supervisor.instance import AlreadyRunningError, log_root, private_directory, runtime_root
from supervisor.provider import NoCredentialsError
from supervisor.spec import Stdio
from supervisor.start import conduct
from supervisor.tree import ENDING_SIGNALS, Outcome

MOST_NAMES = 1000


def main() -> NoReturn:
    """Run the tree the caller hands over, and exit with its code."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)  # before any thread: signals belong to the tree
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    os.umask(0o077)
    with open(int(sys.argv[1]), "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        handover = read_handover.decode(file.read())
    reports = socket.socket(fileno=int(sys.argv[2]))
    reports.set_inheritable(False)
    threading.Thread(target=_end_with, args=(handover.caller_pid, reports), daemon=True).start()
    outcome = _run(handover, reports)
    _report(reports, Ended(outcome.code, outcome.why))
    sys.exit(outcome.code)


def _end_with(caller_pid: int, reports: socket.socket) -> None:
    """Ask for the ordered end when the caller lets go of its end, or dies."""
    with contextlib.suppress(OSError):
        caller = os.pidfd_open(caller_pid)
        if os.getppid() == caller_pid:
            select.select([reports.fileno(), caller], [], [])
    os.kill(os.getpid(), signal.SIGTERM)


def _run(handover: Handover, reports: socket.socket) -> Outcome:
    try:
        with _credentials(handover) as settings:
            return _under_a_free_name(settings, handover, reports)
    except NoCredentialsError as error:
        return Outcome(codes.BAD_CONFIG, str(error))
    except AlreadyRunningError as error:
        return Outcome(codes.FAILED, str(error))
    except PermissionError as error:
        return Outcome(codes.PERMISSION, f"not permitted: {error}")
    except OSError as error:
        return Outcome(codes.FAILED, f"cannot start: {error}")


def _under_a_free_name(settings: Settings, handover: Handover, reports: socket.socket) -> Outcome:
    wanted = settings.session.name
    stdio = Stdio(has_input=True, is_input_terminal=os.isatty(0))
    for number in itertools.count(1):
        name = wanted if number == 1 else f"{wanted}-{number}"
        named = msgspec.structs.replace(
            settings, session=msgspec.structs.replace(settings.session, name=name)
        )
        _report(reports, Placed(name, str(runtime_root() / name), str(log_root() / name)))
        try:
            return conduct(
                named,
                "a Python program",
                stdio,
                lambda line: _report(reports, Told(line)),
                lambda: _report(reports, Ready()),
            )
        except AlreadyRunningError:
            if handover.has_fixed_name or number == MOST_NAMES:
                raise
    raise AssertionError("itertools.count is endless")


@contextlib.contextmanager
def _credentials(handover: Handover) -> Iterator[Settings]:
    """Put a service account that came as a dictionary into a file of ours alone, for as long as the tree runs."""
    if handover.credentials_info is None:
        yield handover.settings
        return
    directory = private_directory(account_directory(os.getpid()))
    path = directory / "account.json"
    try:
        _write(path, json.dumps(handover.credentials_info).encode())
        model = msgspec.structs.replace(handover.settings.model, credentials_path=str(path))
        yield msgspec.structs.replace(handover.settings, model=model)
    finally:
        remove_account(os.getpid())


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def _report(reports: socket.socket, report: Report) -> None:
    with contextlib.suppress(OSError):  # the caller is gone: its death ends us
        reports.sendall(encode(report) + b"\n")


if __name__ == "__main__":
    main()
