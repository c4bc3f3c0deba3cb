"""Draws a result that comes on stdin: `plot.py FILE.png`. Run by picture.py; needs matplotlib and nothing of ours.

The background is opaque white, so that the picture can be read on a light page and on a dark one.
"""

import json
import sys
from collections.abc import Callable
from statistics import median
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

# Okabe and Ito's colours, which the colour-blind can tell apart.
COLOURS = {
    "antiphon": "#0072b2",
    "cookbook": "#e69f00",
    "original": "#009e73",
    "pipecat": "#cc79a7",
    "livekit": "#d55e00",
    "one process": "#56b4e9",
    "inside": "#7f7f7f",
}
LOADS = {"none": "no load", "threads": "2 busy\nthreads", "tool": "150 ms\ntool", "c_call": "200 ms\nC call"}
Values = list[float | None]


def main() -> None:
    """Draw all panels for which there are numbers."""
    result = json.load(sys.stdin)
    panels = [panel for part in (audio, life, cost) for panel in part(result)]
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(5.2 * columns, 3.6 * rows), squeeze=False)
    figure.set_facecolor("white")
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, draw in zip(axes.flat, panels, strict=False):
        draw(axis)
        axis.grid(axis="y", color="#dddddd")
        axis.set_axisbelow(True)
    names = _names(result)
    handles = [plt.Rectangle((0, 0), 1, 1, color=COLOURS[name]) for name in names]
    figure.legend(handles, names, loc="upper center", ncols=len(names), frameon=False)
    machine = result["machine"]
    figure.text(
        0.5,
        0.004,
        f"{machine['cores']} x {machine['cpu']}, virtual sound devices",
        ha="center",
        size=8,
        color="#555555",
    )
    figure.tight_layout(rect=(0, 0.02, 1, 0.95))
    figure.savefig(sys.argv[1], dpi=110)


def _names(result: dict[str, Any]) -> list[str]:
    cells = [
        *(result["audio"]["cells"] if result["audio"] else []),
        *(result["life"] or []),
        *(result["cost"]["alone"] if result["cost"] else []),
    ]
    return list(dict.fromkeys(cell["arm"] for cell in cells))


def audio(result: dict[str, Any]) -> list[Callable[[Any], None]]:
    """Return the panels of `bench audio`: a group for each load."""
    if not result["audio"]:
        return []
    rows, reply_s = result["audio"]["rows"], result["audio"]["plan"]["reply_s"]
    loads = list(dict.fromkeys(row["load"] for row in rows))

    def panel(title: str, value: Callable[[dict[str, Any]], float | None]) -> Callable[[Any], None]:
        values = {
            name: [
                next((value(row) for row in rows if (row["load"], row["arm"]) == (load, name)), None)
                for load in loads
            ]
            for name in dict.fromkeys(row["arm"] for row in rows)
        }
        return lambda axis: _grouped(axis, title, "ms", [LOADS[load] for load in loads], values, is_log=True)

    return [
        panel("interrupted to silence (mean)", lambda row: row["silence_ms"]),
        panel("microphone to model (p95)", lambda row: row["mic_to_server_p95_ms"]),
        panel(
            f"gaps in a reply of {reply_s:g} s, and what of it was not heard",
            lambda row: _sum(row["gap_ms"], row["missing_ms"]),
        ),
        panel("first audio of a reply to loudspeaker (median)", lambda row: row["receive_to_play_p50_ms"]),
    ]


def life(result: dict[str, Any]) -> list[Callable[[Any], None]]:
    """Return the panel of `bench life`."""
    cells = [cell for cell in result["life"] or [] if cell["numbers"]]
    if not cells:
        return []
    values: dict[str, Values] = {
        name: [
            _median([cell["numbers"][key] for cell in cells if cell["arm"] == name])
            for key in ("ready_s", "player_back_s", "recorder_back_s")
        ]
        for name in dict.fromkeys(cell["arm"] for cell in cells)
    }
    groups = ["start to ready", "player killed:\nback after", "recorder killed:\nback after"]
    return [lambda axis: _grouped(axis, "start, and kill -9", "s", groups, values)]


def cost(result: dict[str, Any]) -> list[Callable[[Any], None]]:
    """Return the panels of `bench cost`."""
    if not result["cost"]:
        return []
    alone = [cell for cell in result["cost"]["alone"] if cell["numbers"]]
    many = [cell for cell in result["cost"]["many"] if cell["numbers"]]
    names = list(dict.fromkeys(cell["arm"] for cell in alone))

    def numbers(when: str, key: str) -> dict[str, float | None]:
        return {name: _median([c["numbers"][when][key] for c in alone if c["arm"] == name]) for name in names}

    cpu = {
        name: [numbers("idle", "cpu_percent")[name], numbers("talking", "cpu_percent")[name]]
        for name in names
    }
    memory = {name: [numbers("talking", "pss_mib")[name]] for name in names}
    return [
        lambda axis: _grouped(axis, "CPU, one conversation", "% of one core", ["listening", "talking"], cpu),
        lambda axis: _grouped(axis, "memory (PSS), one conversation", "MiB", ["all processes"], memory),
        *([lambda axis: _growth(axis, many)] if many else []),
    ]


def _growth(axis: Any, many: list[dict[str, Any]]) -> None:
    for name in dict.fromkeys(cell["arm"] for cell in many):
        points = [
            (cell["conversations"], cell["numbers"]["idle"]["pss_mib"])
            for cell in many
            if cell["arm"] == name
        ]
        axis.plot(*zip(*points, strict=True), "o-", color=COLOURS[name])
    axis.set_title("memory (PSS), text conversations", size=10)
    axis.set_xticks(sorted({cell["conversations"] for cell in many}))
    axis.set_xlabel("conversations")
    axis.set_ylabel("MiB")
    axis.set_ylim(bottom=0)


def _grouped(
    axis: Any, title: str, unit: str, groups: list[str], values: dict[str, Values], *, is_log: bool = False
) -> None:
    width = 0.8 / len(values)
    floor = 1.0 if is_log else 0.0
    top = max([value for each in values.values() for value in each if value is not None], default=1.0)
    for number, (name, row) in enumerate(values.items()):
        for group, value in enumerate(row):
            at = group + (number - (len(values) - 1) / 2) * width
            axis.bar(at, max(value or 0.0, floor), width * 0.92, color=COLOURS[name])
            text = (
                "cannot" if value is None else f"{value:.0f}" if value >= 10 or value == 0 else f"{value:.1f}"
            )
            y = max(value or 0.0, floor)
            axis.annotate(
                text, (at, y), (0, 2), textcoords="offset points", ha="center", size=6.5, rotation=90
            )
    axis.set_xticks(range(len(groups)), groups, size=8)
    axis.set_title(title, size=10)
    axis.set_ylabel(unit)
    if is_log:
        axis.set_yscale("log")
        axis.set_ylim(floor, max(10.0, top * 6))
    else:
        axis.set_ylim(0, top * 1.25)


def _median(values: list[Any]) -> float | None:
    there = [value for value in values if value is not None]
    return median(there) if there else None


def _sum(*values: float | None) -> float | None:
    return None if None in values else sum(value for value in values if value is not None)


if __name__ == "__main__":
    main()
