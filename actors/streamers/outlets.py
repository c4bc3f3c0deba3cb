"""All output streamers of one conversation together: who is given what, and when a reply counts as heard.

What a streamer of the user's does with audio is its own affair, so this is an estimate: a reply counts as heard when every
piece was handled *and* as much time has passed as it lasts (unless nobody hears it, see `BaseOutputStreamer.is_heard`). A
streamer that hangs is waited for no longer than 2 s beyond that: half duplex must not keep the microphone shut for its sake.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from actors.outputs.base import BaseOutputStreamer, Data
from actors.runtime.inbox import Counters
from actors.streamers.outlet import Outlet, Piece
from actors.streamers.sounding import Sounding

LATE_S = 2.0


class Outlets:
    """Times are seconds on the monotonic clock, epochs the numbers of replies."""

    def __init__(self, streamers: Sequence[BaseOutputStreamer], counters: Counters) -> None:
        self._outlets = [Outlet(streamer, counters) for streamer in streamers]
        self._counters = counters
        self._arrived = Sounding()
        """As if everybody played as it comes."""

    @property
    def is_idle(self) -> bool:
        """Whether everything that came was handled."""
        return all(outlet.is_idle for outlet in self._outlets)

    def serve(self) -> "list[asyncio.Task[Any]]":
        """Begin to hand over; cancel the tasks to end that."""
        return [asyncio.create_task(outlet.serve()) for outlet in self._outlets]

    def give(self, data: Data, epoch: int, now_s: float) -> None:
        """Queue a piece for each."""
        piece = Piece(data, epoch)
        if piece.seconds:
            self._arrived.give(piece.seconds, now_s)
        for outlet in self._outlets:
            outlet.add(piece)

    def cut(self, epoch: int, now_s: float) -> None:
        """Replies before this one fall silent, as far as it is in our hands; give `{"interrupted": True}` next."""
        for outlet in self._outlets:
            outlet.cut(epoch, now_s)
        self._arrived.stop(now_s)

    def is_heard(self, epoch: int, now_s: float) -> bool:
        """Whether a reply that is complete was heard to its end, or nobody waits any longer for who has not handled it."""
        if all(outlet.is_done(epoch, now_s) for outlet in self._outlets):
            return True
        is_late = now_s >= self._arrived.until_s + LATE_S
        if is_late:
            self._counters.drop("streamer_late")
        return is_late

    def played_ms(self, now_s: float) -> int:
        """How much has sounded since the last `cut` or `rest`."""
        return int(self._arrived.played_s(now_s) * 1000)

    def rest(self, now_s: float) -> None:
        """Everything was heard: count from nothing again."""
        self._arrived.stop(now_s)
