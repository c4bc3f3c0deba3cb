"""How fast to play so that a loudspeaker keeps to a time given by another clock. Pure.

A sound card, its machine and the host each have a quartz of their own, up to 200 ppm apart: 12 ms a minute. Now and then
somebody measures how late the loudspeaker is; from that comes how many samples more (or fewer) than asked for the next block
is made of. The measurements waver by a device's period, so the median of some is believed, and corrected slowly: what is
10 ms late is caught up by 0.1 %, never by more than 0.5 %, which nobody hears. What is further off than that can mend has to
jump.
"""

from collections import deque
from statistics import median

MOST = 0.005
"""Half a percent: a twelfth of a semitone."""
SETTLE_S = 10.0
"""A lateness is corrected to a third in this time."""
JUMP_S = 0.5
_REMEMBERED = 15


class Drift:
    """Lateness in, samples to slip out."""

    def __init__(self, jump_s: float = JUMP_S) -> None:
        self._jump_s = jump_s
        self._late: deque[float] = deque(maxlen=_REMEMBERED)
        self._rest = 0.0
        self.rate = 0.0
        """How much faster than its own clock the loudspeaker plays now, as a share of 1."""

    def measured(self, late_s: float) -> None:
        """The loudspeaker is this much behind (or, below 0, ahead) of its time."""
        self._late.append(late_s)
        wanted = median(self._late) / SETTLE_S
        self.rate = max(-MOST, min(MOST, wanted))

    def slip(self, n_samples: int) -> int:
        """How many samples more than `n_samples` the next block of that size is made of (fewer, below 0)."""
        self._rest += n_samples * self.rate
        whole = int(self._rest)
        self._rest -= whole
        return whole

    @property
    def has_to_jump(self) -> bool:
        """Whether it is further off than slow correction can mend."""
        return len(self._late) == _REMEMBERED and abs(median(self._late)) > self._jump_s

    def reset(self) -> None:
        """Begin anew, after a jump or with another reply; the rate is kept, as the quartzes are the same."""
        self._late.clear()

    @property
    def ppm(self) -> float:
        """The rate in parts per million, for status."""
        return self.rate * 1e6
