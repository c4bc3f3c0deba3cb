"""What a playout buffer has done since its start, for status. Pure."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class PlayoutCounts:
    """What happened since the start, in samples where not said otherwise."""

    played: int = 0
    silent: int = 0
    """Silence and fades handed out; played + silent is all that was ever read."""
    underruns: int = 0
    """How often a reply went on after it had run dry."""
    gaps: int = 0
    """The part of `silent` that stood inside a reply that went on."""
    concealed: int = 0
    """The part of `silent` in which a voice that had run dry went on."""
    dropped: dict[str, int] = field(default_factory=dict)
    """By reason: stale, full, flushed, late; half counts single bytes that never became a sample."""
    peak_queue_ms: int = 0
