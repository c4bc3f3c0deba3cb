"""The files of pairing: our own secret key, and the devices that may come in. One directory, its owner's alone.

A secret is written once, into a file made for it (`O_EXCL`, 0600), and read only from a file that nobody else can read.
"""

import os
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec

from actors.runtime.bus.curve import KeyPair, new_keys, public_of, raw_key
from actors.settings import ACTOR_NAME

HOST_KEY, DEVICE_KEY, REGISTER = "host.key", "device.key", "devices.toml"
_HEAD = "# The devices that may come in, written by `supervisor pair` and `supervisor revoke`.\n"

Key = Annotated[str, msgspec.Meta(min_length=40, max_length=40)]


class KeyringError(Exception):
    """A file of keys cannot be used: which, why, and what to do."""


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the register."""

    key: Key
    roles: list[str]
    added: str
    expires: str = ""
    """ISO 8601 in UTC; empty: never."""
    revoked: bool = False

    def may_enter(self, now: datetime) -> bool:
        """Whether it is still welcome."""
        return not self.revoked and not (self.expires and datetime.fromisoformat(self.expires) <= now)


DeviceName = Annotated[str, msgspec.Meta(pattern=ACTOR_NAME)]
Register = dict[DeviceName, Device]


def own_keys(path: Path, *, make: bool = False) -> KeyPair:
    """Read our keys; with `make`, make them if there are none yet. Raises `KeyringError`."""
    if make:
        _make(path)
    text = _read_private(path).decode(errors="replace").strip()
    try:
        return KeyPair(public_of(text), text)
    except ValueError:
        raise KeyringError(f"{path} holds no key; move it away and pair again") from None


def read_register(path: Path) -> Register:
    """Read who may come in; nobody, when there is no file. Raises `KeyringError`."""
    if not path.exists():
        return {}
    try:
        values = tomllib.loads(_read_private(path).decode())
        register = msgspec.convert(values, Register)
        for device in register.values():
            raw_key(device.key)
            device.may_enter(datetime.now(UTC))
    except (UnicodeDecodeError, ValueError, TypeError) as error:  # TOML, msgspec and dates raise ValueErrors
        raise KeyringError(f"{path}: {error}") from error
    return register


class RegisterFile:
    """The register, and whether somebody has changed it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = _stamp(path)

    def has_changed(self) -> bool:
        """Whether it is another one than was read."""
        return _stamp(self._path) != self._seen

    def read(self) -> Register:
        """Read it. Raises `KeyringError`, once per change."""
        self._seen = _stamp(self._path)
        return read_register(self._path)


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def write_register(path: Path, register: Register) -> None:
    """Replace the register, whole, 0600. Raises `OSError`."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    _write_new(fresh, (_HEAD + "".join(map(_entry, register, register.values()))).encode())
    fresh.replace(path)


def _entry(name: str, device: Device) -> str:
    roles = ", ".join(f'"{role}"' for role in device.roles)
    return (
        f'\n["{name}"]\nkey = "{device.key}"\nroles = [{roles}]\nadded = "{device.added}"\n'
        f'expires = "{device.expires}"\nrevoked = {str(device.revoked).lower()}\n'
    )


def _make(path: Path) -> None:
    try:
        _write_new(path, (new_keys().secret + "\n").encode())
    except FileExistsError:
        return


def _write_new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _read_private(path: Path) -> bytes:
    """Read a file that is ours alone. Raises `KeyringError` otherwise."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise KeyringError(f"there is no {path}; pair this machine first") from None
    except OSError as error:
        raise KeyringError(f"{path} cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if found.st_mode & 0o077 or found.st_uid != os.getuid():
            raise KeyringError(
                f"{path} can be read by others, so it is no secret any more; chmod 600 it, and if you do not know who "
                "has read it, remove it and pair again"
            )
        return file.read()
