"""When a reply is to be heard, so that several loudspeakers play it as one. Pure: the clock is passed in.

Each loudspeaker says how early it has to be sent a sample; the slowest of them decides. The first slice of a reply gets a
time, every other one follows without a gap, unless it comes too late for that. A loudspeaker alone is never held up.
"""

from collections.abc import Collection

UNKNOWN_LEAD_MS = 250
"""Of a loudspeaker that has not said yet."""
MOST_LEAD_MS = 700
"""One behind a terrible link joins late; the others do not wait longer than this."""
_NS_PER_MS = 1_000_000
_RATE_HZ = 24_000
_SAMPLE_BYTES = 2


class Together:
    """Leads in, times out."""

    def __init__(self) -> None:
        self._leads_ms: dict[bytes, int] = {}
        self._end_ns = 0
        """When what was given out of this reply ends; 0 before its first slice, and if it has no time."""

    def lead(self, speaker: bytes, ms: int) -> None:
        """A loudspeaker says how early it has to be sent something."""
        self._leads_ms[speaker] = ms

    def left(self, speaker: bytes) -> None:
        """It is gone."""
        self._leads_ms.pop(speaker, None)

    def begin(self) -> None:
        """A new reply."""
        self._end_ns = 0

    def due_ns(self, n_bytes: int, speakers: Collection[bytes], now_ns: int) -> int:
        """When the next slice, of so many bytes, is to be heard by these loudspeakers; 0 if there is only one."""
        if len(speakers) < 2 and not self._end_ns:
            return 0
        leads = [self._leads_ms.get(speaker, UNKNOWN_LEAD_MS) for speaker in speakers]
        soonest_ns = now_ns + min(max(leads, default=0), MOST_LEAD_MS) * _NS_PER_MS
        due_ns = max(self._end_ns, soonest_ns)
        self._end_ns = due_ns + n_bytes // _SAMPLE_BYTES * 1_000_000_000 // _RATE_HZ
        return due_ns
