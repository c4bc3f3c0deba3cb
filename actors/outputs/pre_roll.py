"""How much audio a reply gathers before it sounds. Pure."""

from actors.outputs.queued_reply import SAMPLES_PER_MS


class PreRoll:
    """How much audio a reply gathers before it sounds: little on a good line, more after an underrun."""

    def __init__(self, start_ms: float = 40, max_ms: float = 400) -> None:
        self.ms = start_ms
        self._min_ms = start_ms
        self._max_ms = max_ms

    @property
    def samples(self) -> int:
        """The same in samples."""
        return int(self.ms * SAMPLES_PER_MS)

    def underrun(self) -> None:
        """Double it."""
        self.ms = min(self.ms * 2, self._max_ms)

    def clean_reply(self) -> None:
        """Give a fifth of it back."""
        self.ms = max(self.ms * 0.8, self._min_ms)

    def at_least(self, ms: float) -> None:
        """Never less than this from now on: the link asks for it. At most the maximum."""
        self._min_ms = min(ms, self._max_ms)
        self.ms = max(self.ms, self._min_ms)
