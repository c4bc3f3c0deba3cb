"""The microphone's voice without what the loudspeakers play. Pure: the canceller is an argument.

The canceller compares what the microphone gave with what was played, and must be told of that first: an echo that seems to
come before its cause is not found (measured: 30 dB less). So each frame gets the reference of its *arrival*, and a little
more: it was captured earlier than that by the delay of the device. Arrivals keep step with the samples; the capture times
of a sound server waver by 15 ms for seconds at a time (measured), and every step makes the canceller learn anew.

Between two replies the clocks of microphone and loudspeaker drift apart. A canceller that has learnt a room trusts it: moved
by only 0.25 ms, it lets 0.1 s of the next reply through, and the model interrupts itself (measured in six rooms out of six).
One that knows nothing yet lets no echo through, so each reply gets a new one; it costs whoever speaks into a reply's first
0.3 s up to a second.
"""

from collections import deque
from typing import Literal, Protocol

from actors.devices.sample_clock import SampleClock, to_samples
from actors.inputs.reference import CAPACITY_S, Timeline
from actors.inputs.reference import RATE_HZ as FAR_RATE_HZ

MIC_RATE_HZ = 16_000
LEAD_S = 0.02
PATIENCE_S = 0.3
"""How long a frame waits for a reference that is late; less than the age at which it would be too old to be sent."""
FORGOTTEN_AFTER_S = 3.0
"""Loudspeakers that have announced nothing for so long are not expected to."""
_NS_PER_S = 1_000_000_000
_SAMPLE_BYTES = 2
_MIC_BYTES = MIC_RATE_HZ // 100 * _SAMPLE_BYTES
_FAR_SAMPLES = FAR_RATE_HZ // 100
_LEAD_SAMPLES = int(LEAD_S * FAR_RATE_HZ)
_PAUSE_SAMPLES = FAR_RATE_HZ
"""A second of silence: the next sound begins a reply."""
_MOST_SKIPPED = 50
"""At 20 ms each, 1 s: no echo is older."""


class Canceller(Protocol):
    """Takes 10 ms at a time."""

    def clean(self, mic: bytes, far: bytes) -> bytes:
        """Return the microphone's 10 ms at 16 kHz without the echo of the far end's 10 ms at 24 kHz."""

    def restart(self) -> None:
        """Forget what was learnt."""


class NearEnd:
    """The microphone's frames without what the loudspeakers played meanwhile."""

    def __init__(self, canceller: Canceller, delay_ns: int) -> None:
        self._canceller = canceller
        self._delay_ns = delay_ns
        self._timeline = Timeline()
        self._clock = SampleClock(FAR_RATE_HZ)
        self._skipped: deque[tuple[bytes, int]] = deque(maxlen=_MOST_SKIPPED)
        """Frames the canceller has still to see, and the first sample of the reference of each."""
        self._silent_since = 0
        """The sample of the reference after the last sound."""
        self._compared = 0
        """The first sample of the reference that was not used yet."""
        self._announced_ns = -int(FORGOTTEN_AFTER_S * _NS_PER_S)
        """When the newest reference came."""
        self.late = 0
        """References, or parts of them, that came when the microphone's frame of that time was through."""
        self.misplaced = 0
        """References that are too far from now to be right."""

    def announced(self, pcm_24k: bytes, audible_ns: int, now_ns: int) -> None:
        """Take in what a loudspeaker is about to play."""
        if abs(audible_ns - now_ns) > CAPACITY_S / 2 * _NS_PER_S:
            self.misplaced += 1
            return
        self._announced_ns = now_ns
        first = to_samples(audible_ns, FAR_RATE_HZ)
        self.late += first < self._compared
        self._timeline.add(pcm_24k, first)

    def cut(self, audible_ns: int) -> None:
        """Take back what was announced from this time on; where the loudspeaker is now has to be learnt anew."""
        self._silent_since = 0
        self._timeline.cut(to_samples(audible_ns, FAR_RATE_HZ))

    def reference(self, arrived_ns: int, now_ns: int) -> Literal["here", "coming", "lost"]:
        """Tell whether a frame that arrived then can be cleaned now, while a reply is heard.

        Somebody between the loudspeaker and us may be busy. A frame waits for him, but not for ever; without its reference
        it would let the model hear itself, so in the end it is better lost.
        """
        is_expected = now_ns - self._announced_ns < FORGOTTEN_AFTER_S * _NS_PER_S
        if not is_expected or self._timeline.end >= to_samples(arrived_ns, FAR_RATE_HZ) + _LEAD_SAMPLES:
            return "here"
        return "coming" if now_ns - arrived_ns < PATIENCE_S * _NS_PER_S else "lost"

    def clean(self, pcm_16k: bytes, captured_ns: int, arrived_ns: int) -> tuple[bytes, int]:
        """Return a frame of whole 10 ms without the echo, and when its first sample was captured."""
        while self._skipped:
            self._compare(*self._skipped.popleft())
        return self._compare(pcm_16k, self._place(pcm_16k, arrived_ns)), captured_ns - self._delay_ns

    def skip(self, pcm_16k: bytes, arrived_ns: int) -> None:
        """Let a frame go by that is not to be sent.

        The canceller still has to see it, with what has become known of its reference until then: it may hold the cause of
        an echo in the next frame.
        """
        self._skipped.append((pcm_16k, self._place(pcm_16k, arrived_ns)))

    def reopened(self) -> None:
        """Another stream of frames begins."""
        self._clock.reset()
        self._skipped.clear()

    def _compare(self, pcm_16k: bytes, far: int) -> bytes:
        cleaned = b""
        for at in range(0, len(pcm_16k), _MIC_BYTES):
            played = self._timeline.read(far, _FAR_SAMPLES)
            if played.count(0) != len(played):
                if far - self._silent_since > _PAUSE_SAMPLES:
                    self._canceller.restart()
                self._silent_since = far + _FAR_SAMPLES
            cleaned += self._canceller.clean(pcm_16k[at : at + _MIC_BYTES], played)
            far += _FAR_SAMPLES
        return cleaned

    def _place(self, pcm_16k: bytes, arrived_ns: int) -> int:
        """Return the first sample of the reference that goes with the next frame."""
        n_parts = len(pcm_16k) // _MIC_BYTES
        began_ns = arrived_ns - n_parts * _NS_PER_S // 100
        far = self._clock.place(began_ns, n_parts * _FAR_SAMPLES) + _LEAD_SAMPLES
        if abs(far - self._compared) > 1:  # more than a slip: frames were lost
            self._silent_since = 0
        self._compared = far + n_parts * _FAR_SAMPLES
        return far
