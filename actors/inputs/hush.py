"""Whether nobody speaks: then the voice need not hurry. Pure; it decides nothing but how soon something is sent.

A room is quiet when it has been no louder than its own noise for a while, be that a hum, a fan or nothing at all. Loudness is the
distance from the lowest to the highest sample, which direct current does not change.
"""

from collections import deque

HANG_OVER_S = 2.0
"""So long after the last sound it stays lively: the pauses of a sentence, and the end of a turn, are nothing to be late for."""
LEAST_SWING = 400
"""About -44 dBFS: below this nothing is speech. The model's side begins to listen at -42."""
OVER_NOISE = 2.0
NOISE_MEMORY_S = 10.0
"""The quietest tenth of a second in this time is noise: nobody speaks for so long without taking breath."""
_WINDOWS_PER_S = 10


class Hush:
    """Fed with every frame, in order."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._quiet_samples = 0
        self._windows: deque[int] = deque(maxlen=int(NOISE_MEMORY_S * _WINDOWS_PER_S))
        """How loud the last tenths of a second were; single frames of a deep rumble can be silent."""
        self._window_swing = 0
        self._window_samples = 0
        self._threshold = LEAST_SWING

    def heard(self, swing: int, n_samples: int) -> bool:
        """Take in how loud a frame is; tells whether the room is quiet."""
        self._window_swing = max(self._window_swing, swing)
        self._window_samples += n_samples
        if self._window_samples * _WINDOWS_PER_S >= self._rate_hz:
            self._window_is_over()
        if swing > self._threshold:
            self._quiet_samples = 0
        else:
            self._quiet_samples += n_samples
        return self.is_quiet

    @property
    def is_quiet(self) -> bool:
        """Whether nobody has spoken for a while."""
        return self._quiet_samples > HANG_OVER_S * self._rate_hz

    def stir(self) -> None:
        """Something is about to happen: be lively for a while."""
        self._quiet_samples = 0

    def _window_is_over(self) -> None:
        self._windows.append(self._window_swing)
        self._threshold = max(LEAST_SWING, int(OVER_NOISE * min(self._windows)))
        self._window_swing = self._window_samples = 0
