"""The bounded queue between a socket and an actor's `on_message`."""

from collections import deque
from typing import NamedTuple

from actors.wire import Envelope, MicChunk, VideoFrame

DROPPABLE = (MicChunk, VideoFrame)
"""Live audio and video: what is old is worth less than what is new. Everything else is never dropped."""


class Counters:
    """What an actor has carried and lost, for status. Reasons are single words."""

    def __init__(self) -> None:
        self.frames_in = 0
        self.frames_out = 0
        self.dropped: dict[str, int] = {}

    def drop(self, reason: str, count: int = 1) -> None:
        """Count a loss under its reason."""
        self.dropped[reason] = self.dropped.get(reason, 0) + count


class Received(NamedTuple):
    """A message, and at a hub also the peer it came from."""

    envelope: Envelope
    peer: bytes | None = None


class Inbox:
    """Holds at most `limit` messages. When full: the oldest live audio or video goes, or the sender has to wait."""

    def __init__(self, limit: int, counters: Counters) -> None:
        self.limit = limit
        self.peak = 0
        self._counters = counters
        self._items: deque[Received] = deque()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def has_room(self) -> bool:
        """Whether another message of any type can be taken: if not, leave it with the sender."""
        return len(self._items) < self.limit or self._oldest_droppable() is not None

    def put(self, item: Received) -> None:
        """Take a message. Raises `OverflowError` when there is no room: ask `has_room` first."""
        if len(self._items) >= self.limit:
            oldest = self._oldest_droppable()
            if oldest is None:
                raise OverflowError(f"inbox full with {self.limit} messages that must not be dropped")
            del self._items[oldest]
            self._counters.drop("inbox_full")
        self._items.append(item)
        self.peak = max(self.peak, len(self._items))

    def note(self, item: Received) -> None:
        """Take a message of our own making, room or not: it must keep its place behind what came before."""
        self._items.append(item)

    def take(self) -> Received:
        """Return the oldest message. Raises `IndexError` when empty."""
        return self._items.popleft()

    def _oldest_droppable(self) -> int | None:
        for index, item in enumerate(self._items):
            if isinstance(item.envelope.body, DROPPABLE):
                return index
        return None
