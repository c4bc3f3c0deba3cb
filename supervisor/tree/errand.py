"""A command of our own that runs beside the tree: what it imports, and how long it takes, is not the supervisor's."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import BinaryIO, NamedTuple

from actors.runtime.loop import Loop


class Returned(NamedTuple):
    """How it ended, and what it said."""

    code: int
    out: str
    err: str


def send(
    loop: Loop,
    words: Sequence[str],
    done: Callable[[Returned], None],
    *,
    within_s: float,
    hidden: Sequence[str] = (),
    given: bytes = b"",
) -> None:
    """Run `python WORDS`, which reads `given` and does not get the variables `hidden`; kill it when it takes too long.

    Raises `OSError` when it cannot be started.
    """
    with contextlib.ExitStack() as files:
        text, out, err = (files.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        text.write(given)
        text.seek(0)
        process = subprocess.Popen(
            [sys.executable, *words],
            env={key: value for key, value in os.environ.items() if key not in hidden},
            stdin=text,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            descriptor = os.pidfd_open(process.pid)
        except OSError:
            process.kill()
            process.wait()
            raise
        kept = files.pop_all()
    late = loop.call_later(within_s, process.kill)

    def ended() -> None:
        loop.unwatch(descriptor)
        os.close(descriptor)
        late.cancel()
        with kept:
            returned = Returned(process.wait(), _all_of(out), _all_of(err))
        done(returned)

    loop.watch(descriptor, ended)


def _all_of(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
