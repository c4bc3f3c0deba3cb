"""A reply given as a recording: the samples of a WAV file, none added, none changed."""

import wave
from pathlib import Path

from actors.model.parrot.pcm import BYTES_PER_SAMPLE, REPLY_RATE_HZ


class RecordingError(ValueError):
    """A file that cannot be said: which, and what it should be."""


def read_recording(path: str) -> bytes:
    """Return the samples of a WAV file: 24 kHz int16 LE mono. Raises RecordingError for any other file."""
    try:
        with wave.open(str(Path(path)), "rb") as file:
            found = file.getnchannels(), file.getsampwidth(), file.getframerate()
            pcm = file.readframes(file.getnframes())
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from error
    except (wave.Error, EOFError) as error:
        raise RecordingError(f"{path} is no WAV file with PCM samples: {error}") from error
    if found != (1, BYTES_PER_SAMPLE, REPLY_RATE_HZ):
        channels, width, rate_hz = found
        raise RecordingError(
            f"{path} has {channels} channel(s) of {8 * width} bits at {rate_hz} Hz; a reply is 1 of 16 bits at {REPLY_RATE_HZ} Hz"
        )
    return pcm
