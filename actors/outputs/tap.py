"""What the loudspeaker is about to play, handed from the device's thread to the actor, for the microphones' sake."""

import contextlib
import os
from collections import deque

from actors.devices.sample_clock import SampleClock, to_ns
from actors.outputs.fades import RATE_HZ, SAMPLE_BYTES
from actors.wire import Reference, ReferenceCut

_SLIP_SAMPLES = 1
_MOST_BLOCKS = 100
"""At 20 ms each, 2 s: what is older than that has been heard long ago."""


class Tap:
    """A short queue of references. `took` runs in the device's thread and never waits; the rest in the actor's."""

    def __init__(self) -> None:
        self._clock = SampleClock(RATE_HZ)
        self._is_interrupted = False
        self._end: int | None = None
        """The sample after the last block."""
        self._blocks: deque[Reference | ReferenceCut] = deque(maxlen=_MOST_BLOCKS)
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        """Readable when there is something to take."""

    def took(self, pcm: bytes, audible_ns: int, *, is_reply_heard: bool) -> None:
        """Note what the device took. Between replies silence is not worth a message, but its time passes."""
        if self._is_interrupted:
            self._is_interrupted = False
            self._clock.reset()
            self._end = None
        first = self._clock.place(audible_ns, len(pcm) // SAMPLE_BYTES)
        if self._end is not None and abs(first - self._end) > _SLIP_SAMPLES:  # the device lost its buffer
            self._blocks.append(ReferenceCut(to_ns(first, RATE_HZ)))
        self._end = first + len(pcm) // SAMPLE_BYTES
        if is_reply_heard or pcm.count(0) != len(pcm):
            self._blocks.append(Reference(pcm, to_ns(first, RATE_HZ)))
            os.eventfd_write(self.fd, 1)

    def take(self) -> list[Reference | ReferenceCut]:
        """Give what came since the last time."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.fd)
        return [self._blocks.popleft() for _ in range(len(self._blocks))]

    def interrupt(self) -> None:
        """Forget what waits: the device was aborted, and begins anew."""
        self._blocks.clear()
        self._is_interrupted = True

    def close(self) -> None:
        """Let go of the descriptor; the device must be closed before."""
        with contextlib.suppress(OSError):
            os.close(self.fd)
