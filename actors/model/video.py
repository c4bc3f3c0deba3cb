"""Pictures on their way to the model: of each source the newest, when the voice leaves room. Pure.

All shares one connection, so a picture on a slow link would hold up the voice behind it. Therefore a picture that took long
to be handed over is followed by a pause of several times that length.
"""

from collections.abc import Callable
from typing import NamedTuple

from actors.runtime.inbox import Counters
from actors.wire import VideoFrame

MAX_AGE_S = 2.0
"""What is older is not what the user means with "look"."""
PAUSE_PER_SENDING = 3.0
"""Pictures get at most a quarter of the link's time."""


class Waiting(NamedTuple):
    """A picture that may be sent: whose it is, and when it came."""

    source: bytes
    frame: VideoFrame
    came_s: float


class VideoQueue:
    """Holds one picture per source while the model is connected; what is not sent is counted.

    `taken` is told the source of each picture that was sent or given up: the next may come.
    """

    def __init__(self, counters: Counters, taken: Callable[[bytes], object]) -> None:
        self._counters = counters
        self._taken = taken
        self._waiting: dict[bytes, Waiting] = {}
        self._sending: bytes | None = None
        """Source of the picture that is being sent."""
        self._is_connected = False
        self._not_before_s = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, source: bytes, frame: VideoFrame, now: float) -> None:
        """Queue a picture in place of an earlier one of its source."""
        if not self._is_connected:
            self._give_up(source, "video_unconnected")
            return
        if self._waiting.pop(source, None) is not None:
            self._counters.drop("video_late")
        self._waiting[source] = Waiting(source, frame, now)

    def next(self, now: float) -> VideoFrame | None:
        """Take the picture that has waited longest, unless the link is to be left to the voice. Say `sent` next."""
        if not self._waiting or now < self._not_before_s:
            return None
        waiting = self._waiting.pop(next(iter(self._waiting)))
        self._sending = waiting.source
        return waiting.frame

    def sent(self, began_s: float, now: float) -> None:
        """The picture of `next` was handed over, which took so long."""
        self._not_before_s = now + PAUSE_PER_SENDING * (now - began_s)
        if self._sending is not None:
            self._taken(self._sending)
            self._sending = None

    def tick(self, now: float) -> None:
        """Give up what is too old."""
        for waiting in list(self._waiting.values()):
            if now - waiting.came_s > MAX_AGE_S:
                self._give_up(waiting.source, "video_late")

    def connected(self) -> None:
        """There is somebody to look."""
        self._is_connected = True
        self._not_before_s = 0.0

    def disconnected(self) -> None:
        """There is nobody to look; what is shown then is gone."""
        self._is_connected = False
        broken_off, self._sending = self._sending, None
        for source in [*self._waiting, *(() if broken_off is None else (broken_off,))]:
            self._give_up(source, "video_unconnected")

    def left(self, source: bytes) -> None:
        """A source is gone."""
        self._waiting.pop(source, None)

    def _give_up(self, source: bytes, reason: str) -> None:
        self._waiting.pop(source, None)
        self._counters.drop(reason)
        self._taken(source)
