"""The metrics of `status`: as Prometheus reads them, as OpenTelemetry hands them on, and never a word that was not measured."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from prometheus_client.parser import text_string_to_metric_families

from supervisor.metrics import prometheus
from supervisor.metrics.table import METRICS

ROW = {
    "name": "mic",
    "kind": "mic",
    "state": "ready",
    "ready": True,
    "pid": 5,
    "uptime_s": 75.5,
    "restarts": 2,
    "cpu_percent": 1.5,
    "rss_bytes": 24_000_000,
    "uss_bytes": 12_000_000,
    "threads": 3,
    "fds": 20,
    "heartbeat_age_s": 0.25,
    "loop_lag_ms_p99": 1.5,
    "frames_in": 4,
    "frames_out": 50,
    "dropped": {"stale": 7},
    "underruns": 0,
    "overruns": 1,
    "queue_ms": 20.0,
    "level_dbfs": -30.5,
}
UNKNOWN = dict.fromkeys(("uptime_s", "cpu_percent", "rss_bytes", "uss_bytes", "threads", "fds"))
GONE = ROW | UNKNOWN | {"name": 'a"b\\c\n', "state": "backoff", "ready": False, "pid": None}
GONE |= {"heartbeat_age_s": None, "level_dbfs": None, "dropped": {}}
DOCUMENT = {
    "name": "default",
    "state": "degraded",
    "pid": 4,
    "uptime_s": 3600.5,
    "conversation": {"connected": True, "is_streaming_output": False, "muted": True, "epoch": 9},
    "actors": [ROW, GONE],
    "latency_ms": {"mic_to_send": {"p50": 4.5, "p99": 12.0}},
}
STOPPED = DOCUMENT | {"state": "stopped", "pid": None, "uptime_s": None, "actors": [], "latency_ms": {}}
GOLDEN = """\
# HELP antiphon_up Whether a supervisor runs this conversation.
# TYPE antiphon_up gauge
antiphon_up{conversation="default"} 1
# HELP antiphon_ready Whether every actor does what the configuration asks of it.
# TYPE antiphon_ready gauge
antiphon_ready{conversation="default"} 0
# HELP antiphon_uptime_seconds Since the supervisor was started.
# TYPE antiphon_uptime_seconds gauge
antiphon_uptime_seconds{conversation="default"} 3600.5
"""


def parsed(document):
    """What Prometheus makes of it: {(name, labels): value}."""
    families = list(text_string_to_metric_families(prometheus.exposition(document)))
    assert all(family.documentation and family.type in {"gauge", "counter"} for family in families)
    return {
        (sample.name, frozenset(sample.labels.items()) - {("conversation", "default")}): sample.value
        for family in families
        for sample in family.samples
    }


def of(name, **labels):
    return name, frozenset(labels.items())


def test_the_text_begins_as_it_is_written_here():
    assert prometheus.exposition(DOCUMENT).startswith(GOLDEN)


def test_prometheus_reads_every_value_with_its_labels_in_its_base_unit():
    values = parsed(DOCUMENT)
    mic = {"actor": "mic", "kind": "mic"}
    assert values[of("antiphon_turns_total")] == 9
    assert values[of("antiphon_muted")] == 1
    assert values[of("antiphon_latency_seconds", way="mic_to_send", quantile="0.99")] == 0.012
    assert values[of("antiphon_actor_state", state="ready", **mic)] == 1
    assert values[of("antiphon_actor_dropped_total", reason="stale", **mic)] == 7
    assert values[of("antiphon_actor_cpu_ratio", **mic)] == 0.015
    assert values[of("antiphon_actor_loop_lag_seconds", **mic)] == 0.0015
    assert values[of("antiphon_actor_level_dbfs", **mic)] == -30.5
    assert values[of("antiphon_actor_resident_memory_bytes", **mic)] == 24_000_000


def test_a_name_with_anything_in_it_arrives_as_it_is():
    assert parsed(DOCUMENT)[of("antiphon_actor_state", state="backoff", actor='a"b\\c\n', kind="mic")] == 1


def test_what_is_not_known_is_not_said():
    names = {name for name, labels in parsed(DOCUMENT) if ("actor", 'a"b\\c\n') in labels}
    assert "antiphon_actor_restarts_total" in names
    assert names.isdisjoint(
        {"antiphon_actor_cpu_ratio", "antiphon_actor_threads", "antiphon_actor_level_dbfs"}
    )


def test_of_a_conversation_that_does_not_run_only_that_is_said():
    assert parsed(STOPPED) == {of("antiphon_up"): 0, of("antiphon_ready"): 0}


def test_names_are_unique_and_say_whether_they_count():
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert all((metric.kind == "counter") == metric.name.endswith("_total") for metric in METRICS)


# OpenTelemetry.

otel = pytest.importorskip("supervisor.metrics.otel", reason="needs the extra otel")


def points_of(data):
    return {
        (metric.name, frozenset(point.attributes.items())): point.value
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    }


def test_opentelemetry_is_handed_the_same_values_by_one_look():
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    looks = []

    def look():
        looks.append(1)
        return DOCUMENT

    reader = InMemoryMetricReader()
    made = otel.provider(look, reader)
    points = points_of(reader.get_metrics_data())
    made.shutdown()
    expected = {
        (
            metric.name.removesuffix("_total").replace("_", ".", 1),
            frozenset(sample.labels.items()),
        ): sample.value
        for metric in METRICS
        for sample in metric.samples(DOCUMENT)
    }
    assert points == expected
    assert len(looks) == 1


class Collector(HTTPServer):
    """An OTLP/HTTP collector that takes, or refuses, one export."""

    def __init__(self, status):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.server.bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies = []
        self._thread = threading.Thread(target=self.serve_forever)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self._thread.join()
        self.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1/metrics"


def test_a_push_arrives_at_a_collector():
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    with Collector(200) as collector:
        assert otel.push(lambda: DOCUMENT, collector.url, None)
    path, body = collector.bodies[0]
    request = ExportMetricsServiceRequest.FromString(body)
    assert path == "/v1/metrics"
    names = {metric.name for metric in request.resource_metrics[0].scope_metrics[0].metrics}
    assert {"antiphon.up", "antiphon.actor_dropped", "antiphon.latency_seconds"} <= names


def test_a_push_that_is_refused_is_told():
    with Collector(400) as collector:
        assert not otel.push(lambda: DOCUMENT, collector.url, None)
