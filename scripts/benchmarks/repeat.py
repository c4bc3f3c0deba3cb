"""Two results side by side: does a second run tell the same about the rivals as the first? Pure."""

import math
from collections.abc import Iterable, Iterator
from statistics import median
from typing import NamedTuple

from scripts.benchmarks.cost import Cost
from scripts.benchmarks.life import LifeCell
from scripts.benchmarks.report import Result
from scripts.benchmarks.table import (
    MEASURES,
    REFERENCE,
    UNDER_LOAD,
    Row,
    aligned,
    compared,
    interquartile_mean,
)

WITHIN = 0.2
"""By how much a ratio to ours may differ between two runs."""
RULER = {"": 1.0, "ms": 5.0, "s": 0.2, "%": 1.0, "MiB": 0.0}
"""What the measuring itself cannot tell apart, by unit: half a block of the virtual sound devices, one look of a start."""


class Measured(NamedTuple):
    """One number of one rival."""

    measure: str
    arm: str
    unit: str
    value: float


class Repeated(NamedTuple):
    """A ratio to ours in two runs."""

    measure: str
    arm: str
    unit: str
    values: tuple[float, float]
    ours: tuple[float, float]

    @property
    def ratios(self) -> tuple[float, float]:
        """Theirs to ours, of the first run and of the second; what is below the ruler counts as the ruler."""
        least = RULER[self.unit] or 1e-9
        first, second = (
            max(theirs, least) / max(our, least) for theirs, our in zip(self.values, self.ours, strict=True)
        )
        return first, second

    @property
    def is_same(self) -> bool:
        """Whether both runs tell the same: the same ratio, or numbers that the ruler cannot tell apart."""
        if math.inf in self.values:  # what grows without bound does so in both, or not
            return self.values[0] == self.values[1]
        low, high = sorted(self.ratios)
        if high <= low * (1 + WITHIN):
            return True
        return all(abs(a - b) <= RULER[self.unit] for a, b in (self.values, self.ours))


def measured(result: Result) -> list[Measured]:
    """Return every number that the tables of a result compare."""
    return [
        *(_audio(result.audio.rows) if result.audio else ()),
        *(_life(result.life) if result.life else ()),
        *(_cost(result.cost) if result.cost else ()),
    ]


def _audio(rows: list[Row]) -> Iterator[Measured]:
    for row in rows:
        for name, field, _, unit in MEASURES:
            value = compared(row, field)
            if value is not None and (row.load == "none" or name in UNDER_LOAD):
                yield Measured(f"{row.load}: {name}", row.arm, unit.strip(), value)


def _life(cells: list[LifeCell]) -> Iterator[Measured]:
    fields = (("ready_s", "s"), ("player_back_s", "s"), ("recorder_back_s", "s"), ("deaf_ms", "ms"))
    found: dict[tuple[str, str, str], list[float]] = {}
    for cell in cells:
        for field, unit in fields:
            value = getattr(cell.numbers, field) if cell.numbers else None
            if value is not None:
                name = "ready" if field == "ready_s" else f"{cell.happening}: {field.rpartition('_')[0]}"
                found.setdefault((name, cell.arm, unit), []).append(value)
    for (name, arm, unit), values in found.items():
        typical = interquartile_mean(values) if unit == "ms" else median(values)
        yield Measured(name, arm, unit, typical or 0.0)


def _cost(cost: Cost) -> Iterator[Measured]:
    for arm in dict.fromkeys(cell.arm for cell in cost.alone):
        there = [cell.numbers for cell in cost.alone if cell.arm == arm and cell.numbers]
        if there:
            yield Measured("CPU idle", arm, "%", median(one.idle.cpu_percent for one in there))
            yield Measured("CPU talking", arm, "%", median(one.talking.cpu_percent for one in there))
            yield Measured("PSS", arm, "MiB", median(one.talking.pss_mib for one in there))
    for cell in cost.many:
        if cell.numbers:
            yield Measured(f"PSS of {cell.conversations}", cell.arm, "MiB", cell.numbers.idle.pss_mib)


def repeated(first: Iterable[Measured], second: Iterable[Measured]) -> list[Repeated]:
    """Return each rival's number beside ours that both runs have."""
    one, two = ({(each.measure, each.arm): each for each in run} for run in (first, second))
    return [
        Repeated(
            measure,
            arm,
            each.unit,
            (each.value, two[measure, arm].value),
            (one[measure, REFERENCE].value, two[measure, REFERENCE].value),
        )
        for (measure, arm), each in one.items()
        if arm != REFERENCE
        and (measure, arm) in two
        and (measure, REFERENCE) in one
        and (measure, REFERENCE) in two
    ]


def lines(pairs: list[Repeated]) -> list[str]:
    """Return the table, what differs first, and how many do not."""
    head = ["measure", "rival", "theirs", "ours", "ratio", ""]
    body = [
        [
            each.measure,
            each.arm,
            "{:.1f}, {:.1f} {}".format(*each.values, each.unit).strip(),
            "{:.1f}, {:.1f} {}".format(*each.ours, each.unit).strip(),
            "{:.2f}x, {:.2f}x".format(*each.ratios),
            "same" if each.is_same else "DIFFERS",
        ]
        for each in sorted(pairs, key=lambda each: each.is_same)
    ]
    same = sum(each.is_same for each in pairs)
    ruler = ", ".join(f"{size:g} {unit or 'gap'}" for unit, size in RULER.items() if size)
    verdict = f"{same} of {len(pairs)} ratios are the same: within {WITHIN:.0%}, or of numbers that cannot be told apart"
    return [*aligned([head, *body]), "", f"{verdict} ({ruler})"]
