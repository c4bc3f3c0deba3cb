"""Where speech begins and ends in a stream of audio. Pure, and on audio time: no samples, no time.

Loudness is measured in windows of 20 ms, without the direct current that cheap sound cards add. A window is voiced when it is
louder than a fixed level and clearly louder than the quietest window of the last ten seconds, so a steady noise is not
taken for speech for longer than that. Plain Python on purpose: 50 windows a second cost under 1 ms, and no import.
"""

import math
from array import array
from collections import deque
from operator import mul
from typing import NamedTuple

from actors.model.parrot.pcm import BYTES_PER_SAMPLE, seconds

WINDOW_S = 0.02
MIN_LEVEL = 250.0
"""RMS of int16, about -42 dBFS: below this nothing is speech."""
OVER_NOISE = 3.0
STAY_RATIO = 0.8
"""Speech that has begun may drop to this part of the threshold: word ends are quiet."""
MARGIN_S = 0.2
"""Sound kept before the first and after the last voiced window."""
MAX_SPEECH_S = 60.0
NOISE_MEMORY_S = 10
START_MS = 60
SILENCE_MS = 500


class SpeechStarted(NamedTuple):
    """The user began to speak, at this second of the stream."""

    at_s: float


class SpeechEnded(NamedTuple):
    """The user has spoken: the sound (int16 LE mono), its rate, and how long of it was voiced."""

    pcm: bytes
    rate_hz: int
    voiced_s: float


Heard = SpeechStarted | SpeechEnded


class EnergyVad:
    """Finds speech by loudness. `start_ms` of voice begin it, `silence_ms` without end it, as does a full minute."""

    def __init__(self, rate_hz: int, *, start_ms: int = START_MS, silence_ms: int = SILENCE_MS) -> None:
        self.rate_hz = rate_hz
        self._window_bytes = round(rate_hz * WINDOW_S) * BYTES_PER_SAMPLE
        self._start_windows = max(1, round(start_ms / 1000 / WINDOW_S))
        self._silence_windows = max(1, round(silence_ms / 1000 / WINDOW_S))
        self._margin_windows = round(MARGIN_S / WINDOW_S)
        self._unread = b""
        self._windows = 0
        self._noise = _NoiseFloor()
        self._before: deque[bytes] = deque(maxlen=self._margin_windows + self._start_windows)
        self._speech: list[bytes] | None = None
        self._lead = 0
        self._voiced_run = 0
        self._silent_run = 0

    def feed(self, pcm: bytes) -> list[Heard]:
        """Take the next bytes of the stream (a sample may be split between two calls); return what was noticed."""
        stream = self._unread + pcm
        whole = len(stream) - len(stream) % self._window_bytes
        self._unread = stream[whole:]
        heard: list[Heard] = []
        for start in range(0, whole, self._window_bytes):
            heard += self._take(stream[start : start + self._window_bytes])
        return heard

    def finish(self) -> list[Heard]:
        """Close speech that is open: the stream pauses here."""
        self._unread = b""
        return [] if self._speech is None else [self._end(self._speech)]

    def _take(self, window: bytes) -> list[Heard]:
        self._windows += 1
        level = _level(window)
        threshold = max(MIN_LEVEL, OVER_NOISE * self._noise.add(level))
        if self._speech is None:
            return self._wait_for_speech(window, voiced=level > threshold)
        return self._follow_speech(self._speech, window, voiced=level > STAY_RATIO * threshold)

    def _wait_for_speech(self, window: bytes, *, voiced: bool) -> list[Heard]:
        self._before.append(window)
        self._voiced_run = self._voiced_run + 1 if voiced else 0
        if self._voiced_run < self._start_windows:
            return []
        self._speech, self._silent_run = list(self._before), 0
        self._lead = len(self._speech) - self._voiced_run
        self._before.clear()
        return [SpeechStarted((self._windows - self._voiced_run) * WINDOW_S)]

    def _follow_speech(self, speech: list[bytes], window: bytes, *, voiced: bool) -> list[Heard]:
        speech.append(window)
        self._silent_run = 0 if voiced else self._silent_run + 1
        too_long = len(speech) * WINDOW_S >= MAX_SPEECH_S
        return [self._end(speech)] if self._silent_run >= self._silence_windows or too_long else []

    def _end(self, speech: list[bytes]) -> SpeechEnded:
        surplus = max(0, self._silent_run - self._margin_windows)
        kept = speech[: len(speech) - surplus]
        quiet = self._lead + min(self._silent_run, self._margin_windows)
        self._speech, self._voiced_run = None, 0
        return SpeechEnded(b"".join(kept), self.rate_hz, max(0.0, (len(kept) - quiet) * WINDOW_S))


class ManualVad:
    """Takes as speech what the client marks as speech, up to a minute of it.

    `rate_hz` may be set at any time, because speech is opened before its first sound says how fast it is.
    """

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._speech: bytearray | None = None
        self._heard_bytes = 0

    def begin(self) -> list[Heard]:
        """Open speech; what is open already stays open."""
        if self._speech is not None:
            return []
        self._speech = bytearray()
        return [SpeechStarted(seconds(self._heard_bytes, self.rate_hz))]

    def feed(self, pcm: bytes) -> list[Heard]:
        """Keep the bytes if speech is open."""
        self._heard_bytes += len(pcm)
        if self._speech is not None:
            room = round(MAX_SPEECH_S * self.rate_hz) * BYTES_PER_SAMPLE - len(self._speech)
            self._speech += pcm[: max(0, room)]
        return []

    def finish(self) -> list[Heard]:
        """Close speech; without a sample in it there was none."""
        speech, self._speech = self._speech, None
        if not speech:
            return []
        whole = bytes(speech[: len(speech) - len(speech) % BYTES_PER_SAMPLE])
        return [SpeechEnded(whole, self.rate_hz, seconds(len(whole), self.rate_hz))]


class _NoiseFloor:
    """The quietest window of the last ten seconds; before there were ten seconds, silence is assumed."""

    def __init__(self) -> None:
        self._per_second = round(1 / WINDOW_S)
        self._quietest: deque[float] = deque([0.0] * NOISE_MEMORY_S, maxlen=NOISE_MEMORY_S)
        self._second: list[float] = []

    def add(self, level: float) -> float:
        self._second.append(level)
        if len(self._second) == self._per_second:
            self._quietest.append(min(self._second))
            self._second.clear()
        return min(self._quietest)


def _level(window: bytes) -> float:
    samples = array("h", window)
    mean = sum(samples) / len(samples)
    power = sum(map(mul, samples, samples)) / len(samples) - mean * mean
    return math.sqrt(max(0.0, power))
