"""How far another machine's monotonic clock is from ours, from questions and answers over a link that wavers. Pure.

An answer says: between asking and hearing, the other clock stood at `told_ns`. So the offset lies within half the round trip
of the middle, for certain; the quicker the answer, the better it is known. Two quartzes drift apart by up to 200 ppm, so an
old answer is worth less with every second. An answer that contradicts what was certain means that the other clock is another
one now (its machine slept, or was restarted): everything older is forgotten.
"""

from collections import deque
from dataclasses import dataclass

_MOST_DRIFT = 200e-6
"""Two quartzes differ by less."""
_KNOWN_DRIFT = 50e-6
_REMEMBERED = 120
_QUICK_ANSWERS = 10
_QUICK_S = 0.1
_SLOW_S = 1.0
_ERA_NS = 10_000_000_000
_ERAS = 60
"""Ten minutes: enough to see a few ppm."""


@dataclass(frozen=True, slots=True)
class _Answer:
    at_ns: int
    """Our clock, in the middle of the round trip."""
    offset_ns: int
    round_trip_ns: int

    def error_ns(self, now_ns: int) -> int:
        """How far off the offset can be by now."""
        return self.round_trip_ns // 2 + int(abs(now_ns - self.at_ns) * _MOST_DRIFT)


class ClockOffset:
    """Answers in, offset and its certainty out. `offset_ns` is the other clock minus ours."""

    def __init__(self) -> None:
        self._answers: deque[_Answer] = deque(maxlen=_REMEMBERED)
        self._eras: deque[_Answer] = deque(maxlen=_ERAS)
        """The best answer of every ten seconds, for the drift."""
        self._best: _Answer | None = None
        self._count = 0
        self.steps = 0
        """How often the other clock turned out to be another one."""

    def answered(self, asked_ns: int, told_ns: int, heard_ns: int) -> None:
        """Take an answer; `asked_ns` and `heard_ns` are ours. One that cannot be (heard before asked) is ignored."""
        if heard_ns < asked_ns:
            return
        middle_ns = (asked_ns + heard_ns) // 2
        answer = _Answer(middle_ns, told_ns - middle_ns, heard_ns - asked_ns)
        if self._best is not None and self._contradicts(answer, self._best):
            self._forget()
        self._count += 1
        self._answers.append(answer)
        self._best = min(self._answers, key=lambda each: each.error_ns(middle_ns))
        self._note_era(answer)

    @property
    def is_known(self) -> bool:
        """Whether there was any answer."""
        return self._best is not None

    @property
    def ask_again_s(self) -> float:
        """How long to wait for the next question: ten quick ones, then one a second."""
        return _QUICK_S if self._count < _QUICK_ANSWERS else _SLOW_S

    @property
    def offset_ns(self) -> int:
        """The other clock minus ours; 0 while nothing is known."""
        return self._best.offset_ns if self._best is not None else 0

    @property
    def delay_ms(self) -> float:
        """One way, half of the quickest round trip remembered."""
        quickest = min((answer.round_trip_ns for answer in self._answers), default=0)
        return quickest / 2e6

    @property
    def jitter_ms(self) -> float:
        """How much longer than the quickest round trip all but 5 % take, at most."""
        waits = sorted(answer.round_trip_ns for answer in self._answers)
        return (waits[(len(waits) - 1) * 95 // 100] - waits[0]) / 1e6 if waits else 0.0

    @property
    def drift_ppm(self) -> float:
        """How much faster the other clock runs than ours; 0 until it is known to some 50 ppm."""
        if len(self._eras) < 3:
            return 0.0
        first, last = self._eras[0], self._eras[-1]
        quickest_ns = min(era.round_trip_ns for era in self._eras)
        queued_ns = first.round_trip_ns + last.round_trip_ns - 2 * quickest_ns
        span_ns = last.at_ns - first.at_ns
        if span_ns < 6 * _ERA_NS or queued_ns / 2 > _KNOWN_DRIFT * span_ns:
            return 0.0
        return (last.offset_ns - first.offset_ns) / span_ns * 1e6

    def to_ours(self, theirs_ns: int) -> int:
        """Translate a time on the other clock; never below 0."""
        return max(0, theirs_ns - self.offset_ns)

    def to_theirs(self, ours_ns: int) -> int:
        """Translate a time on our clock; never below 0."""
        return max(0, ours_ns + self.offset_ns)

    def _contradicts(self, answer: _Answer, best: _Answer) -> bool:
        slack_ns = answer.round_trip_ns // 2 + best.error_ns(answer.at_ns)
        return abs(answer.offset_ns - best.offset_ns) > slack_ns

    def _forget(self) -> None:
        self.steps += 1
        self._answers.clear()
        self._eras.clear()
        self._best = None
        self._count = 0

    def _note_era(self, answer: _Answer) -> None:
        era = answer.at_ns // _ERA_NS
        if not self._eras or self._eras[-1].at_ns // _ERA_NS != era:
            self._eras.append(answer)
        elif answer.round_trip_ns < self._eras[-1].round_trip_ns:
            self._eras[-1] = answer
