"""Who lives but gets nothing done: heartbeats come, the work does not. Pure: counts and the clock are passed in.

What the work is, the actor itself counts in `Health.done`, and gives None while there is none to do: muted, with nothing to
play. Only time between heartbeats counts, so a process that was stopped, or a supervisor that slept, is no standstill.
"""

from dataclasses import dataclass

NOTHING_DONE = {
    "mic": "captures nothing",
    "speaker": "has something to play and plays nothing",
}
"""What a standstill of each kind is, in words."""
DEGRADED_S = 1.5
"""With the half second between heartbeats it is shown within 2 s."""
REPLACED_S = 4.0
"""Within 5 s."""


@dataclass(slots=True)
class Progress:
    """Of one process: when its work last went on."""

    kind: str
    _done: int | None = None
    _moved_s: float = 0.0
    _told_s: float = 0.0

    def born(self) -> None:
        """Another process has taken its place."""
        self._done = None
        self._told_s = self._moved_s

    def told(self, done: int | None, now: float) -> None:
        """Take in a heartbeat."""
        self._told_s = now
        if done is None or done != self._done:
            self._moved_s = now
        self._done = done

    @property
    def complaint(self) -> str:
        """What is wrong, "" if nothing is."""
        return self._in_words() if self._still_s >= DEGRADED_S else ""

    @property
    def verdict(self) -> str:
        """Why it has to be replaced, "" if it has not."""
        return f"{self._in_words()} for {self._still_s:.0f} s" if self._still_s >= REPLACED_S else ""

    @property
    def _still_s(self) -> float:
        return self._told_s - self._moved_s

    def _in_words(self) -> str:
        return NOTHING_DONE.get(self.kind, "gets nothing done")
