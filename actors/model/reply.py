"""The reply being given, without I/O: its turn number, what of it may still be played, and when it is over and heard."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from actors.wire import LineId


@dataclass(slots=True)
class Reply:
    """One at a time. A cut raises the epoch, so that whatever is still on its way is recognised as stale."""

    epoch: int = 0
    is_open: bool = False
    """Something of it has come and its turn is not over."""
    is_whole: bool = True
    """Nothing more of it will come."""
    has_audio: bool = False
    is_discarded: bool = False
    """The user cut it: what the model still sends of it is dropped until its turn is over."""
    _listening: set[bytes] = field(default_factory=set)
    """Speakers that have not played it to the end."""
    _to_be_heard: list[LineId] = field(default_factory=list)

    @property
    def is_heard(self) -> bool:
        """Whether it is whole and no speaker has anything left of it."""
        return self.is_whole and not self._listening

    def begin(self) -> bool:
        """Something came from the model. True when it is the first of a new reply."""
        if self.is_open:
            return False
        self.is_open = True
        self.is_whole = False
        self.has_audio = False
        self.epoch += 1
        self._listening.clear()
        return True

    def first_audio(self, speakers: Iterable[bytes]) -> bool:
        """Audio came and goes to these speakers. True when it is the first of this reply."""
        first, self.has_audio = not self.has_audio, True
        self._listening.update(speakers)
        return first

    def whole(self) -> None:
        """Nothing more will be generated; it may still be playing."""
        self.is_whole = True

    def over(self, line: LineId | None) -> None:
        """The model's turn ended; `line` is what it answered."""
        self.is_open = False
        self.is_whole = True
        self.is_discarded = False
        if line is not None:
            self._to_be_heard.append(line)

    def cut(self, *, by_user: bool) -> int:
        """The reply stops here; returns the epoch that was cut. After the user's own key the model goes on for a while."""
        cut, self.epoch = self.epoch, self.epoch + 1
        self.is_discarded = by_user and self.is_open
        self.is_whole = True
        self.has_audio = False
        self._listening.clear()
        return cut

    def heard_by(self, speaker: bytes) -> None:
        """A speaker has nothing left of it, or is gone."""
        self._listening.discard(speaker)

    def answered(self) -> list[LineId]:
        """Return the lines whose turn is over and whose reply was heard; each once."""
        if not self.is_heard or self.is_open:
            return []
        lines, self._to_be_heard = self._to_be_heard, []
        return lines
