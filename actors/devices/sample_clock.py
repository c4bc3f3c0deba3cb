"""Where the blocks of a stream of samples stand in time, although the times they are stamped with waver. Pure.

A device's callbacks come early or late, in bursts when it starts and after the machine was busy; its samples do not: they
follow one another without a hole. So blocks are placed one after the other. If most of the last ones say that they stand
wrong, by little, the blocks slip by a sample now and then: two clocks drift apart. By much: samples were lost, and they step.
A block that is much too early is believed at once: a busy machine makes late, but no device calls before it needs to.
(Measured with PulseAudio: callbacks gain or lose up to a period in a few seconds, though no sample is lost. Following that
in steps of 5 ms spoils an echo canceller, which learns anew for a second.)
"""

from collections import deque
from statistics import median_low

_NS_PER_S = 1_000_000_000
_REMEMBERED_BLOCKS = 25
_FIRST_BLOCKS = 8
"""A device that begins is wrong about the first few, as it fills its buffer: this is soon mended."""
_SLIP_S = 0.012
_SLIP_EVERY_S = 0.4
"""One sample of 24 kHz in this time is 100 ppm, more than two quartzes differ."""
_STEP_S = 0.03
_JUMP_S = 1.0
"""So far off is another stream: the device was closed, suspended, or its machine slept."""


class SampleClock:
    """Numbers samples on the time axis of the monotonic clock: sample n is due at n / rate seconds."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._next: int | None = None
        self._errors: deque[int] = deque(maxlen=_REMEMBERED_BLOCKS)
        self._is_new = True
        self._since_slip = 0

    def place(self, measured_ns: int, n_samples: int) -> int:
        """Return the number of the first sample of the next block, which was measured to be at `measured_ns`."""
        measured = to_samples(measured_ns, self._rate_hz)
        early_s = 0.0 if self._next is None else (self._next - measured) / self._rate_hz
        if self._next is None or not -_JUMP_S <= early_s <= _STEP_S:
            self.reset()
            self._next = measured
        self._errors.append(measured - self._next)
        start = self._next + self._correction()
        self._next = start + n_samples
        self._since_slip += n_samples
        return start

    def reset(self) -> None:
        """Let the next block stand where it is measured to be."""
        self._next = None
        self._errors.clear()
        self._is_new = True

    def _correction(self) -> int:
        """Return by how many samples the next block has to move."""
        if len(self._errors) < (_FIRST_BLOCKS if self._is_new else _REMEMBERED_BLOCKS):
            return 0
        error = median_low(self._errors)
        if self._is_new or abs(error) > _STEP_S * self._rate_hz:
            self._is_new = False
            self._errors.clear()
            return error
        if abs(error) > _SLIP_S * self._rate_hz and self._since_slip > _SLIP_EVERY_S * self._rate_hz:
            self._since_slip = 0
            return 1 if error > 0 else -1
        return 0


def to_samples(time_ns: int, rate_hz: int) -> int:
    """Return the number of the sample that is due nearest to this time."""
    return round(time_ns * rate_hz / _NS_PER_S)


def to_ns(sample: int, rate_hz: int) -> int:
    """Return when a sample is due; `to_samples` gives the very same number back."""
    return sample * _NS_PER_S // rate_hz
