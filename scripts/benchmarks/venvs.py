"""The peers' own environments: made when first needed, from pinned requirements, kept between runs."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "peers"
INSTALLED_WITHIN_S = 1200.0
COMMANDS = {"original": ("arecord", "aplay")}
"""What a peer runs beside Python."""
PACKAGE_OF_COMMANDS = "alsa-utils"


class CannotError(Exception):
    """A rival cannot do what is measured here; the message says what happened."""


def home() -> Path:
    """Return where the environments live: $ANTIPHON_BENCH_DIR, else the user's cache."""
    if chosen := os.environ.get("ANTIPHON_BENCH_DIR"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "antiphon-bench")


def python_of(name: str) -> Path:
    """Return the interpreter that has `peers/NAME.txt` installed, after making it if need be. Raises `CannotError`."""
    if missing := [command for command in COMMANDS.get(name, ()) if shutil.which(command) is None]:
        raise CannotError(f"needs {', '.join(missing)}: apt install {PACKAGE_OF_COMMANDS}")
    directory = home() / directory_name(name, (REQUIREMENTS / f"{name}.txt").read_bytes())
    if not _is_finished(directory):
        _make(name, directory)
    return directory / "bin" / "python"


def directory_name(name: str, requirements: bytes) -> str:
    """Return a name that changes with the requirements and the interpreter."""
    digest = hashlib.sha256(requirements + sys.version.encode()).hexdigest()
    return f"{name}-{digest[:12]}"


def _is_finished(directory: Path) -> bool:
    return (directory / ".finished").exists()


def _make(name: str, directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    with directory.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_finished(directory):  # somebody else was quicker
            return
        print(f"bench: installing {name} into {directory} (once; some minutes)", file=sys.stderr, flush=True)
        _run(name, sys.executable, "-m", "venv", "--clear", str(directory))
        pip = [
            str(directory / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        _run(name, *pip, "-r", str(REQUIREMENTS / f"{name}.txt"))
        (directory / ".finished").touch()


def _run(name: str, *command: str) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=INSTALLED_WITHIN_S
        )
    except subprocess.TimeoutExpired:
        raise CannotError(f"{name} was not installed within {INSTALLED_WITHIN_S:.0f} s") from None
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "ERROR" in line.upper()]
        raise CannotError(f"{name} could not be installed: {' '.join(errors[-2:]) or done.stderr[-300:]}")
