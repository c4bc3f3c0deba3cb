"""`bench audio`: sound under four loads."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Sequence

import msgspec

from scripts.benchmarks import arms, loads, table
from scripts.benchmarks.measures import measure, measure_cuts
from scripts.benchmarks.scene import SESSIONS_A_ROUND, Plan, take
from scripts.benchmarks.venvs import CannotError


class Audio(msgspec.Struct, frozen=True):
    """The result."""

    rounds: int
    plan: dict[str, float]
    notes: list[str]
    rows: list[table.Row]
    cells: list[table.Cell]


def cells_of_a_round(chosen_loads: Sequence[str], chosen_arms: Sequence[str]) -> list[tuple[str, str]]:
    """Return (load, arm) in the order of running: under each load, all rivals in turn."""
    return [
        (load, arm)
        for load in chosen_loads
        for arm in chosen_arms
        if arm != "inside" or load in arms.INSIDE_LOADS
    ]


class Runs:
    """Measures everything that was asked for, round by round."""

    def __init__(self, plan: Plan, chosen_loads: Sequence[str], chosen_arms: Sequence[str]) -> None:
        self._plan, self._loads, self._arms = plan, chosen_loads, chosen_arms
        self._json_bytes = loads.bytes_for(loads.C_CALL_S)
        self._cells: list[table.Cell] = []

    def run(self, number: int) -> None:
        """Run the round of that number."""
        for load, arm in cells_of_a_round(self._loads, self._arms):
            self._cells += _run_cells(number, load, arm, self._plan, self._json_bytes)

    def result(self) -> Audio:
        """Return what was measured."""
        cells = self._cells
        plan = {**dataclasses.asdict(self._plan), "json_bytes": self._json_bytes}
        rounds = max(cell.round for cell in cells)
        return Audio(rounds, plan, _notes(self._loads, cells), table.summarise(cells), cells)


def _run_cells(number: int, load: str, arm: str, plan: Plan, json_bytes: int) -> list[table.Cell]:
    """Run the whole sessions of a cell, each a cell of its own, or one of a rival that fails or falls behind."""
    cells: list[table.Cell] = []
    while len(cells) < plan.whole_sessions(arm, load):
        cells.append(_run_cell(number, load, arm, plan, json_bytes, len(cells)))
        late_ms = numbers.mic_to_server_ms.p95 if (numbers := cells[-1].numbers) else None
        if late_ms is None or late_ms > table.BACKLOG_MS:
            break
    return cells


def _run_cell(number: int, load: str, arm: str, plan: Plan, json_bytes: int, whole: int) -> table.Cell:
    busy = round(os.getloadavg()[0], 1)
    print(f"audio, round {number}: {load}, {arm} (load average {busy})", file=sys.stderr, flush=True)
    try:
        first, cuts = SESSIONS_A_ROUND * number + whole, plan.cuts(arm, load, whole)
        taken = take(arm, load, plan.reply_s, cuts, json_bytes, first)
        more = [
            measure_cuts(take(arm, load, plan.reply_s, cuts, json_bytes, session, only_cuts=True))
            for session in range(first + 1, first + 1 + plan.more_sessions(arm, load))
        ]
    except (CannotError, RuntimeError, AssertionError, subprocess.TimeoutExpired) as error:
        # One rival that fails must not cost the others their numbers.
        print(f"  failed: {error}", file=sys.stderr)
        return table.Cell(number, load, arm, None, str(error), busy)
    return table.Cell(number, load, arm, measure(taken, more), "", busy, taken.is_prioritised)


def _notes(chosen_loads: Sequence[str], cells: list[table.Cell]) -> list[str]:
    averages = [cell.load_average for cell in cells]
    is_prioritised = all(cell.is_prioritised for cell in cells if cell.numbers)
    names = {cell.arm for cell in cells}
    return [
        *(f"{load}: {loads.SAID[load]}" for load in chosen_loads),
        "All devices are virtual (PulseAudio null sinks): real sound cards add their own delay, the same for all.",
        "cut: from `interrupted` leaving the server to the last sound of that reply; recv: from the first audio leaving it.",
        "mic late: how much later a message came than the promptest of its cell; mic->server: age of 10 ms of sound on arrival.",
        *(
            f"{name} cannot be interrupted by speaking (its microphone is closed while a reply sounds: what was said "
            "meanwhile is lost); it is cut by typed text."
            for name in arms.DEAF_WHILE_SPEAKING
            if name in names
        ),
        *(
            f"{name}: its noise suppression changes the voice, so what of it is lost or late cannot be measured."
            for name in arms.FILTERS_VOICE
            if name in names
        ),
        f"Load average before the cells: {min(averages)} to {max(averages)}.",
        "The sound server, the recorders and the model's side ran "
        + (
            "with real-time priority."
            if is_prioritised
            else "at normal priority: the loads disturbed them, too."
        ),
    ]
