"""`bench life`: how soon a rival is there, and whether it survives; what is made of the recordings, and the table."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

import msgspec

from scripts.benchmarks.arms import FILTERS_VOICE
from scripts.benchmarks.life_scene import TYPED, Lived, live, losses
from scripts.benchmarks.microphone import follow
from scripts.benchmarks.sound import MIC_RATE_HZ, Timeline
from scripts.benchmarks.table import aligned, interquartile_mean
from scripts.benchmarks.venvs import CannotError

AGAIN = {"kill": 1, "goaway": 2, "reset": 3}
"""How often in a round: 25 ms, and what is compared to them, want more measuring than a second."""
BEFORE_S = 0.5
"""So much of the speech before a loss is looked at as well: it may have been sent into a dead connection."""


class Life(msgspec.Struct, frozen=True):
    """The result of one cell; what is None did not happen, or was not tried."""

    ready_s: float | None
    """From the start of its first process to its first audio at the model."""
    player_back_s: float | None = None
    """From the kill to a process that plays again."""
    recorder_back_s: float | None = None
    """The pause at the model after the kill."""
    deaf_ms: float | None = None
    """The longest time without audio at the model after the connection was lost."""
    lost_ms: float | None = None
    """Speech that never reached the model."""
    typed: int | None = None
    """How often the line typed at that moment is in the model's context."""
    goes_on: bool = False
    """A later turn is answered, aloud."""
    has_ended: bool = False
    """Its first process is gone."""


class LifeCell(msgspec.Struct, frozen=True):
    """One rival to which one thing happened, in one round."""

    round: int
    happening: str
    arm: str
    numbers: Life | None
    why: str = ""


def measure(lived: Lived, *, filters_voice: bool = False) -> Life:
    """Evaluate one cell."""
    came = [at / 1e9 for at, _ in lived.heard.chunks]
    ready_s = round(came[0] - lived.began_s, 2) if came else None
    if lived.happening == "kill":
        return Life(
            ready_s,
            _after(lived.player_killed_s, lived.player_back_s),
            _recorder_back_s(lived, came),
            goes_on=lived.is_heard_again,
            has_ended=lived.has_ended,
        )
    (loss,) = losses(lived.events)[:1] or [None]
    lost_s = loss["at_ns"] / 1e9 if loss else lived.whispered_until_s
    until_s = lived.whispered_until_s - BEFORE_S
    return Life(
        ready_s,
        deaf_ms=_longest_pause_ms(came, lost_s, until_s),
        lost_ms=None if filters_voice else _lost_ms(lived, lost_s - BEFORE_S, until_s),
        typed=_typed(lived),
        goes_on=lived.is_heard_again,
        has_ended=lived.has_ended,
    )


def _after(from_s: float | None, to_s: float | None) -> float | None:
    return round(to_s - from_s, 2) if from_s is not None and to_s is not None else None


def _recorder_back_s(lived: Lived, came: list[float]) -> float | None:
    """Return how long no audio came, which what was on its way at the kill makes no shorter."""
    if lived.recorder_killed_s is None:
        return None
    pause_ms = _longest_pause_ms(came, lived.recorder_killed_s, lived.whispered_until_s)
    return None if pause_ms is None else round(pause_ms / 1000, 2)


def _longest_pause_ms(came: list[float], from_s: float, until_s: float) -> float | None:
    """Return the longest pause between arrivals; None when it lasted to the end."""
    edge = max((at for at in came if at <= from_s), default=from_s)
    pauses = list(pairwise([edge, *(at for at in came if from_s < at <= until_s)]))
    if not pauses or pauses[-1][1] < until_s - 1:
        return None
    return round(1000 * max(end - begin for begin, end in pauses), 1)


def _lost_ms(lived: Lived, from_s: float, until_s: float) -> float:
    given = Timeline.of(lived.microphone, MIC_RATE_HZ)
    return round(1000 * follow(given, lived.heard.chunks, from_s, until_s).lost_s, 1)


def _typed(lived: Lived) -> int:
    """Count the line in the model's last known context; the context of a lost connection does not count."""
    contexts = [event["texts"] for event in lived.events if "texts" in event]
    return int(contexts[-1].get(TYPED, 0)) if contexts else 0


def run(number: int, chosen_arms: Sequence[str], happenings: Sequence[str]) -> Iterator[LifeCell]:
    """Measure a round: under each happening, all rivals in turn, and again those that survived what is short."""
    for happening in happenings:
        arms = list(chosen_arms)
        for _ in range(AGAIN[happening]):
            cells = [_run_cell(number, happening, arm) for arm in arms]
            yield from cells
            arms = [cell.arm for cell in cells if cell.numbers and not cell.numbers.has_ended]


def _run_cell(number: int, happening: str, arm: str) -> LifeCell:
    print(f"life, round {number}: {happening}, {arm}", file=sys.stderr, flush=True)
    try:
        return LifeCell(
            number, happening, arm, measure(live(arm, happening), filters_voice=arm in FILTERS_VOICE)
        )
    except (CannotError, RuntimeError, AssertionError, subprocess.TimeoutExpired) as error:
        print(f"  failed: {error}", file=sys.stderr)
        return LifeCell(number, happening, arm, None, str(error))


HEAD = (
    "rival",
    "ready s",
    "player killed",
    "recorder killed",
    "goAway: deaf, lost",
    "its typed line",
    "reset: deaf, lost",
    "its typed line",
)


def lines(cells: list[LifeCell]) -> list[str]:
    """Return the table for a terminal."""
    return aligned(rows(cells))


def rows(cells: list[LifeCell]) -> list[list[str]]:
    """Return the table: medians, of how long they are deaf the interquartile mean, and the worst of the start."""
    arms = dict.fromkeys(cell.arm for cell in cells)
    return [list(HEAD), *(_row(arm, [cell for cell in cells if cell.arm == arm]) for arm in arms)]


def _row(arm: str, cells: list[LifeCell]) -> list[str]:
    ready = [cell.numbers.ready_s for cell in cells if cell.numbers and cell.numbers.ready_s is not None]
    kill, goaway, reset = (_of(cells, happening) for happening in ("kill", "goaway", "reset"))
    return [
        arm,
        f"{median(ready):.1f}/{max(ready):.1f}" if ready else "cannot",
        _back(kill, [life.player_back_s for life in kill]),
        _back(kill, [life.recorder_back_s for life in kill]),
        _loss(goaway),
        _line(goaway),
        _loss(reset),
        _line(reset),
    ]


def _of(cells: list[LifeCell], happening: str) -> list[Life]:
    return [cell.numbers for cell in cells if cell.happening == happening and cell.numbers is not None]


def _back(lives: list[Life], backs: list[float | None]) -> str:
    there = [back for back in backs if back is not None]
    if not lives:
        return "-"
    if any(life.has_ended for life in lives) and not there:
        return "cannot: it ends"
    return f"{median(there):.1f} s" if len(there) == len(lives) else "cannot: never back"


def _loss(lives: list[Life]) -> str:
    if not lives:
        return "-"
    pauses = [life.deaf_ms for life in lives if life.deaf_ms is not None]
    if len(pauses) < len(lives):
        return "cannot: it ends" if any(life.has_ended for life in lives) else "cannot: deaf for good"
    lost = [life.lost_ms for life in lives if life.lost_ms is not None]
    shown = f"{median(lost):.0f} ms" if lost else "unknown"
    return f"{interquartile_mean(pauses):.0f} ms, {shown}" + (
        "" if all(life.goes_on for life in lives) else ", no answer"
    )


def _line(lives: list[Life]) -> str:
    counts = [life.typed or 0 for life in lives]
    if not counts:
        return "-"
    return (
        {0: "lost", 1: "once"}.get(max(counts), "doubled") if min(counts) == max(counts) else "now and then"
    )
