"""A stream made a little longer or shorter: how a loudspeaker keeps up with another machine's clock. Pure, without numpy.

Every block of n + k samples is drawn over n, for k of -1, 0 or 1 or a few more: each new sample stands at an even step
between the old ones, on the cubic through the four around it (Catmull-Rom). The blocks join without a seam, as the two
samples that follow a block are waited for. With k = 0 the samples pass unchanged.
"""

from array import array

_AROUND = 3
"""Samples of the past that a curve needs: one before its first point, two after its last."""


class Stretcher:
    """Holds back two samples (0.08 ms at 24 kHz), always the same two."""

    def __init__(self) -> None:
        self._carry = array("h", bytes(2 * _AROUND))

    def fit(self, pcm: bytes, n_samples: int) -> bytes:
        """Draw these samples over exactly `n_samples`."""
        source = self._carry + array("h", pcm)
        self._carry = source[-_AROUND:]
        n_source = len(source) - _AROUND
        if n_source == n_samples:
            return source[1 : 1 + n_samples].tobytes()
        step = n_source / n_samples
        return array("h", [_curve(source, 1 + number * step) for number in range(n_samples)]).tobytes()

    def clear(self) -> None:
        """Forget what is held back: what comes next does not join what came before."""
        self._carry = array("h", bytes(2 * _AROUND))


def _curve(samples: "array[int]", at: float) -> int:
    """The value at a place between samples 1 and -2."""
    index = int(at)
    part = at - index
    before, here, after, beyond = samples[index - 1 : index + 3]
    slope_2 = after - before
    bend = 2 * before - 5 * here + 4 * after - beyond
    twist = 3 * (here - after) + beyond - before
    value = here + 0.5 * part * (slope_2 + part * (bend + part * twist))
    return max(-32_768, min(32_767, round(value)))
