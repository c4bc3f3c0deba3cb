"""The metrics of one conversation, taken from a document of `status --json`. No I/O.

Counters begin anew when their actor does, as both systems expect. What is not known has no sample.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Row = dict[str, Any]
Labels = dict[str, str]
Values = Iterator[tuple[Labels, float | None]]


class Sample(NamedTuple):
    """One value and what tells it from the others of its metric."""

    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Metric:
    """Name (with its unit, as both systems like it), what it means, and how it is found in a document."""

    name: str
    help: str
    kind: Literal["gauge", "counter"]
    unit: str
    find: Callable[[Row], Values]

    def samples(self, document: Row) -> list[Sample]:
        """Return what is known of it now."""
        about = {"conversation": str(document["name"])}
        return [
            Sample(about | labels, float(value)) for labels, value in self.find(document) if value is not None
        ]


def _whole(find: Callable[[Row], float | bool | None]) -> Callable[[Row], Values]:
    def values(document: Row) -> Values:
        yield {}, find(document)

    return values


def _running(find: Callable[[Row], float | bool | None]) -> Callable[[Row], Values]:
    """Of a conversation that is there."""
    return _whole(lambda document: find(document) if document["pid"] is not None else None)


def _each(find: Callable[[Row], float | bool | None]) -> Callable[[Row], Values]:
    """Of each actor."""

    def values(document: Row) -> Values:
        for row in document["actors"]:
            yield _actor(row), find(row)

    return values


def _scaled(key: str, factor: float) -> Callable[[Row], float | None]:
    return lambda row: None if row[key] is None else row[key] * factor


def _actor(row: Row) -> Labels:
    return {"actor": row["name"], "kind": row["kind"]}


def _states(document: Row) -> Values:
    for row in document["actors"]:
        yield _actor(row) | {"state": row["state"]}, 1


def _drops(document: Row) -> Values:
    for row in document["actors"]:
        for reason, count in row["dropped"].items():
            yield _actor(row) | {"reason": reason}, count


def _latencies(document: Row) -> Values:
    for way, found in document["latency_ms"].items():
        for quantile in ("p50", "p99"):
            yield {"way": way, "quantile": f"0.{quantile[1:]}"}, found[quantile] / 1000


METRICS = (
    Metric("antiphon_up", "Whether a supervisor runs this conversation.", "gauge", "", _whole(lambda d: d["state"] in {"ready", "degraded"})),
    Metric("antiphon_ready", "Whether every actor does what the configuration asks of it.", "gauge", "", _whole(lambda d: d["state"] == "ready")),
    Metric("antiphon_uptime_seconds", "Since the supervisor was started.", "gauge", "s", _running(lambda d: d["uptime_s"])),
    Metric("antiphon_connected", "Whether the model is reachable.", "gauge", "", _running(lambda d: d["conversation"]["connected"])),
    Metric("antiphon_replying", "Whether a reply is being heard.", "gauge", "", _running(lambda d: d["conversation"]["is_streaming_output"])),
    Metric("antiphon_muted", "Whether the microphone is closed by the user.", "gauge", "", _running(lambda d: d["conversation"]["muted"])),
    Metric("antiphon_turns_total", "Replies and interruptions so far.", "counter", "", _running(lambda d: d["conversation"]["epoch"])),
    Metric("antiphon_latency_seconds", "Ways of sound through the machine, quantiles of the last few hundred.", "gauge", "s", _latencies),
    Metric("antiphon_actor_state", "1 for the state the actor is in.", "gauge", "", _states),
    Metric("antiphon_actor_ready", "Whether the actor has said that it can work.", "gauge", "", _each(lambda r: r["ready"])),
    Metric("antiphon_actor_uptime_seconds", "Since its process was started.", "gauge", "s", _each(lambda r: r["uptime_s"])),
    Metric("antiphon_actor_restarts_total", "Processes after the first.", "counter", "", _each(lambda r: r["restarts"])),
    Metric("antiphon_actor_cpu_ratio", "Share of one core it uses.", "gauge", "1", _each(_scaled("cpu_percent", 0.01))),
    Metric("antiphon_actor_resident_memory_bytes", "Memory it holds, shared or not.", "gauge", "By", _each(lambda r: r["rss_bytes"])),
    Metric("antiphon_actor_unique_memory_bytes", "Memory that would be free without it.", "gauge", "By", _each(lambda r: r["uss_bytes"])),
    Metric("antiphon_actor_threads", "Threads of its process.", "gauge", "", _each(lambda r: r["threads"])),
    Metric("antiphon_actor_open_fds", "File descriptors of its process.", "gauge", "", _each(lambda r: r["fds"])),
    Metric("antiphon_actor_heartbeat_age_seconds", "Since its work loop last said that it goes round.", "gauge", "s", _each(lambda r: r["heartbeat_age_s"])),
    Metric("antiphon_actor_loop_lag_seconds", "How late its work loop comes round, 99th percentile of a minute.", "gauge", "s", _each(_scaled("loop_lag_ms_p99", 0.001))),
    Metric("antiphon_actor_frames_in_total", "Messages it received.", "counter", "", _each(lambda r: r["frames_in"])),
    Metric("antiphon_actor_frames_out_total", "Messages it sent.", "counter", "", _each(lambda r: r["frames_out"])),
    Metric("antiphon_actor_dropped_total", "What it did not take or pass on, by reason.", "counter", "", _drops),
    Metric("antiphon_actor_underruns_total", "How often its loudspeaker had nothing to play in the middle of a reply.", "counter", "", _each(lambda r: r["underruns"])),
    Metric("antiphon_actor_overruns_total", "How often its device lost sound.", "counter", "", _each(lambda r: r["overruns"])),
    Metric("antiphon_actor_queue_seconds", "Sound that waits in it.", "gauge", "s", _each(_scaled("queue_ms", 0.001))),
    Metric("antiphon_actor_level_dbfs", "How loud its microphone is, 0 at full scale.", "gauge", "", _each(lambda r: r["level_dbfs"])),
)  # fmt: skip
