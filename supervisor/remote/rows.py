"""What status says of actors elsewhere: on the host of its devices, on a device of its host. Pure."""

from typing import Any

from actors.runtime.fingerprint import short_fingerprint
from actors.runtime.notify import Health, Remote
from actors.settings import Settings, kind_of
from supervisor.report import ActorReport, HostReport


def remote_rows(settings: Settings, rows: list[ActorReport]) -> list[ActorReport]:
    """Return a row for every actor that is on a device, from what the gate last said."""
    gate = next((row for row in rows if row.kind == "gate"), None)
    if gate is None:
        return []
    known = {remote.name: remote for remote in gate.health.remotes} if gate.pid is not None else {}
    found = []
    for name, table in settings.actors.items():
        kind = kind_of(name, table)
        enabled = settings.table(name, kind).enabled
        if table.get("on") and enabled is not False:
            absent = Remote(name, kind, table["on"], is_connected=False)
            found.append(_row(known.get(name, absent), is_optional=enabled == "auto"))
    return found


def _row(remote: Remote, *, is_optional: bool) -> ActorReport:
    where = f"on {remote.device}" + (
        f" ({remote.address}, key {remote.fingerprint})" if remote.address else ""
    )
    return ActorReport(
        name=remote.name,
        kind=remote.kind,
        state="ready" if remote.is_connected else "absent",
        pid=None,
        birth_s=None,
        started_ns=None,
        ready=remote.is_connected,
        restarts=0,
        beat_ns=remote.seen_ns or None,
        health=Health(frames_in=remote.frames_in, frames_out=remote.frames_out, dropped=remote.dropped),
        in_per_s=0.0,
        out_per_s=0.0,
        detail=f"{where}, {_link(remote)}",
        last_exit=None,
        is_optional=is_optional,
        remote=remote,
    )


def _link(remote: Remote) -> str:
    if not remote.is_connected:
        return "not connected"
    buffer = f"buffer {remote.buffer_ms:.0f} ms, " if remote.kind == "speaker" else ""
    return (
        f"delay {remote.delay_ms:.1f} ms, jitter {remote.jitter_ms:.1f} ms, {buffer}"
        f"drift {remote.drift_ppm:+.0f} ppm"
    )


def remote_cell(remote: Remote, seen_s: float | None) -> dict[str, Any]:
    """Return what `status --json` says of the link to an actor on a device."""
    return {
        "device": remote.device,
        "address": remote.address,
        "fingerprint": remote.fingerprint,
        "connected": remote.is_connected,
        "last_seen_s": seen_s,
        "clock_offset_ms": remote.clock_offset_ms,
        "delay_ms": remote.delay_ms,
        "jitter_ms": remote.jitter_ms,
        "drift_ppm": remote.drift_ppm,
        "buffer_ms": remote.buffer_ms,
        "waiting_ms": remote.waiting_ms,
    }


def host_words(settings: Settings, rows: list[ActorReport]) -> HostReport | None:
    """Return which host a device's tree serves, None for any other tree."""
    host = settings.host
    if not host.address:
        return None
    running = [row for row in rows if row.pid is not None]
    return HostReport(
        address=f"{host.address}:{host.control_port}",
        device=host.device,
        fingerprint=short_fingerprint(host.public_key),
        is_connected=bool(running) and all(row.health.has_host for row in running),
    )
