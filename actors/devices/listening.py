"""The thread that listens to an open microphone: looks what is there, takes it, and sleeps, longer while nobody is in a hurry."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from actors.devices.capture_pace import FIRST_S, CapturePace
from actors.devices.capture_time import CaptureAge

MOST_S = 30.0
"""A device without a clock would never come to an end."""
_NS_PER_S = 1_000_000_000


class Ear(Protocol):
    """What it listens to. Nothing here may block."""

    def available(self) -> int:
        """Return how many samples can be read now; less than none if the device has gone."""

    def read(self, n_samples: int) -> bytes:
        """Return what can be read. Raises `OSError` if the device has gone."""

    def taken(self, pcm: bytes, captured_ns: int) -> None:
        """Pass on what was read, with the time of its first sample."""


class Listening:
    """Works from the beginning until it is closed or the device has gone."""

    def __init__(self, ear: Ear, rate_hz: int, period_s: float, is_resting: Callable[[], bool]) -> None:
        self.is_over = False
        self._ear = ear
        self._rate_hz = rate_hz
        self._age = CaptureAge(rate_hz)
        self._pace = CapturePace(period_s)
        self._is_resting = is_resting
        self._thread = threading.Thread(target=self._listen, name="Listening", daemon=True)
        self._thread.start()

    @property
    def gaps(self) -> int:
        """Count how often samples were missing."""
        return self._age.gaps

    def close(self) -> None:
        """Stop: the device is not touched any more. May be called twice."""
        self.is_over = True
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _listen(self) -> None:
        time.sleep(FIRST_S)
        try:
            while not self.is_over:
                taken_s = self._look()
                time.sleep(self._pace.wait_s(taken_s, is_resting=self._is_resting()))
        except OSError:  # its server has gone
            self.is_over = True

    def _look(self) -> float:
        """Take what is there, together: how old its first sample is tells its whole length. Gives that in seconds."""
        blocks: list[bytes] = []
        taken = 0
        while not self.is_over and taken < MOST_S * self._rate_hz and (n_samples := self._ear.available()):
            if n_samples < 0:
                self.is_over = True
                break
            blocks.append(self._ear.read(n_samples))
            taken += n_samples
        if taken:
            now_ns = time.monotonic_ns()
            age_s = self._age.of(taken, now_ns / _NS_PER_S)
            self._ear.taken(b"".join(blocks), now_ns - int(age_s * _NS_PER_S))
        return taken / self._rate_hz
