"""Keeps what C libraries write to stderr off the terminal, and keeps it for the error message.

ALSA and JACK print up to 80 lines while PortAudio looks for devices. Their error handlers catch only a part, so file
descriptor 2 itself is swapped. That holds for the whole process: keep the block short.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2
_MOST_BYTES = 65_536


class Overheard:
    """What was written to stderr in a `quiet_stderr` block; complete when the block is left."""

    text = ""

    def brief(self, max_lines: int = 5) -> str:
        """Give the last few distinct lines, for an error message."""
        lines = dict.fromkeys(line.strip() for line in self.text.splitlines() if line.strip())
        return "\n".join(list(lines)[-max_lines:])


@contextmanager
def quiet_stderr() -> Iterator[Overheard]:
    """Catch all that is written to file descriptor 2 within the block, whoever writes it."""
    overheard = Overheard()
    try:
        saved = os.dup(_STDERR)
    except OSError:  # no stderr, nothing to keep quiet
        yield overheard
        return
    caught = os.memfd_create("stderr")
    try:
        os.dup2(caught, _STDERR)
        yield overheard
    finally:
        os.dup2(saved, _STDERR)
        overheard.text = os.pread(caught, _MOST_BYTES, 0).decode(errors="replace")
        os.close(saved)
        os.close(caught)
