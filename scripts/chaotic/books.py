"""What was given to the conversation, against what came of it. Pure."""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Books:
    """Lines and calls. What was typed or called just as whoever takes it died may be there or not, but never twice."""

    lines: list[str] = field(default_factory=list)
    perhaps: set[str] = field(default_factory=set)

    def typed(self, line: str, *, is_sure: bool) -> None:
        """Note a line."""
        self.lines.append(line)
        if not is_sure:
            self.perhaps.add(line)

    def odd_lines(self, held: Mapping[str, int]) -> list[str]:
        """Name what the model's context does not hold once."""
        return [
            f"{line!r} is {held.get(line, 0)} times in the model's context"
            for line in self.lines
            if held.get(line, 0) not in ({0, 1} if line in self.perhaps else {1})
        ]

    def missing(self, held: Mapping[str, int]) -> list[str]:
        """Return the lines that are still on their way."""
        return [line for line in self.lines if line not in held and line not in self.perhaps]

    def odd_calls(self, ran: Iterable[str], told: Iterable[str], taken_back: Iterable[str] = ()) -> list[str]:
        """Name each call that did not run once or whose result the model was not told. A call is a line, `call ...`.

        What the model took back, as a voice interrupted its turn, it need not be told.
        """
        runs, results = Counter(ran), {*told, *taken_back}
        calls = [line for line in self.lines if line.startswith("call ")]
        odd = []
        for call in calls:
            may_run = {0, 1} if call in self.perhaps else {1}
            if runs[call] not in may_run:
                odd.append(f"{call!r} ran {runs[call]} times")
            elif runs[call] and call not in results and call not in self.perhaps:
                odd.append(f"the model was never told the result of {call!r}")
        return odd


def quarters(samples: list[tuple[float, float]]) -> list[float]:
    """Return the median value of each quarter of the time that the samples, (seconds, value), span; without the empty ones."""
    began_s, span_s = samples[0][0], samples[-1][0] - samples[0][0]
    parts: list[list[float]] = [[], [], [], []]
    for at_s, value in samples:
        parts[min(3, int(4 * (at_s - began_s) / span_s)) if span_s else 0].append(value)
    return [statistics.median(part) for part in parts if part]


def settled(samples: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the samples but those of the first quarter of the time: caches fill and pools form in it."""
    begin_s = samples[0][0] + (samples[-1][0] - samples[0][0]) / 4
    return [sample for sample in samples if sample[0] >= begin_s]


def slope_per_h(samples: list[tuple[float, float]]) -> float:
    """Return how fast a measure grows, per hour, by least squares over (seconds, value)."""
    if len(samples) < 2:
        return 0.0
    mean_s = sum(at for at, _ in samples) / len(samples)
    mean = sum(value for _, value in samples) / len(samples)
    spread = sum((at - mean_s) ** 2 for at, _ in samples)
    return 3600 * sum((at - mean_s) * (value - mean) for at, value in samples) / spread if spread else 0.0
