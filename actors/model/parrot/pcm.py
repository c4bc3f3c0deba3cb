"""Arithmetic on PCM: bytes of int16, little-endian, mono."""

REPLY_RATE_HZ = 24_000
BYTES_PER_SAMPLE = 2


def seconds(pcm_bytes: int, rate_hz: int) -> float:
    """Return how long that many bytes sound."""
    return pcm_bytes / (BYTES_PER_SAMPLE * rate_hz)


def resample(pcm: bytes, rate_hz: int, to_rate_hz: int) -> bytes:
    """Return the same sound at another rate. CPU-bound, some 5 ms per second of sound: call it off the event loop."""
    if rate_hz == to_rate_hz or not pcm:
        return pcm
    import numpy as np
    import soxr

    samples = np.frombuffer(pcm, dtype="<i2")
    resampled: bytes = soxr.resample(samples, rate_hz, to_rate_hz).astype("<i2").tobytes()
    return resampled


def cut(pcm: bytes, first_bytes: int, next_bytes: int) -> list[bytes]:
    """Return the sound in pieces: one of `first_bytes`, then `next_bytes` each, the last one what is left."""
    if not pcm:
        return []
    starts = range(first_bytes, len(pcm), next_bytes)
    return [pcm[:first_bytes], *(pcm[start : start + next_bytes] for start in starts)]
