"""What a loudspeaker behind a gate has received: every sample once, whatever the link did, and the credit for more. Pure."""

from actors import wire
from actors.outputs.arrivals import Arrivals
from actors.outputs.fades import SAMPLE_BYTES
from actors.outputs.queued_reply import SAMPLES_PER_MS

WINDOW_MS = 1000
"""Held here, beside what waits at the gate: more than TCP needs to mend two losses in a row, and a flush costs nothing."""
_WORTH_TELLING = 20 * SAMPLES_PER_MS
_REMEMBERED_REPLIES = 8


class Intake:
    """Positions are samples from the start of a reply, as the gate counts them."""

    def __init__(self) -> None:
        self.arrivals = Arrivals()
        self.holes = 0
        """Samples that the gate passed over, or that went to an earlier incarnation."""
        self.doubles = 0
        """Samples that came twice, and were dropped."""
        self._received: dict[int, int] = {}
        self._added: dict[int, int] = {}
        """What of it went into the playout: without the holes."""
        self._told: dict[int, tuple[int, int]] = {}

    def take(self, epoch: int, chunk: wire.SpeechChunk) -> bytes:
        """Return what is new in this slice."""
        received = self._received.get(epoch, 0)
        position = received if chunk.position is None else chunk.position
        doubled = min(max(0, received - position), len(chunk.pcm_24k) // SAMPLE_BYTES)
        self.doubles += doubled
        self.holes += max(0, position - received)
        pcm = chunk.pcm_24k[doubled * SAMPLE_BYTES :]
        self._received[epoch] = max(received, position + len(chunk.pcm_24k) // SAMPLE_BYTES)
        self._added[epoch] = self._added.get(epoch, 0) + len(pcm) // SAMPLE_BYTES
        self._forget_old()
        return pcm

    def credit(self, epoch: int, heard: int, *, always: bool = False) -> wire.Credit | None:
        """Say how far this reply is, of which the loudspeaker has played `heard` samples; None if it is not news."""
        received = self._received.get(epoch, 0)
        played = max(0, received - max(0, self._added.get(epoch, 0) - heard))
        told_received, told_played = self._told.get(epoch, (0, 0))
        if not always and max(received - told_received, played - told_played) < _WORTH_TELLING:
            return None
        self._told[epoch] = (received, played)
        return wire.Credit(received, played, WINDOW_MS)

    def _forget_old(self) -> None:
        while len(self._received) > _REMEMBERED_REPLIES:
            oldest = min(self._received)
            for table in (self._received, self._added, self._told):
                table.pop(oldest, None)
