"""Prometheus' text exposition format, for node_exporter's textfile collector or a cron job: no port is opened."""

from typing import Any

from supervisor.metrics.table import METRICS, Sample


def exposition(document: dict[str, Any]) -> str:
    """Return a document of `status --json` as text."""
    lines = []
    for metric in METRICS:
        samples = metric.samples(document)
        if samples:
            lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
            lines += [f"{metric.name}{{{_labels(sample)}}} {_number(sample.value)}" for sample in samples]
    return "\n".join(lines) + "\n"


def _labels(sample: Sample) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(round(value, 9))
