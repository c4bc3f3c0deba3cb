"""When the user stopped speaking, as far as the audio sent to the model tells. Pure; it decides nothing, it only measures."""

import math
from array import array
from collections import deque
from operator import mul

from actors.wire import MicChunk

RATE_HZ = 16_000
MIN_LEVEL = 250.0
"""RMS of int16, about -42 dBFS: below this nothing is speech."""
OVER_NOISE = 3.0
NOISE_MEMORY = 10
"""The quietest chunk of the last so many spans is noise."""
NOISE_SPAN_NS = 1_000_000_000
MOST_NS = 60_000_000_000
"""What comes later than this after the voice does not answer it."""


class Utterance:
    """Fed with every chunk that is sent; knows the last voiced sample that was not answered yet."""

    def __init__(self) -> None:
        self._ended_ns = 0
        self._quietest: deque[float] = deque([0.0], maxlen=NOISE_MEMORY)
        self._span_ns = 0

    def sent(self, chunk: MicChunk) -> None:
        """The model was given this."""
        samples = array("h", chunk.pcm_16k[: len(chunk.pcm_16k) // 2 * 2])
        level, mean = _level(samples)
        threshold = max(MIN_LEVEL, OVER_NOISE * self._noise(level, chunk.captured_ns))
        if level > threshold:
            voiced = (at for at in range(len(samples) - 1, -1, -1) if abs(samples[at] - mean) > threshold)
            self._ended_ns = chunk.captured_ns + next(voiced) * 1_000_000_000 // RATE_HZ

    def answered(self, now_ns: int) -> int:
        """The first sound of an answer came: return when the voice it answers ended, monotonic; 0 if there was none. Once."""
        ended_ns, self._ended_ns = self._ended_ns, 0
        return ended_ns if now_ns - ended_ns <= MOST_NS else 0

    def _noise(self, level: float, at_ns: int) -> float:
        if at_ns - self._span_ns > NOISE_SPAN_NS:
            self._quietest.append(level)
            self._span_ns = at_ns
        self._quietest[-1] = min(self._quietest[-1], level)
        return min(self._quietest)


def _level(samples: "array[int]") -> tuple[float, float]:
    """Return loudness (RMS) and the direct current that cheap sound cards add."""
    count = max(1, len(samples))
    mean = sum(samples) / count
    power = sum(map(mul, samples, samples)) / count - mean * mean
    return math.sqrt(max(0.0, power)), mean
