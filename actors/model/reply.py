"""The reply being given, without I/O: its turn number, what of it may still be played, and when it is over and heard."""

from dataclasses import dataclass, field

from actors.wire import LineId


@dataclass(slots=True)
class Reply:
    """One at a time. A cut raises the epoch, so that whatever is still on its way is recognised as stale."""

    epoch: int = 0
    is_open: bool = False
    """Something of it has come and its turn is not over."""
    has_audio: bool = False
    is_discarded: bool = False
    """The user cut it: what the model still sends of it is dropped until its turn is over."""
    played_ms: int = 0
    _to_be_heard: list[LineId] = field(default_factory=list)

    def begin(self) -> bool:
        """Something came from the model. True when it is the first of a new reply."""
        if self.is_open:
            return False
        self.is_open = True
        self.epoch += 1
        self.has_audio = False
        self.played_ms = 0
        return True

    def first_audio(self) -> bool:
        """Audio came. True when it is the first of this reply."""
        first, self.has_audio = not self.has_audio, True
        return first

    def cut(self, *, by_user: bool) -> None:
        """The reply stops here. If the user's own key did it, the model does not know and goes on for a while."""
        self.epoch += 1
        self.is_discarded = by_user and self.is_open
        self.has_audio = False

    def over(self, line: LineId | None) -> None:
        """The model's turn ended; `line` is what it answered."""
        self.is_open = False
        self.is_discarded = False
        if line is not None:
            self._to_be_heard.append(line)

    def heard(self) -> list[LineId]:
        """There is nothing more to hear: return the lines that are thereby answered."""
        lines, self._to_be_heard = self._to_be_heard, []
        return lines
