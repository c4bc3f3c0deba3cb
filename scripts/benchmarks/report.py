"""The result of a run, as text for a terminal and as Markdown for the README. Pure."""

import msgspec

from scripts.benchmarks import cost, life, machine, table
from scripts.benchmarks.audio import Audio
from scripts.benchmarks.table import REFERENCE

BEGIN = "<!-- bench: begin -->"
END = "<!-- bench: end -->"


class Result(msgspec.Struct, frozen=True):
    """What `--json` writes."""

    machine: machine.Machine
    said: list[str]
    """What each rival is."""
    audio: Audio | None
    life: list[life.LifeCell] | None
    cost: cost.Cost | None
    schema: int = 2


def lines(result: Result) -> list[str]:
    """Return what is printed."""
    return [
        *_machine(result.machine),
        *(_audio(result.audio) if result.audio else []),
        *(["", *life.lines(result.life)] if result.life else []),
        *(["", *cost.lines(result.cost)] if result.cost else []),
        "",
        *result.said,
        *(result.audio.notes if result.audio else []),
        *(f"cannot: {arm}: {why}" for arm, why in sorted(failures(result).items())),
    ]


def failures(result: Result) -> dict[str, str]:
    """Return, per rival that failed somewhere, what it last said."""
    cells = [
        *(result.audio.cells if result.audio else []),
        *(result.life or []),
        *([*result.cost.alone, *result.cost.many] if result.cost else []),
    ]
    return {cell.arm: cell.why for cell in cells if cell.numbers is None}


def our_failures(result: Result) -> bool:
    """Say whether we failed where we were to be measured: that of a rival is a result."""
    return REFERENCE in failures(result)


def _machine(here: machine.Machine) -> list[str]:
    load = "/".join(f"{value:.1f}" for value in here.load_before)
    packages = ", ".join(f"{name} {version}" for name, version in here.packages.items())
    return [
        f"{here.cores} x {here.cpu}, {here.memory_mib} MiB, Linux {here.kernel}, Python {here.python}, {here.pulseaudio}",
        f"{packages}; load average before: {load}",
    ]


def _audio(audio: Audio) -> list[str]:
    reply_s, cuts = audio.plan["reply_s"], audio.plan["interruptions"]
    return [
        f"{audio.rounds} interleaved rounds; reply of {reply_s:g} s, {cuts:g} interruptions per session, or more",
        "",
        *table.lines(audio.rows),
    ]


def markdown(result: Result) -> list[str]:
    """Return the tables for the README: what a reader compares, and the machine it was measured on."""
    tables = [
        *(_audio_tables(result.audio.rows) if result.audio else []),
        *([_table(life.rows(result.life))] if result.life else []),
        *([_table(rows) for rows in cost.tables(result.cost)] if result.cost else []),
    ]
    words = [line for each in tables for line in [*each, ""]]
    return [*words, f"Measured on {_machine(result.machine)[0]}."]


def within(text: str, inserted: list[str]) -> str:
    """Return a text with these lines between its two marks. Raises `ValueError` when it has none."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"there is no {BEGIN} and no {END} to write between")
    return "\n".join([f"{before}{begin}", *inserted, f"{end}{after}"])


def _audio_tables(rows: list[table.Row]) -> list[list[str]]:
    return [_table(table.comparison(rows))]


def _table(rows: list[list[str]]) -> list[str]:
    head, *body = rows
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(row)} |" for row in body),
    ]
