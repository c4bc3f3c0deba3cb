"""What happened, for whoever wants to know: in memory, and in a file of JSON lines."""

import asyncio
import os
import time
import wave
from collections import deque
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

REMEMBERED_EVENTS = 2000
REMEMBERED_BYTES = 512 << 10
"""As JSON: the contexts of a long conversation would be most of a process."""

Event = dict[str, Any]


class Journal:
    """Events in order: `event` (its name), `at_ns` (monotonic), and what belongs to it."""

    def __init__(self, path: str = "") -> None:
        self.events: deque[Event] = deque()
        self._sizes: deque[int] = deque()
        self._bytes = 0
        self._waiting: list[tuple[Event, asyncio.Future[Event]]] = []
        self._file: int | None = None
        if path:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def record(self, event: str, **details: object) -> None:
        """Add an event; in the file, each line is written at once and whole."""
        entry: Event = {"event": event, "at_ns": time.monotonic_ns(), **details}
        line = msgspec.json.encode(entry) + b"\n"
        self._remember(entry, len(line))
        if self._file is not None:
            os.write(self._file, line)
        for wanted, future in self._waiting:
            if not future.done() and _matches(entry, wanted):
                future.set_result(entry)

    def _remember(self, entry: Event, size: int) -> None:
        self.events.append(entry)
        self._sizes.append(size)
        self._bytes += size
        while len(self.events) > REMEMBERED_EVENTS or (
            self._bytes > REMEMBERED_BYTES and len(self.events) > 1
        ):
            self.events.popleft()
            self._bytes -= self._sizes.popleft()

    def named(self, event: str, **details: object) -> list[Event]:
        """Return the remembered events of that name with those details."""
        wanted: Event = {"event": event, **details}
        return [entry for entry in self.events if _matches(entry, wanted)]

    async def wait_for(self, event: str, *, within_s: float = 10.0, **details: object) -> Event:
        """Return the first event of that name with those details, now or when it comes. Raises TimeoutError."""
        already = self.named(event, **details)
        if already:
            return already[0]
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        waiter: tuple[Event, asyncio.Future[Event]] = ({"event": event, **details}, future)
        self._waiting.append(waiter)
        try:
            return await asyncio.wait_for(future, within_s)
        finally:
            self._waiting.remove(waiter)

    def close(self) -> None:
        """Close the file; the memory stays."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _matches(entry: Event, wanted: Event) -> bool:
    return all(name in entry and entry[name] == value for name, value in wanted.items())


class AudioKeeper:
    """Writes what one connection was sent to `connection-N.wav`, and what came at other rates to `connection-N-RATE.wav`."""

    def __init__(self, directory: str, connection: int) -> None:
        self._stem = Path(directory, f"connection-{connection}") if directory else None
        self._files: dict[int, tuple[wave.Wave_write, BinaryIO]] = {}

    def keep(self, pcm: bytes, rate_hz: int) -> None:
        """Append the sound; the file is a valid WAV after each call."""
        if self._stem is None:
            return
        if rate_hz not in self._files:
            self._files[rate_hz] = self._open(self._stem, rate_hz)
        self._files[rate_hz][0].writeframes(pcm)

    def close(self) -> None:
        """Close the files."""
        for sound, file in self._files.values():
            sound.close()
            file.close()
        self._files.clear()

    def _open(self, stem: Path, rate_hz: int) -> tuple[wave.Wave_write, BinaryIO]:
        name = f"{stem.name}-{rate_hz}.wav" if self._files else f"{stem.name}.wav"
        descriptor = os.open(stem.with_name(name), os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        file = os.fdopen(descriptor, "r+b", buffering=0)
        sound = wave.open(file, "wb")  # noqa: SIM115  it lives as long as the connection
        sound.setparams((1, 2, rate_hz, 0, "NONE", ""))
        return sound, file
