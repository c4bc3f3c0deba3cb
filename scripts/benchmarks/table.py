"""Rounds of numbers to a table a person can read: medians over the rounds, the worst beside them. Pure."""

import math
from collections.abc import Iterable
from statistics import fmean, median

import msgspec

from scripts.benchmarks.measures import Numbers, percentile

REFERENCE = "antiphon"


class Cell(msgspec.Struct, frozen=True):
    """One rival under one load, in one round."""

    round: int
    load: str
    arm: str
    numbers: Numbers | None
    """None when it did not run."""
    why: str = ""
    load_average: float = 0.0
    """Of the last minute, before it: what else ran on the machine, and the cells before it."""
    is_prioritised: bool = False
    """The sound server, the recorders and the model's side ran with real-time priority."""


class Row(msgspec.Struct, frozen=True):
    """One rival under one load, over all rounds. Where a field has no comment: the median of the rounds."""

    load: str
    arm: str
    rounds: int
    failed: int
    gaps: float | None
    gaps_worst: float | None
    gap_ms: float | None
    missing_ms: float | None
    mic_late_p50_ms: float | None
    mic_late_p99_ms: float | None
    mic_late_max_ms: float | None
    """The worst of all rounds."""
    mic_to_server_p50_ms: float | None
    mic_to_server_p95_ms: float | None
    """Their interquartile mean: how blocks and load fall together, and so how late the last ones are, is settled for a session."""
    mic_to_server_p99_ms: float | None
    mic_lost_ms: float | None
    mic_lost_worst_ms: float | None
    mic_late_percent: float | None
    silence_ms: float | None
    """This and the next three over the interruptions of all rounds: the mean without the fastest and the slowest tenth.

    Whoever plays in blocks is silent after anything up to a block, or two: half of the time a median says one of them.
    """
    silence_p50_ms: float | None
    silence_p95_ms: float | None
    silence_max_ms: float | None
    cuts: int
    cuts_unheard: int
    receive_to_play_p50_ms: float | None
    receive_to_play_max_ms: float | None


def summarise(cells: list[Cell]) -> list[Row]:
    """Return a row for each rival under each load, in the order of their first cells."""
    order = dict.fromkeys((cell.load, cell.arm) for cell in cells)
    return [
        _row(load, arm, [cell for cell in cells if (cell.load, cell.arm) == (load, arm)])
        for load, arm in order
    ]


def _row(load: str, arm: str, cells: list[Cell]) -> Row:
    good = [cell.numbers for cell in cells if cell.numbers is not None]
    silences = sorted(value for numbers in good for value in numbers.silence_ms)
    delays = sorted(value for numbers in good for value in numbers.receive_to_play_ms)
    lost = [numbers.mic_lost_ms for numbers in good if numbers.mic_lost_ms is not None]
    return Row(
        load=load,
        arm=arm,
        rounds=len(good),
        failed=len(cells) - len(good),
        gaps=_median([numbers.gaps for numbers in good]),
        gaps_worst=max((numbers.gaps for numbers in good), default=None),
        gap_ms=_median([numbers.gap_ms for numbers in good]),
        missing_ms=_median([numbers.missing_ms for numbers in good]),
        mic_late_p50_ms=_median([numbers.mic_late_ms.p50 for numbers in good]),
        mic_late_p99_ms=_median([numbers.mic_late_ms.p99 for numbers in good]),
        mic_late_max_ms=max((n.mic_late_ms.max for n in good if n.mic_late_ms.max is not None), default=None),
        mic_to_server_p50_ms=_median([numbers.mic_to_server_ms.p50 for numbers in good]),
        mic_to_server_p95_ms=interquartile_mean(numbers.mic_to_server_ms.p95 for numbers in good),
        mic_to_server_p99_ms=_median([numbers.mic_to_server_ms.p99 for numbers in good]),
        mic_lost_ms=_median(lost),
        mic_lost_worst_ms=max(lost, default=None),
        mic_late_percent=_median([100 * n.mic_late_share for n in good if n.mic_late_share is not None]),
        silence_ms=trimmed_mean(silences),
        silence_p50_ms=percentile(silences, 0.5) if silences else None,
        silence_p95_ms=percentile(silences, 0.95) if silences else None,
        silence_max_ms=max(silences, default=None),
        cuts=len(silences),
        cuts_unheard=sum(numbers.cuts_unheard for numbers in good),
        receive_to_play_p50_ms=percentile(delays, 0.5) if delays else None,
        receive_to_play_max_ms=max(delays, default=None),
    )


def trimmed_mean(values: Iterable[float | None], part: int = 10) -> float | None:
    """Return the mean without the lowest and the highest tenth, or other part, None of no values."""
    there = sorted(value for value in values if value is not None)
    trimmed = len(there) // part
    return round(fmean(there[trimmed : len(there) - trimmed]), 1) if there else None


def _median(values: "list[float] | list[int] | list[float | None]") -> float | None:
    there = [value for value in values if value is not None]
    return round(median(there), 1) if there else None


def interquartile_mean(values: Iterable[float | None]) -> float | None:
    """Return the mean without the lowest and the highest quarter, None of no values.

    For what is one of two values, now and then with an accident: a median is one of the two, and a mean is the accident's.
    """
    return trimmed_mean(values, 4)


HEAD = (
    ("load", "arm"),
    ("gaps", "med/max"),
    ("gap ms", ""),
    ("missing", "ms"),
    ("mic late ms", "p50/p99/max"),
    ("mic->server ms", "p50/p95/p99"),
    ("mic lost ms", "med/max"),
    (">200 ms", "late"),
    ("cut->silence ms", "mean/p95/max (n)"),
    ("recv->play ms", "p50/max"),
)


def lines(rows: list[Row]) -> list[str]:
    """Return the table, and the ratios to ours below it."""
    body = [_shown(row) for row in rows]
    heads = [["load, arm", *(top for top, _ in HEAD[1:])], ["", *(unit for _, unit in HEAD[1:])]]
    table = aligned([*heads, *body])
    ratios = [_ratios(row, ours) for row in rows if (ours := _ours(rows, row.load)) and row.arm != REFERENCE]
    names = ["ratio to antiphon", "mic late p99", "mic->server p50", "cut->silence", "recv->play p50"]
    return [*table, "", *(aligned([names, *ratios]) if ratios else [])]


def _ours(rows: list[Row], load: str) -> Row | None:
    return next((row for row in rows if (row.load, row.arm) == (load, REFERENCE)), None)


def _shown(row: Row) -> list[str]:
    unheard = f", {row.cuts_unheard} unheard" if row.cuts_unheard else ""
    return [
        f"{row.load}, {row.arm}" + (f" ({row.failed} failed)" if row.failed else ""),
        _join(row.gaps, row.gaps_worst),
        _join(row.gap_ms),
        _join(row.missing_ms),
        _join(row.mic_late_p50_ms, row.mic_late_p99_ms, row.mic_late_max_ms),
        _join(row.mic_to_server_p50_ms, row.mic_to_server_p95_ms, row.mic_to_server_p99_ms),
        _join(row.mic_lost_ms, row.mic_lost_worst_ms),
        "-" if row.mic_late_percent is None else f"{row.mic_late_percent:.0f} %",
        f"{_join(row.silence_ms, row.silence_p95_ms, row.silence_max_ms)} ({row.cuts}{unheard})",
        _join(row.receive_to_play_p50_ms, row.receive_to_play_max_ms),
    ]


def _ratios(row: Row, ours: Row) -> list[str]:
    pairs = [
        (row.mic_late_p99_ms, ours.mic_late_p99_ms),
        (row.mic_to_server_p50_ms, ours.mic_to_server_p50_ms),
        (row.silence_ms, ours.silence_ms),
        (row.receive_to_play_p50_ms, ours.receive_to_play_p50_ms),
    ]
    return [
        f"{row.load}, {row.arm}",
        *(f"{theirs / our:.1f}x" if theirs is not None and our else "-" for theirs, our in pairs),
    ]


def _join(*values: float | None) -> str:
    return "/".join("-" if value is None else f"{value:.0f}" for value in values)


def aligned(rows: list[list[str]]) -> list[str]:
    """Return the rows as lines of columns; the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


BACKLOG_MS = 2000.0
"""A rival whose microphone is this late falls further and further behind: what grows with it says how long the cell was."""
UNDER_LOAD = {"gaps in the reply", "microphone to model, p95", "speech lost", "interrupted to silence"}
"""What loads are there for; the rest is compared without."""
MEASURES = (
    ("gaps in the reply", "gaps", "gaps_worst", ""),
    ("reply not heard", "missing_ms", None, " ms"),
    ("microphone to model, p50", "mic_to_server_p50_ms", None, " ms"),
    ("microphone to model, p95", "mic_to_server_p95_ms", None, " ms"),
    ("speech lost", "mic_lost_ms", "mic_lost_worst_ms", " ms"),
    ("interrupted to silence", "silence_ms", "silence_max_ms", " ms"),
    ("first audio to loudspeaker", "receive_to_play_p50_ms", "receive_to_play_max_ms", " ms"),
)
GROWING = {"gaps", "missing_ms", "mic_to_server_p50_ms", "mic_to_server_p95_ms"}
"""What grows with the backlog of a rival that falls behind."""


def compared(row: Row, field: str) -> float | None:
    """Return what is compared of a row: infinity for what grows as long as a rival that falls behind is watched."""
    value: float | None = getattr(row, field)
    falls_behind = (row.mic_to_server_p95_ms or 0.0) > BACKLOG_MS
    return math.inf if value is not None and falls_behind and field in GROWING else value


def comparison(rows: list[Row]) -> list[list[str]]:
    """Return a row for each measure, under the other loads for some of them, a column for each rival: median (worst)."""
    arms = list(dict.fromkeys(row.arm for row in rows))
    loads = list(dict.fromkeys(row.load for row in rows))
    by_cell = {(row.load, row.arm): row for row in rows}
    body = [
        [f"{load}: {name}", *(_value(by_cell.get((load, arm)), *fields) for arm in arms)]
        for load in loads
        for name, *fields in MEASURES
        if load == loads[0] or name in UNDER_LOAD
    ]
    return [["load: measure", *arms], *body]


def _value(row: Row | None, typical: str, worst: str | None, unit: str) -> str:
    value = compared(row, typical) if row is not None else None
    if row is None or value is None:
        is_deaf = row is not None and typical.startswith("silence") and row.cuts_unheard > 0
        return "cannot" if is_deaf or (row is not None and row.failed) else "-"
    if math.isinf(value):
        return "falls behind"
    highest = getattr(row, worst) if worst else None
    return f"{value:.0f}{unit}" + (
        f" ({highest:.0f})" if highest is not None and round(highest) != round(value) else ""
    )
