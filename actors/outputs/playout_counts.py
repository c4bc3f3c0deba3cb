"""What a playout buffer has done since its start, for status. Pure."""

from collections import Counter
from dataclasses import dataclass, field

from actors.outputs.fades import RATE_HZ


@dataclass(frozen=True)
class PlayoutCounts:
    """What happened since the start, in samples where not said otherwise."""

    played: int
    silent: int
    """Silence and fades handed out; played + silent is all that was ever read."""
    underruns: int
    """How often a reply went on after it had run dry."""
    gaps: int
    """The part of `silent` that stood inside a reply that went on."""
    concealed: int
    """The part of `silent` in which a voice that had run dry went on."""
    dropped: dict[str, int]
    """By reason: stale, full, flushed, late; half counts single bytes that never became a sample."""
    peak_queue_ms: int


@dataclass(slots=True)
class Tally:
    """The same while it grows."""

    played: int = 0
    silent: int = 0
    underruns: int = 0
    gaps: int = 0
    peak: int = 0
    """The most samples that ever waited."""
    dropped: Counter[str] = field(default_factory=Counter)

    def counts(self, concealed: int) -> PlayoutCounts:
        """Return what it has come to."""
        return PlayoutCounts(
            played=self.played,
            silent=self.silent,
            underruns=self.underruns,
            gaps=self.gaps,
            concealed=concealed,
            dropped={reason: n for reason, n in self.dropped.items() if n},
            peak_queue_ms=self.peak * 1000 // RATE_HZ,
        )
