"""Who has to be there before the model is given the first line: a reply that nobody plays is lost. Pure.

A loudspeaker is ready as soon as its device pulls, which may be before it has found this session: processes start side by
side, and a session is started again in mid-conversation. The parrot answers within 20 ms, so it must not be asked before.
"""

from collections.abc import Iterable

JOINED_WITHIN_S = 1.5
"""From the session's own start, most of which connecting takes. One that hangs, or has no device, holds nothing up for longer."""


class Audience:
    """The loudspeakers that are expected and have not joined yet."""

    def __init__(self, expected: Iterable[str]) -> None:
        self._missing = set(expected)
        self._until_s = 0.0

    def expect(self, now: float) -> None:
        """From now on they have their time to come."""
        self._until_s = now + JOINED_WITHIN_S

    def settled(self, name: str) -> None:
        """It is there, or it is known not to come."""
        self._missing.discard(name)

    def is_there(self, now: float) -> bool:
        """Whether nobody is waited for (any more)."""
        return not self._missing or now >= self._until_s
