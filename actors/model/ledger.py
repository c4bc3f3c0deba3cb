"""Which typed lines the model's context is known to hold, so that none is lost and none is said twice.

The service has no acknowledgement for a line. What it has is the resumption handle: a snapshot of the context. Resuming
from a handle, the model knows what was in the snapshot and nothing that came after. So a line is *kept* when its turn is
over and a handle issued after that has been stored; on a new connection every line that is not kept is sent again, and the
resumed context holds it exactly once. The service does not say which turn a message belongs to, so while a line waits for
its first answer the next one waits too (a typed barge-in, during the answer, goes out at once).
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from actors.wire import LineId, Resumption

PATIENCE_S = 5.0
"""A model that answers nothing at all must not hold up what is typed next."""
HANDLE_WITHIN_S = 3.0
"""A service that has given no handle this long after its first turn gives none at all."""
MAX_LINES = 256
MAX_PICTURE_BYTES = 64 << 20
"""Of all lines together; a keyboard has 15 MB on their way at most."""

Holds: TypeAlias = Callable[[int, float], bool]
"""Whether a snapshot holds the message of that number, which was sent at that time."""


@dataclass(slots=True)
class Line:
    """One typed line on its way."""

    id: LineId
    text: str
    is_shown: bool = True
    picture: bytes = b""
    mime: str = ""
    """Of the picture."""


@dataclass(slots=True)
class _Turn:
    line: Line | None
    """None: a turn the user spoke."""
    sent_at: float
    index: int = 0
    """Which message of the connection it was."""
    is_answered: bool = False
    over_at: float = 0.0


class Ledger:
    """Pure: fed with events and the time in seconds; never resumes, sends or stores anything itself."""

    def __init__(self) -> None:
        self.kept: dict[str, int] = {}
        """Highest line number per origin that the stored snapshot holds."""
        self._queue: deque[Line] = deque()
        self._open: deque[_Turn] = deque()
        self._over: list[_Turn] = []
        self._held: list[Line] = []
        """In the newest snapshot, which is what will be resumed from, but that is not stored yet."""
        self.has_handles = False
        """Whether the service gives any."""

    def resume(self, resumption: Resumption) -> list[Line]:
        """Go on from what an earlier incarnation stored. Returns lines that came before we knew that they are kept."""
        self.kept = dict(resumption.kept)
        self.has_handles = bool(resumption.handle)
        kept = [line for line in self._queue if self._is_kept(line)]
        self._queue = deque(line for line in self._queue if not self._is_kept(line))
        return kept

    @property
    def is_full(self) -> bool:
        """Whether another line has to wait with its sender."""
        pictures = sum(len(line.picture) for line in self._lines())
        return len(self._queue) >= MAX_LINES or pictures >= MAX_PICTURE_BYTES

    @property
    def has_unsettled(self) -> bool:
        """Whether any line is not kept yet."""
        return bool(self._queue or self._open or self._over or self._held)

    def accept(self, line: Line) -> bool:
        """Take a line to be sent. False when it is kept already; a line on its way is not taken twice."""
        if self._is_kept(line):
            return False
        if line.id not in self._known():
            self._queue.append(line)
        return True

    def next_to_send(self, now: float) -> Line | None:
        """Return the line to send now, if one may be sent."""
        waiting = (
            bool(self._open) and not self._open[-1].is_answered and now - self._open[-1].sent_at < PATIENCE_S
        )
        return None if waiting or not self._queue else self._queue[0]

    def sent(self, now: float, index: int = 0) -> None:
        """The line of `next_to_send` was handed to the connection, as its message of that number."""
        self._open.append(_Turn(self._queue.popleft(), now, index))

    def answered(self, now: float) -> None:
        """The model said something: it belongs to the oldest open turn, or to one the user spoke."""
        if not self._open:
            self._open.append(_Turn(None, now))
        self._open[0].is_answered = True

    @property
    def is_spoken(self) -> bool:
        """Whether the model is answering something the user spoke."""
        return bool(self._open) and self._open[0].line is None

    def turn_over(self, now: float) -> Line | None:
        """The model's turn ended. Returns the line it answered, None for a spoken turn."""
        if not self._open:
            return None
        turn = self._open.popleft()
        if turn.line is not None:
            turn.over_at = now
            self._over.append(turn)
        return turn.line

    def is_torn(self, holds: Holds) -> bool:
        """Whether a snapshot may hold a line whose answer it does not hold: resuming from it would lose that answer.

        The snapshot before holds neither, so that the line is sent again, and answered.
        """
        return any(turn.line is not None and holds(turn.index, turn.sent_at) for turn in self._open)

    def handle_issued(self, holds: Holds = lambda _index, _sent_at: True) -> list[Line]:
        """A snapshot was taken: return the lines it holds. Call `keep` when it is stored.

        `holds` knows what the server had consumed by then: a turn that seems over may have been the answer to something
        else, while the line was still on its way.
        """
        self.has_handles = True
        held = [turn for turn in self._over if holds(turn.index, turn.sent_at)]
        self._held += [turn.line for turn in held if turn.line is not None]
        self._over = [turn for turn in self._over if turn not in held]
        return list(self._held)

    def settled_without_handle(self, now: float) -> list[Line]:
        """Where the service issues no handles at all, the end of the turn has to do."""
        if self.has_handles:
            return []
        over = [turn for turn in self._over if now - turn.over_at > HANDLE_WITHIN_S]
        return [turn.line for turn in over if turn.line is not None]

    def kept_with(self, lines: list[Line]) -> dict[str, int]:
        """Return `kept` as it will be when these lines are kept too: this is what to store beside the handle."""
        kept = dict(self.kept)
        for line in lines:
            kept.pop(line.id.origin, None)  # the freshest origins come last: 64 are remembered
            kept[line.id.origin] = max(line.id.number, self.kept.get(line.id.origin, 0))
        return dict(list(kept.items())[-64:])

    def keep(self, lines: list[Line]) -> None:
        """The snapshot that holds these lines is stored: forget them."""
        self.kept = self.kept_with(lines)
        gone = {id(line) for line in lines}
        self._held = [line for line in self._held if id(line) not in gone]
        self._over = [turn for turn in self._over if id(turn.line) not in gone]

    def connection_lost(self) -> None:
        """Whatever no snapshot holds is not in the context that will be resumed: it goes to the front of the queue."""
        again = [turn.line for turn in (*self._over, *self._open) if turn.line is not None]
        self._queue.extendleft(reversed(again))
        self._over.clear()
        self._open.clear()

    def _is_kept(self, line: Line) -> bool:
        return line.id.number <= self.kept.get(line.id.origin, 0)

    def _known(self) -> set[LineId]:
        return {line.id for line in self._lines()}

    def _lines(self) -> Iterator[Line]:
        yield from self._queue
        yield from (turn.line for turn in (*self._open, *self._over) if turn.line is not None)
        yield from self._held


def holds_lines(last_index: int | None) -> Holds:
    """Return what tells which lines a handle holds. Where the server does not say, a turn that is over has to do."""
    return lambda index, _sent_at: last_index is None or index <= last_index
