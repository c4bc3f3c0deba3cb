"""Whether the model's server is there and answers. Pure: the clock is passed in.

A session without it works, and nothing is won by another process: it is shown, and the connection is what is replaced.
"""

AWAY_S = 1.0
"""A planned change of the connection takes less."""
UNANSWERED_S = 1.4


class Pulse:
    """Of one session, over all its connections."""

    def __init__(self) -> None:
        self._away_since_s: float | None = None
        self._asked_s: float | None = None

    def lost(self, now: float) -> None:
        """There is no connection now."""
        self._asked_s = None
        if self._away_since_s is None:
            self._away_since_s = now

    def connected(self) -> None:
        """There is one."""
        self._away_since_s = self._asked_s = None

    def asked(self, now: float) -> None:
        """A ping is on its way."""
        self._asked_s = now

    def answered(self) -> None:
        """Its pong has come."""
        self._asked_s = None

    def trouble(self, now: float) -> str:
        """Say what is wrong, "" if nothing is."""
        if self._away_since_s is not None and now - self._away_since_s > AWAY_S:
            return "not connected to the model"
        if self._asked_s is not None and now - self._asked_s > UNANSWERED_S:
            return "the model's server does not answer pings"
        return ""
