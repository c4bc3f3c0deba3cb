"""The edges between sound and silence: 4 ms of the nearest samples mirrored in time, so that nothing clicks. Pure."""

import operator
from array import array

RATE_HZ = 24_000
SAMPLE_BYTES = 2
_FADE_SAMPLES = 4 * RATE_HZ // 1000
FADE_BYTES = _FADE_SAMPLES * SAMPLE_BYTES
_FADE_GAINS = tuple(step / (_FADE_SAMPLES + 1) for step in range(_FADE_SAMPLES, 0, -1))
_LOUD = 256
"""An edge sample beyond this (-42 dBFS) clicks; a reply that starts or ends below it needs no fade."""


def fade_out(pcm: bytes | bytearray) -> bytes:
    """Mirror the end of `pcm` in time and fade it out; nothing if its last sample is quiet."""
    samples = array("h", bytes(pcm[-FADE_BYTES:]))
    samples.reverse()
    if not samples or abs(samples[0]) < _LOUD:
        return b""
    return array("h", map(int, map(operator.mul, samples, _FADE_GAINS))).tobytes()


def fade_in(pcm: bytes | bytearray) -> bytes:
    """Mirror the start of `pcm` in time and fade it in; nothing if its first sample is quiet."""
    mirrored = array("h", bytes(pcm))
    mirrored.reverse()
    fade = array("h", fade_out(mirrored.tobytes()))
    fade.reverse()
    return fade.tobytes()
