"""What one connection hears: audio of any declared rate in, beginnings and ends of speech out."""

import re

from actors.model.parrot.client_messages import ActivityDetection, Blob
from actors.model.parrot.journal import AudioKeeper
from actors.model.parrot.pcm import BYTES_PER_SAMPLE
from actors.model.parrot.refusal import invalid_argument
from actors.model.parrot.vad import SILENCE_MS, START_MS, EnergyVad, Heard, ManualVad

DEFAULT_RATE_HZ = 16_000
RATES_HZ = range(8_000, 96_001)


class Ear:
    """Listens as the setup asked for, and counts."""

    def __init__(self, detection: ActivityDetection, keeper: AudioKeeper) -> None:
        self._detection = detection
        self._keeper = keeper
        self._vad: EnergyVad | ManualVad = self._make_vad(DEFAULT_RATE_HZ)
        self.chunks = 0
        self.samples = 0

    def hear(self, blob: Blob) -> list[Heard]:
        """Take a piece of audio. Raises Refusal when it is none."""
        rate_hz = read_rate(blob.mime_type)
        self.chunks += 1
        self.samples += len(blob.data) // BYTES_PER_SAMPLE
        self._keeper.keep(blob.data, rate_hz)
        return [*self._change_rate(rate_hz), *self._vad.feed(blob.data)]

    def begin(self) -> list[Heard]:
        """Take the client's word that the user speaks; only with automatic detection off."""
        return self._vad.begin() if isinstance(self._vad, ManualVad) else []

    def finish(self) -> list[Heard]:
        """Close speech that is open: the stream pauses, or the client says that the user is done."""
        return self._vad.finish()

    def _change_rate(self, rate_hz: int) -> list[Heard]:
        if rate_hz == self._vad.rate_hz:
            return []
        if isinstance(self._vad, ManualVad):
            self._vad.rate_hz = rate_hz
            return []
        heard = self._vad.finish()
        self._vad = self._make_vad(rate_hz)
        return heard

    def _make_vad(self, rate_hz: int) -> EnergyVad | ManualVad:
        detection = self._detection
        if detection.disabled:
            return ManualVad(rate_hz)
        return EnergyVad(
            rate_hz,
            start_ms=_or(detection.prefix_padding_ms, START_MS),
            silence_ms=_or(detection.silence_duration_ms, SILENCE_MS),
        )


def read_rate(mime_type: str) -> int:
    """Return the rate in Hz that a MIME type such as `audio/pcm;rate=16000` declares; 16 kHz when it declares none."""
    kind, *parameters = re.split(r"\s*;\s*", mime_type.strip().lower())
    rates = [int(parameter[5:]) for parameter in parameters if re.fullmatch(r"rate=\d{1,6}", parameter)]
    rate_hz = rates[0] if rates else DEFAULT_RATE_HZ
    if kind != "audio/pcm" or rate_hz not in RATES_HZ:
        raise invalid_argument()
    return rate_hz


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
