"""A fault every ten seconds into a running conversation; after each, and at the end, every promise is looked at."""

import argparse
import contextlib
import signal
import statistics
import sys
import time

from trees import wait_for

from scripts.chaotic import breaking
from scripts.chaotic.invariants import Watcher
from scripts.chaotic.plan import WEIGHTS, Fault, schedule
from scripts.chaotic.scene import Scene, staged
from supervisor.client import NoAnswerError

ANSWERED_WITHIN_S = 45.0
"""Until every line typed so far is in the model's context; a half-open connection takes 15 s of it."""
WRONG = (breaking.BrokenPromiseError, AssertionError, NoAnswerError)


def main() -> int:
    """Run; 0 if every promise held."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # whoever ends us early finds nothing left, too
    count = max(1, round(asked.minutes * 60 / asked.every))
    faults = schedule(asked.seed, asked.first - 1 + count, asked.only)[asked.first - 1 :]
    print(f"chaos: seed {asked.seed}, {len(faults)} faults, one every {asked.every:g} s", flush=True)
    run = Run(_replay(asked), asked.every)
    with staged(faults, asked.devices) as scene:
        run.all(faults, scene)
        run.end(scene)
    print(run.summary(), flush=True)
    return 1 if run.wrong else 0


class Run:
    """Counts what went wrong and how long healing took."""

    def __init__(self, replay: str, every_s: float) -> None:
        self.wrong: list[str] = []
        self._every_s = every_s
        self._replay = replay
        self._took_s: dict[str, list[float]] = {}
        self._growth: list[str] = []

    def all(self, faults: list[Fault], scene: Scene) -> None:
        """Do them, until the conversation itself is gone."""
        watcher = Watcher(scene)
        began_s = time.monotonic()
        for place, fault in enumerate(faults):
            time.sleep(max(0.0, began_s + place * self._every_s - time.monotonic()))
            self._verdict(fault, *self._one(fault, scene, watcher))
            if scene.tree.status()["pid"] is None:
                self.wrong.append("the conversation ended")
                break
        self._growth = watcher.growth()

    def end(self, scene: Scene) -> None:
        """Let it end in order, and look at what is left."""
        if scene.tree.status()["pid"] is not None:
            with contextlib.suppress(AssertionError):  # what is missing is named below
                _wait_answered(scene)
            books, held = scene.books, scene.context()
            self.wrong += books.odd_lines(held) + books.odd_calls(
                scene.ran(), scene.told(), scene.taken_back()
            )
            scene.screen.type("/quit\r")
            code = scene.screen.wait()
            if code != 0:
                self.wrong.append(f"it ended with {code}")
        if scene.screen.modes() != scene.screen.modes_before:
            self.wrong.append("the terminal is left changed")
        self.wrong += [f"left over: {what}" for what in scene.tree.leftovers()]

    def summary(self) -> str:
        """Return the table and the verdict."""
        times = [
            f"{kind:<22} {len(took):>3} times, all ready again after {statistics.median(took):.1f} s, at most {max(took):.1f} s"
            for kind, took in sorted(self._took_s.items())
        ]
        verdict = [f"WRONG: {what}" for what in self.wrong] or ["every promise held"]
        return "\n".join([*times, *self._growth, *verdict])

    def _one(self, fault: Fault, scene: Scene, watcher: Watcher) -> tuple[float, list[str]]:
        """Do one fault in the middle of work. Returns how long healing took, and what was wrong."""
        try:
            if fault.kind != "interrupt":  # there, silence is listened to
                scene.type(f"call {fault.number}", is_sure="tools" not in fault.targets)
            began_s = time.monotonic()
            breaking.do(fault, scene)
            done_s = time.monotonic()
            if (
                fault.kind != "cut"
            ):  # a model whose reply was cut here says the rest until the next line comes
                scene.type(f"line {fault.number}")
            wait_for(lambda: _is_well(scene), "every actor ready", fault.within_s)
            took_s = time.monotonic() - (began_s if fault.kind.startswith("kill") else done_s)
            _wait_answered(scene)
            return took_s, watcher.odd()
        except WRONG as error:
            status = scene.tree.status()
            missing = scene.books.missing(scene.context())
            return 0.0, [f"{error} ({status['state']} {status['why']}; not in the context: {missing})"]

    def _verdict(self, fault: Fault, took_s: float, odd: list[str]) -> None:
        if odd:
            replay = f"{self._replay} --first {fault.number} --minutes 0.01"
            print(f"WRONG {fault}: {'; '.join(odd)}   replay: {replay}", flush=True)
            self.wrong.append(f"{fault}: {'; '.join(odd)}")
            return
        print(f"ok    {fault}: well again after {took_s:.1f} s", flush=True)
        self._took_s.setdefault(f"{fault.kind} {' '.join(fault.targets)}".strip(), []).append(took_s)


def _wait_answered(scene: Scene) -> None:
    wait_for(lambda: not scene.books.missing(scene.context()), "every line answered", ANSWERED_WITHIN_S)


def _is_well(scene: Scene) -> bool:
    return bool(scene.tree.status()["state"] == "ready")


def _replay(asked: argparse.Namespace) -> str:
    """Return the command that does one of these faults again, but for its number."""
    only = [f'"{kind}"' if " " in kind else kind for kind in asked.only] if asked.only != [*WEIGHTS] else []
    parts = ["scripts/chaos", f"--seed {asked.seed}"]
    parts += [f"--devices {asked.devices}"] * (asked.devices != "files") + ["--only", *only] * bool(only)
    return " ".join(parts)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long (5)")
    parser.add_argument("--seed", type=int, default=1, help="which faults (1)")
    parser.add_argument(
        "--devices", choices=["files", "servers"], default="files", help="what is unplugged (files)"
    )
    parser.add_argument("--every", type=float, default=10.0, metavar="SECONDS", help="a fault (10)")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=WEIGHTS,
        default=[*WEIGHTS],
        metavar="KIND",
        help=f"of {', '.join(WEIGHTS)}",
    )
    parser.add_argument("--first", type=int, default=1, help="begin with this fault of the seed (1)")
    return parser.parse_args()
