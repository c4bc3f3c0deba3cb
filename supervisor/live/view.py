"""What the screen shows, from a document of `status --json`, the last events and the size. No I/O."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from supervisor.live.events import Event
from supervisor.show import detail, or_dash, span

STYLES = {
    "ready": "green",
    "starting": "yellow",
    "backoff": "yellow",
    "absent": "yellow",
    "degraded": "bold red",
    "fatal": "bold red",
    "leftovers": "bold red",
    "stopped": "dim",
}
"""Colour repeats what the words say."""
QUIETEST_DBFS = -60.0
BAR_WIDTH = 10
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Column:
    heading: str
    cell: Callable[[Row], str | Text]
    from_width: int = 0
    """Narrower terminals do without it."""
    is_left: bool = False


_COLUMNS = (
    _Column("NAME", lambda row: str(row["name"]), is_left=True),
    _Column("STATE", lambda row: Text(row["state"], STYLES.get(row["state"], "")), is_left=True),
    _Column("PID", lambda row: or_dash(row["pid"]), 100),
    _Column("UP", lambda row: span(row["uptime_s"]), 70),
    _Column("RST", lambda row: str(row["restarts"])),
    _Column("CPU%", lambda row: or_dash(row["cpu_percent"])),
    _Column("RSS", lambda row: "-" if row["rss_bytes"] is None else f"{row['rss_bytes'] / 2**20:.0f}M", 80),
    _Column("BEAT", lambda row: _seconds(row["heartbeat_age_s"]), 90),
    _Column("LAG99", lambda row: f"{row['loop_lag_ms_p99']:.1f}ms", 110),
    _Column("IN/s", lambda row: f"{row['in_per_s']:.0f}"),
    _Column("OUT/s", lambda row: f"{row['out_per_s']:.0f}"),
    _Column("QUEUE", lambda row: f"{row['queue_ms']:.0f}ms", 90),
    _Column("DROP", lambda row: str(sum(row["dropped"].values()))),
    _Column("UNDER", lambda row: str(row["underruns"]), 100),
    _Column("LEVEL", lambda row: _bar(row["level_dbfs"]), 70, is_left=True),
    _Column("DETAIL", detail, 60, is_left=True),
)


def screen(document: dict[str, Any], events: Sequence[Event], width: int, height: int) -> RenderableType:
    """Return the whole screen; what does not fit is left out, the events first."""
    parts: list[RenderableType] = [_head(document)]
    used = 2 if document["pid"] is not None else 1
    if document["actors"]:
        parts.append(_actors(document["actors"], width))
        used += len(document["actors"]) + 2
    if document["latency_ms"]:
        parts.append(Text(_latency(document["latency_ms"]), no_wrap=True, overflow="ellipsis"))
        used += 1
    room = height - used - 3  # the frame, and the line that says how to leave
    if room > 0 and events:
        parts.append(Panel(_events(events[-room:]), title="last events", title_align="left", padding=(0, 1)))
    parts.append(Text("q leaves", "dim"))
    return Group(*parts)


def _head(document: dict[str, Any]) -> Text:
    head = Text(no_wrap=True, overflow="ellipsis")
    head.append(f"{document['name']}: ", "bold")
    head.append(document["state"], STYLES.get(document["state"], ""))
    head.append(f" ({document['why']})" if document["why"] else "")
    if document["pid"] is None:
        return head
    talk = document["conversation"]
    head.append(f"  pid {document['pid']}, up {span(document['uptime_s'])}, {document['config']}\n")
    head.append(
        f"{talk['model'] or 'no model'}, {'connected' if talk['connected'] else 'NOT CONNECTED'}; turn {talk['epoch']}"
    )
    head.append("; replying" if talk["is_streaming_output"] else "; listening")
    head.append("; MUTED" if talk["muted"] else "", "bold")
    return head


def _actors(rows: Sequence[Row], width: int) -> Table:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), header_style="bold")
    columns = [column for column in _COLUMNS if width >= column.from_width]
    for column in columns:
        is_last = column.heading == "DETAIL"
        table.add_column(
            column.heading,
            justify="left" if column.is_left else "right",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if is_last else None,
        )
    for row in rows:
        table.add_row(*(column.cell(row) for column in columns))
    return table


def _latency(latency_ms: dict[str, Any]) -> str:
    ways = [f"{way} {value['p50']:.0f}/{value['p99']:.0f}" for way, value in latency_ms.items()]
    return "ms (p50/p99): " + ", ".join(ways)


def _events(events: Sequence[Event]) -> Table:
    table = Table.grid(padding=(0, 1))
    for width in (8, max(len(event.who) for event in events)):
        table.add_column(no_wrap=True, min_width=width)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for event in events:
        table.add_row(event.at, Text(event.who, "cyan"), Text(event.what))
    return table


def _bar(level_dbfs: float | None) -> str:
    """Draw a level: full at 0 dBFS, empty at -60."""
    if level_dbfs is None:
        return ""
    share = min(1.0, max(0.0, 1 - level_dbfs / QUIETEST_DBFS))
    return ("#" * round(BAR_WIDTH * share)).ljust(BAR_WIDTH, ".") + f" {level_dbfs:4.0f}"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}s"
