"""The same metrics for OpenTelemetry: pushed over OTLP/HTTP. Needs the extra `otel`; the only importer of opentelemetry."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from supervisor.metrics.table import METRICS, Metric

try:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.metrics import CallbackOptions, Observation
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import (
        MetricExportResult,
        MetricReader,
        PeriodicExportingMetricReader,
    )
    from opentelemetry.sdk.resources import Resource
except ImportError as missing:
    raise ImportError(
        f"OpenTelemetry is not installed ({missing}): .venv/bin/pip install 'antiphon[otel]'"
    ) from missing

Look = Callable[[], dict[str, Any]]
WITHIN_S = 10


def provider(look: Look, reader: MetricReader) -> MeterProvider:
    """Make a provider whose instruments ask `look` for a document of `status --json`, once per export."""
    made = MeterProvider(metric_readers=[reader], resource=Resource.create({"service.name": "antiphon"}))
    meter = made.get_meter("antiphon")
    recent = _Recent(look)
    for metric in METRICS:
        make = meter.create_observable_counter if metric.kind == "counter" else meter.create_observable_gauge
        name = metric.name.removesuffix("_total").replace("antiphon_", "antiphon.", 1)
        make(name, [_callback(metric, recent)], unit=metric.unit, description=metric.help)
    return made


def push(look: Look, endpoint: str, every_s: float | None) -> bool:
    """Push to a collector, once or until interrupted. Returns whether the last push arrived."""
    exporter = _Exporter(endpoint, timeout=WITHIN_S)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
    pushing = provider(look, reader)
    try:
        while True:
            pushing.force_flush(WITHIN_S * 1000)
            if every_s is None:
                return exporter.has_arrived
            time.sleep(every_s)
    finally:
        pushing.shutdown()


class _Exporter(OTLPMetricExporter):
    """Remembers whether the last push arrived: the reader above it does not tell."""

    has_arrived = False

    def export(self, *arguments: Any, **options: Any) -> MetricExportResult:
        result = super().export(*arguments, **options)
        self.has_arrived = result is MetricExportResult.SUCCESS
        return result


class _Recent:
    """One look serves all instruments of an export."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._at_s = float("-inf")
        self._document: dict[str, Any] = {}

    def document(self) -> dict[str, Any]:
        if time.monotonic() - self._at_s > 0.2:
            self._document, self._at_s = self._look(), time.monotonic()
        return self._document


def _callback(metric: Metric, recent: _Recent) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(sample.value, sample.labels) for sample in metric.samples(recent.document())]

    return observe
