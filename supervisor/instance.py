"""One running tree per name: its directory, its lock, and what an earlier one left behind."""

import contextlib
import fcntl
import os
import shutil
from pathlib import Path
from typing import TypeVar

import msgspec

Kind = TypeVar("Kind", bound=msgspec.Struct)

SOCKET_PATH_LIMIT = 100
"""A Unix socket's path has 107 bytes; the longest name we put behind the directory has 7."""


ATTEMPTS = 1000
"""To start while others start and end: each is over in a moment."""


class AlreadyRunningError(Exception):
    """Another supervisor holds the lock."""


class Holder(msgspec.Struct, frozen=True):
    """Who holds a lock: for messages and status, never trusted for more."""

    pid: int
    birth_s: float
    """See `birth_of`."""


def runtime_root() -> Path:
    """Return the directory that holds one directory per running tree."""
    if chosen := os.environ.get("ANTIPHON_RUNTIME_DIR"):
        return Path(chosen).absolute()
    if session := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(session) / "antiphon"
    per_user = Path(f"/run/user/{os.getuid()}")
    return per_user / "antiphon" if per_user.is_dir() else Path(f"/tmp/antiphon-{os.getuid()}")  # noqa: S108 - 0700, owner checked


def log_root() -> Path:
    """Return the directory that holds one directory of logs per name; it outlives the trees."""
    if chosen := os.environ.get("ANTIPHON_LOG_DIR"):
        return Path(chosen).absolute()
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "antiphon"


def config_root() -> Path:
    """Return the directory that holds keys and paired devices."""
    if chosen := os.environ.get("ANTIPHON_CONFIG_DIR"):
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "antiphon"


def private_directory(path: Path) -> Path:
    """Make a directory that only its owner can enter. Raises `PermissionError` when it belongs to somebody else."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.stat()
    if found.st_uid != os.getuid():
        raise PermissionError(f"{path} belongs to user {found.st_uid}, not to you ({os.getuid()})")
    if found.st_mode & 0o077:
        path.chmod(0o700)
    return path


class Instance:
    """The directory and the lock of one name. Hold it for as long as the tree lives."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.directory = runtime_root() / name
        self._lock: int | None = None

    @property
    def state_file(self) -> Path:
        """What `status` reads."""
        return self.directory / "state.json"

    @property
    def notify_address(self) -> str:
        """Where actors report to the supervisor."""
        return str(self.directory / "notify")

    def acquire(self, me: Holder) -> None:
        """Become the one. Raises `AlreadyRunningError`, `PermissionError`, or `OSError` for a path too long."""
        if len(os.fsencode(self.directory)) > SOCKET_PATH_LIMIT - 8:
            raise OSError(
                f"{self.directory} is too long a path for sockets; set ANTIPHON_RUNTIME_DIR to a shorter one"
            )
        for attempt in range(ATTEMPTS):
            try:
                self._make_directory()
                self._lock = self._try()
            except (FileNotFoundError, FileExistsError):  # removed under us by one that just ended
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                break
        assert self._lock is not None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, msgspec.json.encode(me), 0)

    def _make_directory(self) -> None:
        runtime_root().mkdir(mode=0o700, parents=True, exist_ok=True)
        if runtime_root().stat().st_uid not in {0, os.getuid()}:
            raise PermissionError(
                f"{runtime_root()} belongs to another user; set ANTIPHON_RUNTIME_DIR to one of yours"
            )
        private_directory(self.directory)

    def release(self) -> None:
        """Remove everything of this tree, and let the next one in."""
        if self._lock is None:
            return
        shutil.rmtree(self.directory, ignore_errors=True)
        if not os.environ.get("ANTIPHON_RUNTIME_DIR"):
            with contextlib.suppress(OSError):
                runtime_root().rmdir()  # only when no other tree is there
        os.close(self._lock)
        self._lock = None

    def remove_leftovers(self) -> None:
        """Remove what a killed supervisor left, unless somebody has started anew meanwhile."""
        with contextlib.suppress(AlreadyRunningError):
            self.acquire(Holder(os.getpid(), 0.0))
            self.release()

    def clean(self) -> None:
        """Remove what a killed predecessor left, except the lock we hold."""
        for left in self.directory.iterdir():
            if left.name == "lock":
                continue
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()

    def holder(self) -> Holder | None:
        """Return what the lock file says of its holder, alive or not."""
        return read_json(self.directory / "lock", Holder)

    def _try(self) -> int:
        """Open and lock. Raises `FileNotFoundError` when the file or its directory was removed meanwhile."""
        path = self.directory / "lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            holder = self.holder()
            who = f"pid {holder.pid}" if holder else "another process"
            raise AlreadyRunningError(
                f"{self.name} is already running ({who}, in {self.directory}); "
                f"stop it with `supervisor stop {self.name}` or choose another --name"
            ) from None
        with contextlib.suppress(OSError):
            if path.stat().st_ino == os.fstat(lock).st_ino:
                return lock
        os.close(lock)
        raise FileNotFoundError(f"{path} was removed by a tree that just ended")


def read_json(path: Path, kind: type[Kind]) -> Kind | None:
    """Return the file's content, None when there is none or it makes no sense. Raises `PermissionError`."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except PermissionError:
        raise
    except (OSError, msgspec.DecodeError):
        return None
