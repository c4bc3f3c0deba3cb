"""What is heard while a reply that ran dry waits for more: its last sound goes on for a moment and fades. Pure, no numpy.

As telephones do it (G.711, appendix I): the last period of the voice is found and repeated, joined to itself without a seam.
Full for 10 ms, gone after 60: longer than that it would be a hum, and silence is more honest.
"""

import operator
from array import array

from actors.outputs.fades import RATE_HZ, SAMPLE_BYTES

_MS = RATE_HZ // 1000
CONCEALED_BYTES = 60 * _MS * SAMPLE_BYTES
HISTORY_BYTES = 40 * _MS * SAMPLE_BYTES
"""What has to be known of the past."""
_FULL = 10 * _MS
_TOTAL = 60 * _MS
_SHORTEST = 60
"""Of a period, in samples: 400 Hz."""
_LONGEST = 360
"""67 Hz."""
_COMPARED = 10 * _MS
_COARSE = 4
_JOIN = 48
"""Samples over which two sounds change into each other: 2 ms."""
_GAINS = tuple(min(1.0, (_TOTAL - at) / (_TOTAL - _FULL)) for at in range(_TOTAL))
_RISING = tuple((at + 1) / (_JOIN + 1) for at in range(_JOIN))


def conceal(history: bytes) -> bytes:
    """Go on for 60 ms where `history` (at least 40 ms, else nothing) ends."""
    past = array("h", history[-HISTORY_BYTES:])
    if len(past) < HISTORY_BYTES // SAMPLE_BYTES:
        return b""
    period = _period(past)
    cycle = past[-period:]
    before = past[-period - _JOIN : -period]
    cycle[-_JOIN:] = _change(cycle[-_JOIN:], before)
    out = (cycle * (_TOTAL // period + 1))[:_TOTAL]
    step = past[-1] - past[-period - 1]  # 0 if the sound repeats itself exactly
    out[:_JOIN] = array("h", [_int16(new + step * (1 - g)) for new, g in zip(out, _RISING, strict=False)])
    return array("h", map(int, map(operator.mul, out, _GAINS))).tobytes()


def fade_over(rest: bytes, rising: bytes) -> bytes:
    """End what is left of a concealment while `rising`, the fade-in of what comes next, begins."""
    samples = array("h", rest)[: 2 * _JOIN]
    gains = [1 - (at + 1) / (len(samples) + 1) for at in range(len(samples))]
    falling = array("h", map(int, map(operator.mul, samples, gains)))
    other = array("h", rising)
    longer = max(len(falling), len(other))
    falling = falling + array("h", bytes((longer - len(falling)) * SAMPLE_BYTES))
    other = array("h", bytes((longer - len(other)) * SAMPLE_BYTES)) + other
    sums = map(operator.add, falling, other)
    return array("h", [_int16(both) for both in sums]).tobytes()


def _int16(value: float) -> int:
    return max(-32_768, min(32_767, int(value)))


def _change(old: "array[int]", new: "array[int]") -> "array[int]":
    """One sound into the other."""
    return array("h", [int(a + (b - a) * g) for a, b, g in zip(old, new, _RISING, strict=True)])


def _period(past: "array[int]") -> int:
    """After how many samples the sound repeats: sought among every fourth, then among the neighbours of the best."""
    coarse = array("i", map(sum, zip(*(past[at::_COARSE] for at in range(_COARSE)), strict=True)))
    rough = _best(coarse, range(_SHORTEST // _COARSE, _LONGEST // _COARSE + 1), _COMPARED // _COARSE)
    near = range(max(_SHORTEST, (rough - 1) * _COARSE), min(_LONGEST, (rough + 1) * _COARSE) + 1)
    return _best(past, near, _COMPARED)


def _best(samples: "array[int]", lags: range, compared: int) -> int:
    """The lag at which the last samples are most like those before."""
    end = len(samples)
    last = samples[end - compared :]
    best, best_score = lags[0], float("-inf")
    for lag in lags:
        earlier = samples[end - compared - lag : end - lag]
        likeness = sum(map(operator.mul, last, earlier))
        power = sum(map(operator.mul, earlier, earlier)) + 1
        score = likeness * abs(likeness) / power
        if score > best_score:
            best, best_score = lag, score
    return best
