"""The coordinator's memory across its own crash: one small file in the run directory, gone with the tree."""

import contextlib
import os
from pathlib import Path

import msgspec

from actors import wire


class Memory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a restarted coordinator goes on from."""

    version: int
    state: wire.ConversationState
    names: list[str] = []
    """Actors that have been here."""
    incarnations: dict[str, int] = {}
    """The `boot_id` with which each was here last."""


class MemoryFile:
    """Written whole at every change, by rename; it survives the process, and need not survive the machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Memory:
        """Return what was last saved, or the beginning. An unreadable file is a beginning too."""
        with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
            return msgspec.msgpack.decode(self._path.read_bytes(), type=Memory)
        return Memory(0, wire.ConversationState())

    def save(self, memory: Memory) -> None:
        """Replace the file. Raises `OSError` when the directory cannot be written."""
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.msgpack.encode(memory))
        fresh.replace(self._path)
