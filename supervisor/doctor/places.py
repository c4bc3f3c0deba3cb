"""The directories of a conversation: can we write there, does a socket work there, is there room?"""

import contextlib
import os
import secrets
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from supervisor.doctor.finding import Finding, note, ok, wrong
from supervisor.instance import SOCKET_PATH_LIMIT, Instance, log_root, runtime_root
from supervisor.status import DEAD, look

LITTLE_ROOM = 50 << 20


def places(name: str) -> Iterator[Finding]:
    """Try the runtime directory, the log directory, and look for what a killed supervisor left. Leaves nothing behind."""
    yield _tried(
        "run files", runtime_root(), "ANTIPHON_RUNTIME_DIR", lambda place: _socket_works(place, name)
    )
    yield _tried("logs", log_root(), "ANTIPHON_LOG_DIR", _room)
    found = look(name)
    if found.code == DEAD:
        yield wrong("leftovers", str(found.document["why"]), f"supervisor stop {name}")
    elif found.is_running:
        yield ok("running", f"{name} is {found.document['state']} {found.document['why']}".strip())


def _tried(topic: str, place: Path, variable: str, look_closer: Callable[[Path], Finding | None]) -> Finding:
    made = _missing(place)
    remedy = f"set {variable} to a directory of yours"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = place.stat().st_uid
        if owner not in {0, os.getuid()}:
            return wrong(topic, f"{place} belongs to user {owner}, not to you ({os.getuid()})", remedy)
        probe = place / f".doctor-{secrets.token_hex(4)}"
        probe.mkdir(mode=0o700)
        probe.rmdir()
        return look_closer(place) or ok(topic, str(place))
    except OSError as error:
        return wrong(topic, f"{place} cannot be used: {error}", remedy)
    finally:
        for directory in made:
            with contextlib.suppress(OSError):
                directory.rmdir()


def _missing(place: Path) -> list[Path]:
    """Return the directories that will have to be made, innermost first."""
    return [path for path in (place, *place.parents) if not path.exists()]


def _socket_works(place: Path, name: str) -> Finding | None:
    remedy = "set ANTIPHON_RUNTIME_DIR to a short path on a local disk, such as /tmp/mine"
    if len(os.fsencode(Instance(name).directory)) > SOCKET_PATH_LIMIT - 8:
        return wrong("run files", f"{place} is too long a path for sockets", remedy)
    address = place / f".doctor-{secrets.token_hex(4)}"
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        probe.bind(str(address))
        address.unlink()
    except OSError as error:
        return wrong("run files", f"{place} takes no sockets: {error}", remedy)
    finally:
        probe.close()
    return None


def _room(place: Path) -> Finding | None:
    free = shutil.disk_usage(place).free
    if free < LITTLE_ROOM:
        return note("logs", f"{place} has only {free >> 20} MiB left", "make room, or logs will have gaps")
    return None
