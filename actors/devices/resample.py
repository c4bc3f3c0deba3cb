"""Between what a device speaks and what we speak: frames, channels and rates. All audio is int16 LE.

numpy and soxr are imported only if a rate has to be changed.
"""

from array import array
from itertools import starmap
from operator import add

from actors.devices.audio import OnFrame, Read

_SAMPLE_BYTES = 2
_NS_PER_S = 1_000_000_000


def to_mono(pcm: bytes, channels: int) -> bytes:
    """Average two channels; take the first of more."""
    if channels == 1:
        return pcm
    samples = array("h", pcm)
    if channels > 2:
        return samples[::channels].tobytes()
    sums = starmap(add, zip(samples[::2], samples[1::2], strict=True))
    return array("h", [both >> 1 for both in sums]).tobytes()


def from_mono(pcm: bytes, channels: int) -> bytes:
    """Give every channel the same."""
    if channels == 1:
        return pcm
    samples = array("h", pcm)
    spread = array("h", bytes(len(pcm) * channels))
    for channel in range(channels):
        spread[channel::channels] = samples
    return spread.tobytes()


class Resampler:
    """A stream from one rate to another, in pieces of any size; output sample n stands at the time n / rate."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        import numpy as np
        import soxr

        self._numpy = np
        # vr: as good as without, but it gives a steady 10 ms for 10 ms instead of 40 ms bursts (measured)
        self._stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="int16", quality="HQ", vr=True)
        self._from_hz, self._to_hz = from_hz, to_hz
        self._taken = self._given = 0

    def process(self, pcm: bytes) -> bytes:
        """Take mono samples, give those that are ready; some stay inside until more come."""
        samples = self._numpy.frombuffer(pcm, dtype=self._numpy.int16)
        ready = bytes(self._stream.resample_chunk(samples).tobytes())
        self._taken += len(samples)
        self._given += len(ready) // _SAMPLE_BYTES
        return ready

    def clear(self) -> None:
        """Forget what is inside: what comes next does not join what came before."""
        self._stream.clear()
        self._taken = self._given = 0

    @property
    def delay_s(self) -> float:
        """How much audio is inside."""
        return self._taken / self._from_hz - self._given / self._to_hz


class Framer:
    """Cuts what a device delivers into frames of one size at one rate, each with the time of its first sample."""

    def __init__(self, from_hz: int, to_hz: int, frame_ms: int, on_frame: OnFrame) -> None:
        self._resampler = Resampler(from_hz, to_hz) if from_hz != to_hz else None
        self._rate_hz = to_hz
        self._frame_bytes = to_hz * frame_ms // 1000 * _SAMPLE_BYTES
        self._on_frame = on_frame
        self._pending = bytearray()

    def add(self, pcm: bytes, captured_ns: int) -> None:
        """Take mono samples whose first was captured at `captured_ns`; hand over every frame that is full."""
        waited_ns = self._duration_ns(len(self._pending))
        if self._resampler:
            waited_ns += int(self._resampler.delay_s * _NS_PER_S)
            pcm = self._resampler.process(pcm)
        self._pending += pcm
        start_ns = captured_ns - waited_ns
        while len(self._pending) >= self._frame_bytes:
            frame = bytes(self._pending[: self._frame_bytes])
            del self._pending[: self._frame_bytes]
            self._on_frame(frame, start_ns)
            start_ns += self._duration_ns(self._frame_bytes)

    def _duration_ns(self, n_bytes: int) -> int:
        return n_bytes // _SAMPLE_BYTES * _NS_PER_S // self._rate_hz


class Puller:
    """Asks for samples at our rate and gives exactly as many as wanted at the device's rate."""

    def __init__(self, from_hz: int, to_hz: int, read: Read) -> None:
        self._resampler = Resampler(from_hz, to_hz) if from_hz != to_hz else None
        self._to_hz = to_hz
        self._per_pull = from_hz // 100
        self._read = read
        self._ready = bytearray()

    def pull(self, n_samples: int) -> bytes:
        """Give exactly `n_samples`. Raises `ValueError` if `read` gave another number than asked."""
        if not self._resampler:
            return self._exactly(n_samples)
        n_bytes = n_samples * _SAMPLE_BYTES
        while len(self._ready) < n_bytes:
            self._ready += self._resampler.process(self._exactly(self._per_pull))
        pulled = bytes(self._ready[:n_bytes])
        del self._ready[:n_bytes]
        return pulled

    def clear(self) -> None:
        """Drop what was pulled but not yet given."""
        self._ready.clear()
        if self._resampler:
            self._resampler.clear()

    @property
    def delay_s(self) -> float:
        """How much audio was pulled and is not given yet."""
        return (
            self._resampler.delay_s + len(self._ready) / _SAMPLE_BYTES / self._to_hz
            if self._resampler
            else 0.0
        )

    def _exactly(self, n_samples: int) -> bytes:
        pcm = self._read(n_samples)
        if len(pcm) != n_samples * _SAMPLE_BYTES:
            raise ValueError(
                f"the reader gave {len(pcm)} bytes, {n_samples} samples are {n_samples * _SAMPLE_BYTES}"
            )
        return pcm
