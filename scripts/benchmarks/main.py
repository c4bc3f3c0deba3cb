"""The command: which cells, in which order, and what is printed."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from scripts.benchmarks import arms, loads, machine, table
from scripts.benchmarks.measures import measure
from scripts.benchmarks.scene import Plan, take
from scripts.benchmarks.venvs import CannotError
from tests.virtual_audio import why_not


class Result(msgspec.Struct, frozen=True):
    """What `--json` writes."""

    schema: int
    machine: machine.Machine
    plan: dict[str, float]
    rounds: int
    notes: list[str]
    rows: list[table.Row]
    cells: list[table.Cell]


def main(words: Sequence[str] | None = None) -> int:
    """Run `scripts/bench`; returns its exit code."""
    options = _parser().parse_args(words)
    if missing := why_not():
        print(f"bench: {missing}", file=sys.stderr)
        return 1
    if options.json:
        options.json.touch()  # fail now, not after all the work
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything started is ended
    try:
        result = run(options)
    except KeyboardInterrupt:
        return 130
    for line in report(result):
        print(line)
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")
    return 0 if all(cell.numbers for cell in result.cells) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    subject = parser.add_subparsers(dest="subject", required=True)
    audio = subject.add_parser(
        "audio", help="sound under load, beside Google's cookbook pattern and a single process of our own"
    )
    audio.add_argument("--rounds", type=_positive, default=3, help="how often each cell is run (3)")
    audio.add_argument("--quick", action="store_true", help="one round of short cells: does it work at all?")
    audio.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there as well")
    audio.add_argument("--loads", nargs="+", choices=loads.LOADS, default=list(loads.LOADS))
    audio.add_argument("--arms", nargs="+", choices=list(arms.SAID), default=list(arms.SAID))
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def cells_of_a_round(chosen_loads: Sequence[str], chosen_arms: Sequence[str]) -> list[tuple[str, str]]:
    """Return (load, arm) in the order of running: under each load, all rivals in turn."""
    return [
        (load, arm)
        for load in chosen_loads
        for arm in chosen_arms
        if arm != "inside" or load in arms.INSIDE_LOADS
    ]


def run(options: argparse.Namespace) -> Result:
    """Measure everything that was asked for."""
    here = machine.describe()
    plan = Plan(reply_s=4.0, interruptions=3) if options.quick else Plan()
    rounds = 1 if options.quick else options.rounds
    json_bytes = loads.bytes_for(loads.C_CALL_S)
    wanted = [
        (number, load, arm)
        for number in range(1, rounds + 1)
        for load, arm in cells_of_a_round(options.loads, options.arms)
    ]
    cells = [_run_cell(*cell, plan, json_bytes) for cell in wanted]
    return Result(
        schema=1,
        machine=here,
        plan={"reply_s": plan.reply_s, "interruptions": plan.interruptions, "json_bytes": json_bytes},
        rounds=rounds,
        notes=_notes(options, cells),
        rows=table.summarise(cells),
        cells=cells,
    )


def _run_cell(number: int, load: str, arm: str, plan: Plan, json_bytes: int) -> table.Cell:
    busy = round(os.getloadavg()[0], 1)
    print(f"round {number}: {load}, {arm} (load average {busy})", file=sys.stderr, flush=True)
    try:
        taken = take(arm, load, plan, json_bytes)
    except (CannotError, RuntimeError, AssertionError, subprocess.TimeoutExpired) as error:
        # One rival that fails must not cost the others their numbers.
        print(f"  failed: {error}", file=sys.stderr)
        return table.Cell(number, load, arm, None, str(error), busy)
    return table.Cell(number, load, arm, measure(taken), "", busy, taken.is_prioritised)


def _notes(options: argparse.Namespace, cells: list[table.Cell]) -> list[str]:
    averages = [cell.load_average for cell in cells]
    is_prioritised = all(cell.is_prioritised for cell in cells if cell.numbers)
    return [
        *(arms.SAID[arm] for arm in options.arms),
        *(f"{load}: {loads.SAID[load]}" for load in options.loads),
        "All devices are virtual (PulseAudio null sinks): real sound cards add their own delay, the same for all.",
        "cut: from `interrupted` leaving the server to the last sound of that reply; recv: from the first audio leaving it.",
        "mic late: how much later a message came than the promptest of its cell; mic->server: age of 10 ms of sound on arrival.",
        f"Load average before the cells: {min(averages)} to {max(averages)}.",
        "The sound server, the recorders and the model's side ran "
        + (
            "with real-time priority."
            if is_prioritised
            else "at normal priority: the loads disturbed them, too."
        ),
    ]


def report(result: Result) -> list[str]:
    """Return what is printed."""
    here = result.machine
    load = "/".join(f"{value:.1f}" for value in here.load_before)
    reply_s, cuts = result.plan["reply_s"], result.plan["interruptions"]
    packages = ", ".join(f"{name} {version}" for name, version in here.packages.items())
    return [
        f"{here.cores} x {here.cpu}, {here.memory_mib} MiB, Linux {here.kernel}, Python {here.python}, {here.pulseaudio}",
        f"{packages}; load average before: {load}",
        f"{result.rounds} interleaved rounds; reply of {reply_s:g} s, {cuts:g} interruptions per cell",
        "",
        *table.lines(result.rows),
        "",
        *result.notes,
    ]
