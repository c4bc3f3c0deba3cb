"""Text as a melody, where no speech synthesiser is installed: each letter has its pitch."""

from actors.model.parrot.pcm import REPLY_RATE_HZ

LETTER_S = 0.07
EDGE_S = 0.008
MAX_S = 10.0
LEVEL = 0.2
LOWEST_HZ = 220.0
PENTATONIC = (0, 2, 4, 7, 9)
"""Semitones within an octave; any two of them sound well together."""


def melody(text: str, rate_hz: int = REPLY_RATE_HZ) -> bytes:
    """Return the text as int16 PCM: 70 ms a letter, a rest for anything else, 10 s at most. The same text sounds the same."""
    letters = text[: int(MAX_S / LETTER_S)]
    return b"".join(_tone(_pitch_hz(letter), LETTER_S, rate_hz) for letter in letters)


def tone(length_s: float, rate_hz: int = REPLY_RATE_HZ) -> bytes:
    """Return one steady tone of that length as int16 PCM."""
    return _tone(2 * LOWEST_HZ, length_s, rate_hz)


def _pitch_hz(letter: str) -> float:
    if not letter.isalnum():
        return 0.0
    octave, step = divmod(ord(letter.lower()) % (3 * len(PENTATONIC)), len(PENTATONIC))
    return float(LOWEST_HZ * 2 ** (octave + PENTATONIC[step] / 12))


def _tone(pitch_hz: float, length_s: float, rate_hz: int) -> bytes:
    import numpy as np

    time_s = np.arange(round(length_s * rate_hz)) / rate_hz
    edge = np.clip(np.minimum(time_s, length_s - time_s) / EDGE_S, 0, 1)  # without it every letter clicks
    wave = LEVEL * 32767 * edge * np.sin(2 * np.pi * pitch_hz * time_s)
    return bytes(wave.astype("<i2").tobytes())
