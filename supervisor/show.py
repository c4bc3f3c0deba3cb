"""The status table: readable without colour, one line per actor."""

from typing import Any

_COLUMNS = (
    # heading, width (negative: left-aligned)
    ("NAME", -12),
    ("STATE", -9),
    ("PID", 7),
    ("UP", 7),
    ("RST", 4),
    ("CPU%", 5),
    ("RSS", 6),
    ("FDS", 4),
    ("THR", 4),
    ("BEAT", 6),
    ("LAG99", 7),
    ("IN/s", 6),
    ("OUT/s", 6),
    ("DROP", 5),
)


def table(document: dict[str, Any]) -> str:
    """Return the document of `status --json` as lines for a human."""
    conversation = document["conversation"]
    head = f"{document['name']}: {document['state']}" + (f" ({document['why']})" if document["why"] else "")
    if document["pid"] is None:
        return head
    lines = [
        f"{head}, supervisor pid {document['pid']}, up {span(document['uptime_s'])}, {document['config']}",
        _elsewhere(document["conversation_host"])
        or f"model: {conversation['model'] or 'unknown'}, {'connected' if conversation['connected'] else 'not connected'}; "
        f"turn {conversation['epoch']}; terminal: {conversation['console_mode']}"
        + ("; replying" if conversation["is_streaming_output"] else "")
        + ("; MUTED" if conversation["muted"] else ""),
        "",
        _line([heading for heading, _ in _COLUMNS]) + "  DETAIL",
    ]
    lines += [_line(_cells(row)) + f"  {detail(row)}".rstrip() for row in document["actors"]]
    for name, value in document["latency_ms"].items():
        lines.append(f"{name}: p50 {value['p50']:.1f} ms, p99 {value['p99']:.1f} ms")
    return "\n".join(lines)


def _elsewhere(host: dict[str, Any] | None) -> str:
    """Of a device: whom it serves, instead of a conversation of its own."""
    if host is None:
        return ""
    state = "connected" if host["is_connected"] else "NOT connected"
    return f"host: {host['address']} (key {host['fingerprint']}), {state}; there this is {host['device']}"


def span(seconds: float | None) -> str:
    """Write a duration in its two largest units."""
    if seconds is None:
        return "-"
    whole = int(seconds)
    if whole < 60:
        return f"{seconds:.1f}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def _line(cells: list[str]) -> str:
    padded = [
        cell.ljust(-width) if width < 0 else cell.rjust(width)
        for cell, (_, width) in zip(cells, _COLUMNS, strict=True)
    ]
    return " ".join(padded)


def _cells(row: dict[str, Any]) -> list[str]:
    rss = row["rss_bytes"]
    beat = row["heartbeat_age_s"]
    return [
        row["name"],
        row["state"],
        or_dash(row["pid"]),
        span(row["uptime_s"]),
        str(row["restarts"]),
        or_dash(row["cpu_percent"]),
        "-" if rss is None else f"{rss / 2**20:.0f}M",
        or_dash(row["fds"]),
        or_dash(row["threads"]),
        "-" if beat is None else f"{beat:.1f}s",
        f"{row['loop_lag_ms_p99']:.1f}ms",
        f"{row['in_per_s']:.0f}",
        f"{row['out_per_s']:.0f}",
        str(sum(row["dropped"].values())),
    ]


def detail(row: dict[str, Any]) -> str:
    """Say what the numbers do not."""
    parts = [row["detail"]]
    if row["dropped"]:
        parts.append("dropped " + ", ".join(f"{count} {reason}" for reason, count in row["dropped"].items()))
    if row["last_exit"]:
        parts.append(f"last: {row['last_exit']}")
    return "; ".join(part for part in parts if part)


def or_dash(value: object) -> str:
    """Write a value, "-" when there is none."""
    return "-" if value is None else str(value)
