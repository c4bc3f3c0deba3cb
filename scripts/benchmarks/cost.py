"""`bench cost`: processor time and memory, of one conversation with sound and of many with text."""

import subprocess
import sys
from collections.abc import Sequence
from statistics import median

import msgspec
import psutil

from scripts.benchmarks.cost_scene import Alone, Many, Usage, alone, many
from scripts.benchmarks.table import REFERENCE, aligned
from scripts.benchmarks.venvs import CannotError

AGAIN = 2
"""How often in a round."""
FILLS_AT_MOST = 0.75
"""Of the free memory: a machine that swaps measures its disk."""
FAILURES = (CannotError, RuntimeError, AssertionError, subprocess.TimeoutExpired)


class AloneCell(msgspec.Struct, frozen=True):
    """One rival, in one round."""

    round: int
    arm: str
    numbers: Alone | None
    why: str = ""


class ManyCell(msgspec.Struct, frozen=True):
    """So many conversations of one rival."""

    arm: str
    conversations: int
    numbers: Many | None
    why: str = ""


class Cost(msgspec.Struct, frozen=True):
    """The result."""

    rounds: int
    over_s: float
    alone: list[AloneCell]
    many: list[ManyCell]


def run(number: int, over_s: float, arms: Sequence[str]) -> list[AloneCell]:
    """Measure a round of single conversations."""
    return [_run_alone(number, arm, over_s) for _ in range(AGAIN) for arm in arms]


def crowds(arms: Sequence[str], sizes: Sequence[int], box_s: float) -> list[ManyCell]:
    """Measure many conversations; a size is tried only when, by the one before, it is likely to be up within `box_s`."""
    return [cell for arm in arms for cell in _run_many(arm, sorted(sizes), box_s)]


def _run_alone(number: int, arm: str, over_s: float) -> AloneCell:
    print(f"cost, round {number}: {arm}", file=sys.stderr, flush=True)
    try:
        return AloneCell(number, arm, alone(arm, over_s))
    except FAILURES as error:
        print(f"  failed: {error}", file=sys.stderr)
        return AloneCell(number, arm, None, str(error))


def _run_many(arm: str, sizes: Sequence[int], box_s: float) -> list[ManyCell]:
    cells: list[ManyCell] = []
    for size in sizes:
        last = cells[-1] if cells else None
        if last is not None and (why := why_not(last, size, box_s)):
            cells.append(ManyCell(arm, size, None, why))
            continue
        print(f"cost: {size} text conversations, {arm}", file=sys.stderr, flush=True)
        try:
            cells.append(ManyCell(arm, size, many(arm, size, box_s)))
        except FAILURES as error:
            print(f"  failed: {error}", file=sys.stderr)
            cells.append(ManyCell(arm, size, None, str(error)))
    return cells


def why_not(last: ManyCell, size: int, box_s: float) -> str:
    """Say why a size is not worth trying after the one before, or nothing."""
    if last.numbers is None:
        return "not tried: fewer did not come up"
    expected_s = last.numbers.started_s * size / last.conversations
    if expected_s > box_s and last.conversations > 1:
        return (
            f"not tried: would need about {expected_s:.0f} s to come up, more than the {box_s:.0f} s allowed"
        )
    expected_mib = last.numbers.idle.pss_mib * size / last.conversations
    free_mib = psutil.virtual_memory().available / 2**20
    if expected_mib > FILLS_AT_MOST * free_mib:
        return f"not tried: would need about {expected_mib:.0f} MiB of the {free_mib:.0f} that are free"
    return ""


def lines(cost: Cost) -> list[str]:
    """Return both tables for a terminal."""
    first, second = tables(cost)
    return [*aligned(first), "", *aligned(second)]


def tables(cost: Cost) -> tuple[list[list[str]], list[list[str]]]:
    """Return the table of one conversation with sound, and that of many with text: medians."""
    arms = list(dict.fromkeys(cell.arm for cell in cost.alone))
    sizes = list(dict.fromkeys(cell.conversations for cell in cost.many))
    ours = _usages(cost, REFERENCE, "talking")
    head = [
        "one conversation, with sound",
        "idle CPU %",
        "talking CPU %",
        "PSS MiB",
        "PSS ratio",
        "processes",
    ]
    crowd = [f"{size} text conversations" for size in sizes]
    return (
        [head, *(_alone_row(cost, arm, ours) for arm in arms)],
        [["PSS MiB, idle CPU %, up in s", *crowd], *(_many_row(cost, arm, sizes) for arm in arms)],
    )


def _usages(cost: Cost, arm: str, when: str) -> list[Usage]:
    return [
        getattr(cell.numbers, when) for cell in cost.alone if cell.arm == arm and cell.numbers is not None
    ]


def _alone_row(cost: Cost, arm: str, ours: list[Usage]) -> list[str]:
    idle, talking = _usages(cost, arm, "idle"), _usages(cost, arm, "talking")
    if not idle:
        return [arm, "cannot", "cannot", "cannot", "", ""]
    pss = median(each.pss_mib for each in talking)
    ratio = f"{pss / median(each.pss_mib for each in ours):.1f}x" if ours else "-"
    return [
        arm,
        f"{median(each.cpu_percent for each in idle):.1f}",
        f"{median(each.cpu_percent for each in talking):.1f}",
        f"{pss:.0f}",
        ratio,
        str(idle[0].processes),
    ]


def _many_row(cost: Cost, arm: str, sizes: Sequence[int]) -> list[str]:
    cells = {cell.conversations: cell for cell in cost.many if cell.arm == arm}
    return [arm, *(_crowd(cells.get(size)) for size in sizes)]


def _crowd(cell: ManyCell | None) -> str:
    if cell is None:
        return "-"
    if cell.numbers is None:
        return "not tried" if cell.why.startswith("not tried") else "cannot"
    idle = cell.numbers.idle
    return f"{idle.pss_mib:.0f}, {idle.cpu_percent:.0f} %, {cell.numbers.started_s:.0f} s"
