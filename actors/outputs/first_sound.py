"""How long the beginning of a reply was on its way, measured once per reply. Pure.

`receive_to_play`: from the session, as it hands on the first audio it got of a reply, to the air: its first sample, be it
silent. `mouth_to_ear`: from the end of the user's speech to the first sample of the answer that can be heard.
"""

from array import array

from actors.outputs.fades import RATE_HZ
from actors.runtime.latency import Meter
from actors.runtime.notify import Latency

AUDIBLE = 256
"""Of 32768, -42 dBFS: what is quieter is no sound yet."""
_NS_PER_S = 1_000_000_000
_NS_PER_MS = 1_000_000


class FirstSound:
    """The actor says what is expected, the device's thread what it took. A lost race costs one measurement."""

    def __init__(self) -> None:
        self._receive_to_play = Meter()
        self._mouth_to_ear = Meter()
        self._sent_ns = self._voice_ended_ns = self._played_before = 0

    def expect(self, sent_ns: int, voice_ended_ns: int, played: int) -> None:
        """A reply begins, and nothing else is being played; `played` samples were before it. Times are monotonic, 0 = none."""
        self._played_before = played
        self._voice_ended_ns = voice_ended_ns
        self._sent_ns = sent_ns

    def forget(self) -> None:
        """The reply was cut before it sounded."""
        self._sent_ns = self._voice_ended_ns = 0

    def took(self, pcm: bytes, played: int, audible_ns: int) -> None:
        """The device took `pcm`, whose first sample is in the air at `audible_ns`; `played` samples of replies until now."""
        if played <= self._played_before:
            return
        if self._sent_ns:
            self._receive_to_play.add((audible_ns - self._sent_ns) / _NS_PER_MS)
            self._sent_ns = 0
        if self._voice_ended_ns and (at := _first_audible(pcm)) is not None:
            heard_ns = audible_ns + at * _NS_PER_S // RATE_HZ
            self._mouth_to_ear.add((heard_ns - self._voice_ended_ns) / _NS_PER_MS)
            self._voice_ended_ns = 0

    def latencies(self) -> dict[str, Latency]:
        """Return what has been measured so far."""
        measured = {
            "receive_to_play": self._receive_to_play.latency(),
            "mouth_to_ear": self._mouth_to_ear.latency(),
        }
        return {name: value for name, value in measured.items() if value is not None}


def _first_audible(pcm: bytes) -> int | None:
    return next((at for at, sample in enumerate(array("h", pcm)) if abs(sample) >= AUDIBLE), None)
