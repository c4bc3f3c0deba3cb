"""What is broken, in which order, and how long it may take to heal: all from one seed. Pure."""

import random
from collections.abc import Collection
from dataclasses import dataclass

ACTORS = ("coordinator", "session", "mic", "speaker", "console", "keyboard", "tools")
"""Whoever is killed or stopped. Not the parrot: it is the model, and what it forgets is lost by rights."""
CUTS = ("reset", "close", "go away", "stall", "nonsense", "half open")
"""What the model's connection suffers."""
HEALED_WITHIN_S = {
    "kill": 8.0,
    "kill two": 10.0,
    "stop 1 s": 4.0,
    "stop": 16.0,
    "cut": 25.0,
    "sleep": 4.0,
    "unplug": 12.0,
    "mute": 10.0,
    "interrupt": 10.0,
}
"""Until every actor is ready again, from the fault on; a loaded machine's allowance in it. A stopped actor is given up after 5 s
(7 s with the kill), a half-open connection after 15 s; a device is looked for once a second."""
WEIGHTS = {
    "kill": 7,
    "kill two": 2,
    "stop 1 s": 3,
    "stop": 2,
    "cut": 4,
    "sleep": 1,
    "unplug": 2,
    "mute": 3,
    "interrupt": 3,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One of them: its number from 1, what is done, and to whom."""

    number: int
    kind: str
    targets: tuple[str, ...] = ()

    @property
    def within_s(self) -> float:
        """How long it may take until every actor is ready again."""
        return HEALED_WITHIN_S[self.kind]

    def __str__(self) -> str:
        return f"{self.number}. {self.kind} {' and '.join(self.targets)}".rstrip()


def schedule(seed: int, count: int, only: Collection[str] = WEIGHTS) -> list[Fault]:
    """Return the first `count` faults of this seed, of these kinds `only`: the same ones whatever `count` is."""
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    kinds = [kind for kind in WEIGHTS if kind in only]
    faults = []
    for number in range(1, count + 1):
        kind = chance.choices(kinds, [WEIGHTS[one] for one in kinds])[0]
        faults.append(Fault(number, kind, _targets(kind, chance)))
    return faults


def _targets(kind: str, chance: random.Random) -> tuple[str, ...]:
    match kind:
        case "kill" | "stop" | "stop 1 s":
            return (chance.choice(ACTORS),)
        case "kill two":
            return tuple(chance.sample(ACTORS, 2))
        case "cut":
            return (chance.choice(CUTS),)
        case "unplug":
            return (chance.choice(("mic", "speaker")),)
        case "mute":
            return (chance.choice(("mic", "session", "coordinator", "speaker")),)
        case "interrupt":
            return (chance.choice(("nobody", "console", "coordinator", "mic", "speaker")),)
        case _:
            return ()
