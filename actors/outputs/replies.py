"""The replies that wait or play, in the order of their epochs. Pure."""

from collections import Counter
from itertools import islice

from actors.outputs.queued_reply import Position, QueuedReply

_REMEMBERED_REPLIES = 8


class Replies:
    """All but the newest are complete. `dropped` counts the halves of samples that never became one."""

    def __init__(self, dropped: Counter[str]) -> None:
        self.newest = 0
        self.front: QueuedReply | None = None
        """The one that plays, or is to play next."""
        self._dropped = dropped
        self._by_epoch: dict[int, QueuedReply] = {}

    @property
    def queued(self) -> int:
        """How many samples wait."""
        return sum(reply.queued for reply in self._by_epoch.values())

    def is_short_of(self, n_samples: int) -> bool:
        """Whether the one that plays would run dry at a read of so many before its end."""
        front = self.front
        return front is not None and front.is_sounding and not front.is_complete and front.queued < n_samples

    def of(self, epoch: int) -> QueuedReply:
        """Give the reply of this epoch, which is the newest; a new one means that those before it are complete."""
        if epoch not in self._by_epoch:
            for older in self._by_epoch.values():
                self.complete(older)
            self.newest = epoch
            self._by_epoch[epoch] = QueuedReply()
            self.front = self.front or self._by_epoch[epoch]
            self._forget_done()
        return self._by_epoch[epoch]

    def complete(self, reply: QueuedReply) -> None:
        """Nothing more will come of it."""
        reply.is_complete = True
        self._dropped["half"] += len(reply.half)
        reply.half = b""

    def cut(self, epoch: int) -> list[QueuedReply]:
        """Take out what is older than `epoch`; the front may be among it."""
        self.newest = max(self.newest, epoch)
        old = [self._by_epoch.pop(each) for each in list(self._by_epoch) if each < epoch]
        self._dropped["flushed"] += sum(reply.queued for reply in old)
        self._dropped["half"] += sum(len(reply.half) for reply in old)
        return old

    def turn_to_next(self) -> None:
        """Turn to the next reply with something to play; an unfinished one can only be the newest."""
        candidates = (r for r in self._by_epoch.values() if r.queued or not r.is_complete)
        self.front = next(candidates, None)

    def pass_over_empty(self) -> None:
        """Turn to the next one if the front is over without a sound."""
        if self.front is not None and self.front.is_complete and not (self.front.queued or self.front.played):
            self.turn_to_next()

    def positions(self, audible: float) -> dict[int, Position]:
        """Per epoch, how far it was heard."""
        return {epoch: reply.position(audible) for epoch, reply in self._by_epoch.items()}

    def _forget_done(self) -> None:
        surplus = max(0, len(self._by_epoch) - _REMEMBERED_REPLIES)
        for epoch in list(islice(self._by_epoch, surplus)):
            if not self._by_epoch[epoch].queued and self._by_epoch[epoch] is not self.front:
                del self._by_epoch[epoch]
