"""What the loudspeakers play, on a line of time; and the voice without it. Pure: the canceller is an argument.

The canceller compares what the microphone gave with what was played, and must be told of that first: an echo that seems to
come before its cause is not found (measured: 30 dB less). So each frame gets the reference of its *arrival*, and a little
more: it was captured earlier than that by the delay of the device. Arrivals keep step with the samples; the capture times
of a sound server waver by 15 ms for seconds at a time (measured), and every step makes the canceller learn anew.
"""

from array import array
from collections import deque
from collections.abc import Iterator
from operator import add
from typing import Literal, Protocol

from actors.devices.sample_clock import SampleClock, to_samples

FAR_RATE_HZ = 24_000
MIC_RATE_HZ = 16_000
LEAD_S = 0.02
CAPACITY_S = 4.0
PATIENCE_S = 0.3
"""How long a frame waits for a reference that is late; less than the age at which it would be too old to be sent."""
FORGOTTEN_AFTER_S = 3.0
"""Loudspeakers that have announced nothing for so long are not expected to."""
_NS_PER_S = 1_000_000_000
_SAMPLE_BYTES = 2
_MIC_BYTES = MIC_RATE_HZ // 100 * _SAMPLE_BYTES
_FAR_SAMPLES = FAR_RATE_HZ // 100
_LOUDEST = 32_767
_MOST_SKIPPED = 50
"""At 20 ms each, 1 s: no echo is older."""


class Canceller(Protocol):
    """Takes 10 ms at a time."""

    def clean(self, mic: bytes, far: bytes) -> bytes:
        """Return the microphone's 10 ms at 16 kHz without the echo of the far end's 10 ms at 24 kHz."""


class Timeline:
    """The last few seconds of all loudspeakers together, at 24 kHz. Sample n is due at n / rate seconds."""

    def __init__(self, capacity_s: float = CAPACITY_S) -> None:
        self._size = int(capacity_s * FAR_RATE_HZ)
        self._sums = array("i", bytes(4 * self._size))
        """A ring: sample n stands at n modulo its size. Sums are clipped only when they are read."""
        self._end: int | None = None
        """The sample after the newest that was ever announced."""

    @property
    def end(self) -> int:
        """The sample after the last announced."""
        return self._end or 0

    def add(self, pcm: bytes, first: int) -> None:
        """Mix in what a loudspeaker plays from sample `first` on; what is older than the line is left out."""
        samples = array("h", pcm)
        if self._end is None:
            self._end = first
        self._extend(first + len(samples))
        skipped = max(0, self._end - self._size - first)
        for start, stop, at in self._stretches(first + skipped, first + len(samples)):
            piece = samples[start - first : stop - first]
            self._sums[at : at + len(piece)] = array("i", map(add, self._sums[at : at + len(piece)], piece))

    def cut(self, first: int) -> None:
        """Forget what was announced from sample `first` on: it is not played after all."""
        if self._end is not None and first < self._end:
            self._silence(max(first, self._end - self._size), self._end)

    def read(self, first: int, n_samples: int) -> bytes:
        """Return what is heard from sample `first` on, int16 LE; silence where nothing was announced."""
        if self._end is None:
            return bytes(n_samples * _SAMPLE_BYTES)
        begin = min(max(first, self._end - self._size), first + n_samples)
        end = max(min(first + n_samples, self._end), begin)
        sums = array("i")
        for start, stop, at in self._stretches(begin, end):
            sums += self._sums[at : at + stop - start]
        before, after = begin - first, first + n_samples - end
        return bytes(before * _SAMPLE_BYTES) + _clipped(sums) + bytes(after * _SAMPLE_BYTES)

    def _extend(self, end: int) -> None:
        """Let the line reach to `end`; what falls off its other side is forgotten."""
        assert self._end is not None
        if end > self._end:
            self._silence(max(self._end, end - self._size), end)
            self._end = end

    def _silence(self, begin: int, end: int) -> None:
        for start, stop, at in self._stretches(begin, end):
            self._sums[at : at + stop - start] = array("i", bytes(4 * (stop - start)))

    def _stretches(self, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Give the parts of a range that lie in one piece in the ring, and where."""
        while begin < end:
            at = begin % self._size
            stop = min(end, begin + self._size - at)
            yield begin, stop, at
            begin = stop


class NearEnd:
    """The microphone's frames without what the loudspeakers played meanwhile."""

    def __init__(self, canceller: Canceller, delay_ns: int) -> None:
        self._canceller = canceller
        self._delay_ns = delay_ns
        self._timeline = Timeline()
        self._clock = SampleClock(FAR_RATE_HZ)
        self._skipped: deque[tuple[bytes, int]] = deque(maxlen=_MOST_SKIPPED)
        """Frames the canceller has still to see, and the first sample of the reference of each."""
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
        """Take back what was announced from this time on."""
        self._timeline.cut(to_samples(audible_ns, FAR_RATE_HZ))

    def reference(self, arrived_ns: int, now_ns: int) -> Literal["here", "coming", "lost"]:
        """Tell whether a frame that arrived then can be cleaned now, while a reply is heard.

        Somebody between the loudspeaker and us may be busy. A frame waits for him, but not for ever; without its reference
        it would let the model hear itself, so in the end it is better lost.
        """
        is_expected = now_ns - self._announced_ns < FORGOTTEN_AFTER_S * _NS_PER_S
        if not is_expected or self._timeline.end >= to_samples(arrived_ns, FAR_RATE_HZ) + int(
            LEAD_S * FAR_RATE_HZ
        ):
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
        parts = range(len(pcm_16k) // _MIC_BYTES)
        return b"".join(
            self._canceller.clean(
                pcm_16k[part * _MIC_BYTES : (part + 1) * _MIC_BYTES],
                self._timeline.read(far + part * _FAR_SAMPLES, _FAR_SAMPLES),
            )
            for part in parts
        )

    def _place(self, pcm_16k: bytes, arrived_ns: int) -> int:
        """Return the first sample of the reference that goes with the next frame."""
        n_parts = len(pcm_16k) // _MIC_BYTES
        began_ns = arrived_ns - n_parts * _NS_PER_S // 100
        far = self._clock.place(began_ns, n_parts * _FAR_SAMPLES) + int(LEAD_S * FAR_RATE_HZ)
        self._compared = far + n_parts * _FAR_SAMPLES
        return far


def _clipped(sums: "array[int]") -> bytes:
    try:
        return array("h", sums).tobytes()
    except OverflowError:
        return array("h", [max(-_LOUDEST - 1, min(_LOUDEST, each)) for each in sums]).tobytes()
