"""Frames between the device's thread and the mic actor's loop: at once while somebody speaks, gathered while nobody does.

Every message costs a wake-up in two processes and a message to the model, whether it holds a word or nothing. So in a quiet
room frames wait here until some are together; the first one that is louder than the room takes all along with it.
"""

import os
import time
from array import array
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from actors.inputs.hush import Hush
from actors.runtime.inbox import Counters

MOST_WAITING = 500
"""10 s of frames of 20 ms."""
_NS_PER_S = 1_000_000_000
_SAMPLE_BYTES = 2
_EACH = 3
"""How loud it is, every third sample tells as well, for a fifth of the time."""
_CONTIGUOUS_NS = 50_000_000
"""The times that devices stamp waver by so much; further apart something is missing between two frames."""


class Arrival(NamedTuple):
    """A frame, or several that followed one another."""

    pcm: bytes
    captured_ns: int
    arrived_ns: int
    peak: int
    """About the highest sample."""
    frames: int = 1
    is_quiet: bool = False


class Arrivals:
    """A queue with one thread at either end."""

    def __init__(self, rate_hz: int, quiet_ms: int, counters: Counters, may_rest: Callable[[], bool]) -> None:
        self.wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        """Can be read when there is something to take."""
        self._rate_hz = rate_hz
        self._quiet_bytes = rate_hz * quiet_ms // 1000 * _SAMPLE_BYTES
        self._counters = counters
        self._may_rest = may_rest
        self._hush = Hush(rate_hz)
        self._waiting: deque[Arrival] = deque(maxlen=MOST_WAITING)

    def has_slice(self, *, at_once: bool) -> bool:
        """Whether there is something to take: of silence, only as much as goes out together, or `at_once` what there is."""
        if not self._waiting:
            return False
        oldest, newest = self._waiting[0], self._waiting[-1]
        is_enough = len(self._waiting) * len(oldest.pcm) >= self._quiet_bytes
        return at_once or is_enough or not (oldest.is_quiet and newest.is_quiet)

    def is_resting(self) -> bool:
        """Whether nobody is in a hurry now."""
        return self._quiet_bytes > 0 and self._hush.is_quiet and self._may_rest()

    @property
    def first_ns(self) -> int:
        """When the oldest frame that waits came."""
        return self._waiting[0].arrived_ns

    def captured(self, pcm: bytes, captured_ns: int) -> None:
        """Take a frame; in the device's thread."""
        samples = array("h", pcm)[::_EACH]
        high, low = max(samples, default=0), min(samples, default=0)
        self._hush.heard(high - low, len(pcm) // _SAMPLE_BYTES)
        if not self._may_rest():
            self._hush.stir()
        is_quiet = self.is_resting()
        if len(self._waiting) == MOST_WAITING:
            self._counters.drop("loop_blocked")
        self._waiting.append(
            Arrival(pcm, captured_ns, time.monotonic_ns(), max(high, -low), is_quiet=is_quiet)
        )
        if not is_quiet or len(self._waiting) * len(pcm) >= self._quiet_bytes:
            os.eventfd_write(self.wake, 1)

    def take(self) -> Arrival:
        """Return the oldest frame, with those that can go along. Raises `IndexError` when nothing waits."""
        first = self._waiting.popleft()
        together = [first]
        n_bytes = len(first.pcm)
        while first.is_quiet and self._waiting:
            following = self._waiting[0]
            n_bytes += len(following.pcm)
            if (
                not following.is_quiet
                or n_bytes > self._quiet_bytes
                or not self._follows(together, following)
            ):
                break
            together.append(self._waiting.popleft())
        return _joined(together)

    def clear(self) -> None:
        """Forget what waits, and the room."""
        self._waiting.clear()
        self._hush.stir()

    def close(self) -> None:
        """Give the descriptor back."""
        if self.wake >= 0:
            os.close(self.wake)
            self.wake = -1

    def _follows(self, before: list[Arrival], frame: Arrival) -> bool:
        n_samples = sum(len(each.pcm) for each in before) // _SAMPLE_BYTES
        due_ns = before[0].captured_ns + n_samples * _NS_PER_S // self._rate_hz
        return abs(frame.captured_ns - due_ns) < _CONTIGUOUS_NS


def _joined(together: list[Arrival]) -> Arrival:
    first = together[0]
    if len(together) == 1:
        return first
    return first._replace(
        pcm=b"".join(each.pcm for each in together),
        peak=max(each.peak for each in together),
        frames=len(together),
    )
