"""What became of the microphone's samples: which arrived, how old they were, which did not. Pure.

What the server got is laid over what the microphone gave, 10 ms by 10 ms: a block is expected right behind the one before, and
is looked for everywhere behind it when it is not there.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from scripts.benchmarks.sound import Samples, Timeline

BLOCK_S = 0.01
ALIKE = 0.85
"""Two different blocks of the noise stay below 0.7."""
SLACK = 3
"""Two resamplers need not agree on where a sample begins."""
QUIET = 20.0
"""RMS below which a block says nothing."""
SEARCH_S = 6.0

Ages = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Arrived:
    """The microphone's audio as the server got it."""

    ages_s: Ages
    """Per 10 ms: from the end of its capture to its arrival."""
    lateness_s: Ages
    """Per message: how much later it came than the promptest one."""
    lost_s: float
    """Blocks that were captured and never came; a cut costs up to one block more than it took."""


def follow(given: Timeline, chunks: list[tuple[int, bytes]], from_s: float, to_s: float) -> Arrived:
    """Follow what was captured between two times to the server. Chunks: ns of arrival, and int16 mono at the same rate."""
    n = round(BLOCK_S * given.rate_hz)
    got = np.frombuffer(b"".join(pcm for _, pcm in chunks), dtype=np.int16)
    places = locate(given.samples, got, n)
    ends = np.cumsum([len(pcm) // 2 for _, pcm in chunks])
    carrier = np.searchsorted(ends, np.arange(len(places)) * n + n - 1)
    came_s = np.array([at / 1e9 for at, _ in chunks])[carrier] if len(chunks) else np.empty(0)
    begin, end = given.index(from_s), given.index(to_s)
    counts = (places >= begin) & (places < end)
    captured_s = given.times(places + n)
    ages_s = (came_s - captured_s)[counts]
    _, first = np.unique(carrier[counts], return_index=True)
    oldest = ages_s[first]
    return Arrived(
        ages_s, oldest - oldest.min(initial=np.inf), _uncovered(places[counts], begin, end, n) / given.rate_hz
    )


def locate(given: Samples, got: Samples, n: int) -> npt.NDArray[np.int64]:
    """Return where in `given` each block of `n` samples of `got` stands, -1 where it is quiet or nowhere."""
    places = np.full(len(got) // n, -1)
    expected = -1
    for number in range(len(places)):
        block = got[number * n : number * n + n].astype(float)
        if np.sqrt(np.mean(block * block)) < QUIET:
            expected += n if expected >= 0 else 0
            continue
        near = _best(given, block, max(0, expected - SLACK), expected + SLACK) if expected >= 0 else -1
        found = near if near >= 0 else _search(given, block, max(0, expected - n))
        places[number] = found
        expected = found + n if found >= 0 else expected
    return places


def _search(given: Samples, block: npt.NDArray[np.float64], behind: int) -> int:
    """Look everywhere from a place on, a second at a time."""
    second = 100 * len(block)
    stop = len(given) if behind == 0 else min(len(given), behind + round(SEARCH_S / BLOCK_S) * len(block))
    for begin in range(behind, stop, second):
        if (found := _best(given, block, begin, begin + second)) >= 0:
            return found
    return -1


def _best(given: Samples, block: npt.NDArray[np.float64], first: int, last: int) -> int:
    """Return the most alike place from `first` to `last`, -1 if none is alike enough."""
    part = given[first : last + len(block)].astype(float)
    if len(part) < len(block):
        return -1
    windows = sliding_window_view(part, len(block))
    norms = np.sqrt((windows * windows).sum(axis=1)) * np.sqrt(block @ block)
    alike = np.where(norms > 0, windows @ block / np.maximum(norms, 1e-9), 0.0)
    best = int(np.argmax(alike))
    return first + best if alike[best] >= ALIKE else -1


def _uncovered(places: npt.NDArray[np.int64], begin: int, end: int, n: int) -> int:
    """Count the samples from `begin` to `end` on which no block lies, but for the slack between neighbours."""
    covered = np.zeros(max(0, end - begin), dtype=bool)
    for place in places:
        covered[max(0, place - begin - SLACK) : place - begin + n + SLACK] = True
    return int((~covered[n : len(covered) - n]).sum())
