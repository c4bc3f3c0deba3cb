"""Measures Antiphon beside what one would otherwise use, on virtual devices, against the parrot."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from scripts.benchmarks import arms, audio, cost, life, life_scene, loads, machine, picture, repeat, report
from scripts.benchmarks.report import Result
from scripts.benchmarks.scene import Plan
from tests.virtual_audio import why_not

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "scripts" / "benchmarks" / "results"
SIZES = (1, 5, 20, 50)
BOX_S = 180.0
OUTPUTS = {
    "json": "write all numbers there",
    "plot": "draw them there, as PNG",
    "markdown": "write the tables there",
    "readme": "put the tables between the marks of that text",
}
QUICK_PLAN = Plan(reply_s=4.0, interruptions=1, sessions=1)


def main(words: Sequence[str] | None = None) -> int:
    """Run `scripts/bench`; returns its exit code."""
    options = _parser().parse_args(words)
    os.chdir(ROOT)  # what is started finds our modules
    if options.subject == "show":
        return _finish(_read(options.file), options)
    if options.subject == "compare":
        return _compare(options.first, options.second)
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
    return _finish(result, options)


def _read(path: Path) -> Result:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Result)
    except (OSError, msgspec.DecodeError) as error:
        sys.exit(f"bench: {path} is no result of this benchmark, or of an earlier one: {error}")


def _compare(first: Path, second: Path) -> int:
    pairs = repeat.repeated(repeat.measured(_read(first)), repeat.measured(_read(second)))
    print("\n".join(repeat.lines(pairs)))
    return 0 if all(pair.is_same for pair in pairs) else 1


def _finish(result: Result, options: argparse.Namespace) -> int:
    for line in report.lines(result):
        print(line)
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")
    if options.markdown:
        options.markdown.write_text("\n".join(report.markdown(result)) + "\n")
    if options.readme:
        options.readme.write_text(report.within(options.readme.read_text(), report.markdown(result)))
    if options.plot and not picture.draw(result, options.plot):
        return 1
    return 1 if report.our_failures(result) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    subject = parser.add_subparsers(dest="subject", required=True)
    sound = subject.add_parser("audio", help="gaps, loss, delays and interruptions under four loads")
    sound.add_argument("--loads", nargs="+", choices=loads.LOADS, default=list(loads.LOADS))
    survival = subject.add_parser("life", help="start, kill -9, goAway, reset")
    survival.add_argument(
        "--happenings", nargs="+", choices=life_scene.HAPPENINGS, default=list(life_scene.HAPPENINGS)
    )
    money = subject.add_parser("cost", help="CPU and memory, of one conversation and of many")
    whole = subject.add_parser(
        "all",
        help="all of it; writes bench.json, bench.png and bench.md",
        description="Everything: half an hour for each round, and 8 minutes for the 50 conversations.",
    )
    for each in (sound, survival, money, whole):
        _add_common(each)
    for each in (money, whole):
        each.add_argument(
            "--sizes",
            nargs="*",
            type=_positive,
            default=list(SIZES),
            metavar="N",
            help="so many conversations at once",
        )
    whole.add_argument("--results", type=_path, default=RESULTS, metavar="DIR", help="where to (%(default)s)")
    whole.set_defaults(loads=list(loads.LOADS), happenings=list(life_scene.HAPPENINGS))
    show = subject.add_parser("show", help="print, and draw, an earlier result")
    show.add_argument("file", type=_path)
    twice = subject.add_parser("compare", help="say whether two results tell the same: 1 if a ratio differs")
    twice.add_argument("first", type=_path)
    twice.add_argument("second", type=_path)
    for each in (sound, survival, money, whole, show):
        _add_outputs(each)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rounds", type=_positive, default=2, help="how often each cell is run (%(default)s)"
    )
    parser.add_argument("--quick", action="store_true", help="one round of short cells: does it work at all?")
    parser.add_argument("--arms", nargs="+", choices=list(arms.SAID), default=list(arms.RIVALS))


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    for option, said in OUTPUTS.items():
        parser.add_argument(f"--{option}", type=_path, metavar="FILE", help=said)


def _path(text: str) -> Path:
    return Path(text).absolute()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def run(options: argparse.Namespace) -> Result:
    """Measure everything that was asked for."""
    here = machine.describe()
    is_all = options.subject == "all"
    rounds = 1 if options.quick else options.rounds
    plan = QUICK_PLAN if options.quick else Plan()
    over_s = 3.0 if options.quick else 10.0
    parts = {"audio", "life", "cost"} if is_all else {options.subject}
    if is_all:
        _place_results(options)
    sound = audio.Runs(plan, options.loads, options.arms) if "audio" in parts else None
    lives: list[life.LifeCell] = []
    alone: list[cost.AloneCell] = []
    for number in range(
        1, rounds + 1
    ):  # of everything in turn: what the hour does to the machine, it does to all parts
        if sound is not None:
            sound.run(number)
        if "life" in parts:
            lives += life.run(number, options.arms, options.happenings)
        if "cost" in parts:
            alone += cost.run(number, over_s, options.arms)
    return Result(
        machine=here,
        said=[arms.SAID[arm] for arm in options.arms],
        audio=sound.result() if sound is not None else None,
        life=lives if "life" in parts else None,
        cost=cost.Cost(rounds, over_s, alone, cost.crowds(options.arms, _sizes(options), BOX_S))
        if "cost" in parts
        else None,
    )


def _sizes(options: argparse.Namespace) -> list[int]:
    is_short = options.quick and options.subject == "all"
    return [size for size in options.sizes if size <= 5 or not is_short]


def _place_results(options: argparse.Namespace) -> None:
    options.results.mkdir(parents=True, exist_ok=True)
    options.json = options.json or options.results / "bench.json"
    options.plot = options.plot or options.results / "bench.png"
    options.markdown = options.markdown or options.results / "bench.md"
