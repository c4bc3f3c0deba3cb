"""Which typed lines the model's context is known to hold, so that none is lost and none is said twice.

The service has no acknowledgement for a line. What it has is the resumption handle: a snapshot of the context. Resuming
from a handle, the model knows what was in the snapshot and nothing that came after. So a line is *kept* when its turn is
over and a handle issued after that has been stored; on a new connection every line that is not kept is sent again, and the
resumed context holds it exactly once. The service does not say which turn a message belongs to, so while a line waits for
its first answer the next one waits too (a typed barge-in, during the answer, goes out at once).
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from actors.wire import LineId, Resumption

PATIENCE_S = 5.0
"""A model that answers nothing at all must not hold up what is typed next."""
HANDLE_WITHIN_S = 3.0
"""A service that has given no handle this long after its first turn gives none at all."""
MAX_LINES = 256
MAX_PICTURE_BYTES = 64 << 20
"""Of all lines together; a keyboard has 15 MB on their way at most."""


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
    is_answered: bool = False


class Ledger:
    """Pure: fed with events and the time in seconds; never resumes, sends or stores anything itself."""

    def __init__(self) -> None:
        self.kept: dict[str, int] = {}
        """Highest line number per origin that the stored snapshot holds."""
        self._queue: deque[Line] = deque()
        self._open: deque[_Turn] = deque()
        self._over: list[tuple[Line, float]] = []
        self._held: list[Line] = []
        """In the newest snapshot, which is what will be resumed from, but that is not stored yet."""
        self._has_handles = False

    def resume(self, resumption: Resumption) -> list[Line]:
        """Go on from what an earlier incarnation stored. Returns lines that came before we knew that they are kept."""
        self.kept = dict(resumption.kept)
        self._has_handles = bool(resumption.handle)
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

    def sent(self, now: float) -> None:
        """The line of `next_to_send` was handed to the connection."""
        self._open.append(_Turn(self._queue.popleft(), now))

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
        line = self._open.popleft().line
        if line is not None:
            self._over.append((line, now))
        return line

    def handle_issued(self) -> list[Line]:
        """A snapshot was taken now: return the lines it holds. Call `keep` when it is stored."""
        self._has_handles = True
        self._held += [line for line, _ in self._over]
        self._over.clear()
        return list(self._held)

    def settled_without_handle(self, now: float) -> list[Line]:
        """Where the service issues no handles at all, the end of the turn has to do."""
        if self._has_handles:
            return []
        return [line for line, over_at in self._over if now - over_at > HANDLE_WITHIN_S]

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
        self._over = [(line, over_at) for line, over_at in self._over if id(line) not in gone]

    def connection_lost(self) -> None:
        """Whatever no snapshot holds is not in the context that will be resumed: it goes to the front of the queue."""
        again = [line for line, _ in self._over] + [turn.line for turn in self._open if turn.line is not None]
        self._queue.extendleft(reversed(again))
        self._over.clear()
        self._open.clear()

    def _is_kept(self, line: Line) -> bool:
        return line.id.number <= self.kept.get(line.id.origin, 0)

    def _known(self) -> set[LineId]:
        return {line.id for line in self._lines()}

    def _lines(self) -> Iterator[Line]:
        yield from self._queue
        yield from (turn.line for turn in self._open if turn.line is not None)
        yield from (line for line, _ in self._over)
        yield from self._held
