"""What a recording of the loudspeaker tells: when which tone sounded, and where it was silent. Pure."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

MIC_RATE_HZ = 16_000
SINK_RATE_HZ = 48_000
SINK_AHEAD_S = 0.01
"""A null sink mixes, and shows to its monitor, one block before that block is due."""
LETTER_S = 0.07
"""The parrot's melody: 70 ms a letter, each with a pitch of its own."""
LETTERS = {"low": "i", "high": "h"}
"""220 Hz and 1480 Hz."""
SILENT = 330
"""5 % of the tone; where two letters meet it is below that for 0.8 ms."""
WINDOW_S = 0.005
CROSSINGS_PER_S = 1500
"""Between 440 and 2960, what the two tones have."""
SHORTEST_GAP_S = 0.003

Pitch = Literal["low", "high"]
Samples = npt.NDArray[np.int16]


def pitch_of(turn: int) -> Pitch:
    """Return how the reply to the turn of that number (from 1) sounds."""
    return "low" if turn % 2 else "high"


def letter_of(turn: int) -> str:
    """Return the letter of which that reply consists."""
    return LETTERS[pitch_of(turn)]


@dataclass(frozen=True)
class Timeline:
    """Samples and when each was there, in monotonic seconds."""

    samples: Samples
    rate_hz: int
    start_s: float

    @classmethod
    def of(cls, blocks: list[tuple[float, bytes]], rate_hz: int, ahead_s: float = 0.0) -> "Timeline":
        """Build it from blocks and when they came: the one that was least late sets the clock.

        `ahead_s`: how long before its time a recorder was given its samples.
        """
        ends = np.cumsum([len(block) // 2 for _, block in blocks]) / rate_hz
        came = np.array([at for at, _ in blocks])
        samples = np.frombuffer(b"".join(block for _, block in blocks), dtype=np.int16)
        return cls(samples, rate_hz, float(np.min(came - ends)) + ahead_s)

    def at(self, sample: float) -> float:
        """Return when a sample was there."""
        return self.start_s + sample / self.rate_hz

    def index(self, at_s: float) -> int:
        """Return which sample was there at that time, within what was recorded."""
        return min(max(0, round((at_s - self.start_s) * self.rate_hz)), len(self.samples))


def sounding(line: Timeline, pitch: Pitch, from_s: float, to_s: float) -> tuple[float, float] | None:
    """Return when that tone was there first and last, None when it was not."""
    n = round(WINDOW_S * line.rate_hz)
    begin, end = line.index(from_s), line.index(to_s)
    part = line.samples[begin:end].astype(np.int32)
    windows = part[: len(part) // n * n].reshape(-1, n)
    is_high = np.diff(np.signbit(windows), axis=1).sum(axis=1) > CROSSINGS_PER_S * WINDOW_S
    found = np.flatnonzero(_is_full(windows) & (is_high if pitch == "high" else ~is_high))
    if not len(found):
        return None
    loud = np.flatnonzero(np.abs(part) > SILENT)
    first, last = int(found[0]) * n, (int(found[-1]) + 1) * n
    first = int(loud[np.searchsorted(loud, first - n)])  # it may begin and end within a window
    last = int(loud[np.searchsorted(loud, last + n) - 1]) + 1
    return line.at(begin + first), line.at(begin + last)


def gaps_s(line: Timeline, from_s: float, to_s: float) -> list[float]:
    """Return how long each silence between the first and the last sound lasted."""
    part = line.samples[line.index(from_s) : line.index(to_s)].astype(np.int32)
    loud = np.flatnonzero(np.abs(part) > SILENT)
    between = (np.diff(loud) - 1) / line.rate_hz
    return [float(gap) for gap in between[between >= SHORTEST_GAP_S]]


def _is_full(windows: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Say which windows sound from end to end: of a tone that fills a part of one, the crossings tell no pitch."""
    fifth = windows.shape[1] // 5
    loud = np.abs(windows) > SILENT
    return np.asarray(loud[:, :fifth].any(axis=1) & loud[:, -fifth:].any(axis=1))
