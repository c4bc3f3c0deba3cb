"""What a recording of the loudspeaker tells: when which tone sounded, and where it was silent. Pure."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

MIC_RATE_HZ = 16_000
SINK_RATE_HZ = 48_000
AT_ONCE_S = 0.0005
"""What was mixed as one block may be read in pieces, so soon after one another."""
CLOCK_S = 4.0
"""Two clocks drift apart (a null sink with blocks of 128 samples by 250 ppm): one block in this time comes on the dot."""
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
    drift: tuple[tuple[float, float], ...] = ((0.0, 0.0),)
    """How many seconds later than by `start_s` and the rate these samples were there, and in proportion those between."""

    @classmethod
    def of(cls, blocks: list[tuple[float, bytes]], rate_hz: int, *, is_played: bool = False) -> "Timeline":
        """Build it from blocks and when they came: of each few seconds the one that was least late sets the clock.

        A microphone gives a block when its last sample was there; a sink mixes it, and shows it to its monitor, when its
        first one is due (`is_played`), however long the block is.
        """
        samples = np.frombuffer(b"".join(block for _, block in blocks), dtype=np.int16)
        came, lengths = _whole(blocks)
        ends = np.cumsum(lengths)
        places = ends - lengths if is_played else ends
        starts = came - places / rate_hz
        windows = ((came - came[0]) // CLOCK_S).astype(int)
        prompt = [
            int(i[np.argmin(starts[i])]) for n in np.unique(windows) if len(i := np.flatnonzero(windows == n))
        ]
        start_s = float(starts[prompt[0]])
        return cls(
            samples, rate_hz, start_s, tuple((float(places[i]), float(starts[i]) - start_s) for i in prompt)
        )

    def at(self, sample: float) -> float:
        """Return when a sample was there."""
        return float(self.times(np.array([sample]))[0])

    def times(self, samples: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Return when each of these samples was there."""
        return self.start_s + samples / self.rate_hz + self._late(samples)

    def index(self, at_s: float) -> int:
        """Return which sample was there at that time, within what was recorded."""
        by_rate = (at_s - self.start_s) * self.rate_hz
        found = round(by_rate - float(self._late(np.array([by_rate]))[0]) * self.rate_hz)
        return min(max(0, found), len(self.samples))

    def _late(self, samples: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        places, late_s = zip(*self.drift, strict=True)
        return np.interp(samples, places, late_s)


def _whole(blocks: list[tuple[float, bytes]]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Put together what was mixed as one block: when each came, and of how many samples it is."""
    came: list[float] = []
    lengths: list[int] = []
    last_s = -np.inf
    for at_s, block in blocks:
        if at_s - last_s >= AT_ONCE_S:
            came.append(at_s)
            lengths.append(0)
        lengths[-1] += len(block) // 2
        last_s = at_s
    return np.array(came), np.array(lengths)


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
