"""Voices for the tests of echo: syllables of a gliding pitch with pauses between them, always the same for a seed."""

import numpy as np
from virtual_audio import Samples

SYLLABLES_PER_S = 4
_FORMANTS_HZ = ((500, 1.0), (1500, 0.6), (2500, 0.3))


def talker(seconds: float, rate_hz: int, pitch_hz: float = 120, *, level: float = 2500) -> Samples:
    """Speak without words: int16, `level` is its RMS. Another pitch is another voice that says other things."""
    rng = np.random.default_rng(int(pitch_hz))
    n_syllables = int(seconds * SYLLABLES_PER_S)
    spoken = [_syllable(rng, rate_hz, pitch_hz * rng.uniform(0.8, 1.3)) for _ in range(n_syllables)]
    voice = np.concatenate(spoken)
    return np.clip(voice * level / voice.std(), -32_000, 32_000).astype(np.int16)


def _syllable(rng: np.random.Generator, rate_hz: int, pitch_hz: float) -> np.ndarray:
    """A quarter of a second: a vowel of its own that comes and goes, or now and then nothing."""
    n_samples = rate_hz // SYLLABLES_PER_S
    share = np.arange(n_samples) / n_samples
    phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + rng.uniform(-0.2, 0.2) * share)) / rate_hz
    shift = rng.uniform(0.7, 1.4)
    sound = np.zeros(n_samples)
    for harmonic in range(1, int(3400 / pitch_hz)):
        loudness = sum(
            weight / (1 + ((harmonic * pitch_hz - at * shift) / 200) ** 2) for at, weight in _FORMANTS_HZ
        )
        sound += loudness * np.sin(harmonic * phase + harmonic**2)
    return sound * np.sin(np.pi * np.minimum(1, share * 1.2)) * (rng.random() > 0.15)
