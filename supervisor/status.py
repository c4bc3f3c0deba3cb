"""`supervisor status`: reads the state file, the lock and psutil, and asks nobody, so it answers when everything hangs."""

import time
from dataclasses import dataclass, field
from typing import Any

import msgspec
import psutil

from actors.wire import ConversationState
from supervisor.birth import birth_of
from supervisor.child import LATE_BEAT_S
from supervisor.instance import Instance, read_json
from supervisor.remote.rows import remote_cell
from supervisor.report import ActorReport, CpuSample, TreeReport
from supervisor.usage import cpu_s

STALE_S = 2.0
"""The supervisor writes twice a second; this long without means that it hangs."""

READY, DEAD, NOT_RUNNING, UNKNOWN, DEGRADED = 0, 1, 3, 4, 150


@dataclass(slots=True)
class Found:
    """What is known of one tree now."""

    code: int
    document: dict[str, Any] = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        """Whether a supervisor lives."""
        return self.code in {READY, UNKNOWN, DEGRADED}


def look(name: str) -> Found:
    """Find out how a tree is."""
    instance = Instance(name)
    try:
        report = read_json(instance.state_file, TreeReport)
        holder = instance.holder()
    except PermissionError as error:
        return Found(UNKNOWN, _document(name, "degraded", f"cannot be read: {error}"))
    if holder is None and report is None:
        return Found(NOT_RUNNING, _document(name, "stopped", "not running"))
    supervisor = None if holder is None else living(holder.pid, holder.birth_s)
    if report is None:
        if supervisor is None:
            return Found(NOT_RUNNING, _document(name, "stopped", "not running"))
        return Found(DEGRADED, _document(name, "degraded", "starting"))
    return _judge(report, supervisor)


def living(pid: int, birth_s: float | None) -> psutil.Process | None:
    """Return the process if it is still the same one: a pid alone proves nothing."""
    try:
        process = psutil.Process(pid)
        if birth_s is not None and birth_of(pid) != birth_s:
            return None
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.Error:
        return None


def _judge(report: TreeReport, supervisor: psutil.Process | None) -> Found:
    rows = _rows(report)
    now_ns = time.monotonic_ns()
    silent_s = (now_ns - report.written_ns) / 1e9
    if supervisor is None:
        left = [f"{row['name']} (pid {row['pid']})" for row in rows if row["pid"] is not None]
        why = f"the supervisor is dead; left over: {', '.join(left) or 'its files'}"
        return Found(DEAD, _document(report.name, "leftovers", why, report, rows))
    if _is_stopped(supervisor) or silent_s > STALE_S:
        how = "is stopped" if _is_stopped(supervisor) else "hangs"
        why = f"the supervisor {how}; what it knew is {silent_s:.1f} s old"
        return Found(UNKNOWN, _document(report.name, "degraded", why, report, rows))
    seen = [
        msgspec.structs.replace(known, state=row["state"])
        for row, known in zip(rows, report.actors, strict=True)
    ]
    unwell = [row.in_words for row in seen if not row.is_well]
    if unwell or report.state != "ready":
        return Found(
            DEGRADED, _document(report.name, "degraded", ", ".join(unwell) or report.why, report, rows)
        )
    return Found(READY, _document(report.name, "ready", "", report, rows))


def _document(
    name: str,
    state: str,
    why: str,
    report: TreeReport | None = None,
    rows: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return the schema of `status --json`: additive only."""
    conversation = report.conversation if report is not None else ConversationState()
    latency: dict[str, Any] = {}
    for row in report.actors if report is not None else []:
        latency |= {key: msgspec.to_builtins(value) for key, value in row.health.latency_ms.items()}
    return {
        "schema": 1,
        "name": name,
        "state": state,
        "why": why,
        "pid": report.pid if report is not None else None,
        "uptime_s": round(time.monotonic() - report.started_ns / 1e9, 1) if report is not None else None,
        "config": report.config if report is not None else None,
        "conversation": {
            key: getattr(conversation, key)
            for key in (
                "console_mode",
                "is_streaming_output",
                "terminated",
                "connected",
                "epoch",
                "muted",
                "model",
            )
        },
        "actors": rows or [],
        "latency_ms": latency,
        "conversation_host": msgspec.to_builtins(report.host) if report is not None else None,
    }


def _rows(report: TreeReport) -> list[dict[str, Any]]:
    found = {row.name: living(row.pid, row.birth_s) for row in report.actors if row.pid is not None}
    return [_row(row, found.get(row.name)) for row in report.actors]


def _row(row: ActorReport, process: psutil.Process | None) -> dict[str, Any]:
    now_ns = time.monotonic_ns()
    age_s = None if row.beat_ns is None else round((now_ns - row.beat_ns) / 1e9, 2)
    state = row.state
    if row.pid is not None and process is None:
        state = "backoff"  # it died, and nobody has noticed yet
    elif state == "ready" and row.remote is None and age_s is not None and age_s > LATE_BEAT_S:
        state = "degraded"
    health = row.health
    return {
        "name": row.name,
        "kind": row.kind,
        "host": "local" if row.remote is None else row.remote.device,
        "pid": None if process is None else row.pid,
        "state": state,
        "ready": row.ready and (process is not None or row.remote is not None),
        "uptime_s": None
        if process is None or row.started_ns is None
        else round((now_ns - row.started_ns) / 1e9, 1),
        "restarts": row.restarts,
        "cpu_percent": None if process is None else _cpu_percent(row, process),
        **_resources(process),
        "heartbeat_age_s": age_s,
        "loop_lag_ms_p99": health.loop_lag_ms_p99,
        "in_per_s": row.in_per_s,
        "out_per_s": row.out_per_s,
        "frames_in": health.frames_in,
        "frames_out": health.frames_out,
        "dropped": health.dropped,
        "underruns": health.underruns,
        "overruns": health.overruns,
        "queue_ms": health.queue_ms,
        "level_dbfs": health.level_dbfs,
        "concealed_ms": health.concealed_ms,
        "detail": row.detail,
        "last_exit": row.last_exit,
    } | ({} if row.remote is None else {"remote": remote_cell(row.remote, age_s)})


def _resources(process: psutil.Process | None) -> dict[str, int | None]:
    found: dict[str, int | None] = {"rss_bytes": None, "uss_bytes": None, "threads": None, "fds": None}
    if process is None:
        return found
    try:
        with process.oneshot():
            found["rss_bytes"] = process.memory_info().rss
            found["threads"] = process.num_threads()
            found["fds"] = process.num_fds()
            found["uss_bytes"] = process.memory_full_info().uss
    except psutil.Error:
        pass  # gone, a zombie or not ours: what could be read is shown
    return found


def _cpu_percent(row: ActorReport, process: psutil.Process) -> float | None:
    """Return the share of one core used since the supervisor's last sample but one, or since the birth."""
    used_s = cpu_s(process.pid)
    if used_s is None or row.started_ns is None:
        return None
    since = row.cpu or CpuSample(row.started_ns, 0.0)
    span_s = (time.monotonic_ns() - since.at_ns) / 1e9
    return round(100 * (used_s - since.used_s) / span_s, 1) if span_s > 0 else None


def _is_stopped(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


def survivors(name: str) -> list[psutil.Process]:
    """Return the actors that a dead supervisor left running: same pid *and* same birth."""
    report = read_json(Instance(name).state_file, TreeReport)
    rows = report.actors if report is not None else []
    found = [living(row.pid, row.birth_s) for row in rows if row.pid is not None and row.birth_s is not None]
    return [process for process in found if process is not None]
