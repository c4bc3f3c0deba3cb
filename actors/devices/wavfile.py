"""Writing a WAV file that is valid at any moment, even if its writer is killed."""

import os
import struct
from pathlib import Path

SAMPLE_BYTES = 2
_HEADER_BYTES = 44
_HEADER_EVERY_BYTES = 9_600
_MOST_BYTES = 0xFFFF_FFFF - _HEADER_BYTES


class WavWriter:
    """Appends int16 LE mono. What exceeds 4 GiB, all a WAV can hold, is left out."""

    def __init__(self, path: Path, rate_hz: int) -> None:
        """Create or replace the file, readable by its owner alone. Raises `OSError`."""
        self._rate_hz = rate_hz
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._written = self._in_header = 0
        self._write_header()

    @property
    def samples(self) -> int:
        """How many samples it holds."""
        return self._written // SAMPLE_BYTES

    def write(self, pcm: bytes) -> None:
        """Append. Raises `OSError` when the disk is full."""
        self._written += os.pwrite(
            self._fd, pcm[: _MOST_BYTES - self._written], _HEADER_BYTES + self._written
        )
        if self._written - self._in_header >= _HEADER_EVERY_BYTES:
            self._write_header()

    def truncate(self, samples: int) -> None:
        """Keep only the first `samples`."""
        self._written = min(self._written, samples * SAMPLE_BYTES)
        os.ftruncate(self._fd, _HEADER_BYTES + self._written)
        self._write_header()

    def close(self) -> None:
        """Write the last sizes and close."""
        self._write_header()
        os.close(self._fd)

    def _write_header(self) -> None:
        os.pwrite(self._fd, _header(self._rate_hz, self._written), 0)
        self._in_header = self._written


def _header(rate_hz: int, n_bytes: int) -> bytes:
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", n_bytes + _HEADER_BYTES - 8, b"WAVE"),
        *(b"fmt ", 16, 1, 1, rate_hz, rate_hz * SAMPLE_BYTES, SAMPLE_BYTES, 16),
        *(b"data", n_bytes),
    )
