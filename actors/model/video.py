"""Pictures on their way to the model: of each source the newest, and none so large that the voice waits for it. Pure.

All shares one connection: what is said while a picture is on the link comes behind it. So one picture is on the link at a
time, and may be as large as that carries in a moment. It begins small and doubles while that goes well, as TCP's own window
does; a picture that took longer tells how fast the link is. After each one the voice has the link for several times as long.
"""

from collections.abc import Callable
from typing import NamedTuple

from actors.runtime.inbox import Counters
from actors.wire import FIRST_PICTURE_BYTES, MAX_PICTURE_BYTES, VideoFrame

MAX_AGE_S = 2.0
"""What is older is not what the user means with "look"."""
ON_LINK_S = 0.2
"""For so long a picture may hold up the voice."""
PAUSE_PER_PICTURE = 3.0
"""Pictures get at most a quarter of the link's time."""
ARRIVES_WITHIN_S = 5.0
"""A server that does not say that a picture has arrived gets the next one all the same."""
LEAST_BYTES = 6_000
"""Even a postage stamp takes that much."""

Taken = Callable[[bytes, int], object]


class Waiting(NamedTuple):
    """A picture that may be sent: whose it is, and when it came."""

    source: bytes
    frame: VideoFrame
    came_s: float


class VideoQueue:
    """Holds one picture per source while the model is connected; what is not sent is counted.

    `taken` is told the source of each picture that arrived or was given up, and how many bytes the next one may have.
    """

    def __init__(self, counters: Counters, taken: Taken) -> None:
        self._counters = counters
        self._taken = taken
        self._waiting: dict[bytes, Waiting] = {}
        self._on_link: Waiting | None = None
        self._left_s = 0.0
        """When the one on the link was taken from here."""
        self._is_connected = False
        self._not_before_s = 0.0
        self._max_bytes = FIRST_PICTURE_BYTES

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
        """Take the picture that has waited longest, unless the link is to be left to the voice. Say `arrived` later."""
        if not self._waiting or self._on_link is not None or now < self._not_before_s:
            return None
        self._on_link = self._waiting.pop(next(iter(self._waiting)))
        self._left_s = now
        return self._on_link.frame

    def arrived(self, took_s: float, now: float) -> None:
        """The picture of `next` is at the model, and had the link to itself for so long."""
        arrived, self._on_link = self._on_link, None
        if arrived is not None:
            self._not_before_s = now + PAUSE_PER_PICTURE * took_s
            self._learn(len(arrived.frame.jpeg), took_s)
            self._taken(arrived.source, self._max_bytes)

    def tick(self, now: float) -> None:
        """Give up what is too old, and what was lost sight of."""
        if self._on_link is not None and now - self._left_s > ARRIVES_WITHIN_S:
            self.arrived(now - self._left_s, now)
        for waiting in list(self._waiting.values()):
            if now - waiting.came_s > MAX_AGE_S:
                self._give_up(waiting.source, "video_late")

    def connected(self) -> None:
        """There is somebody to look."""
        self._is_connected = True
        self._not_before_s = 0.0

    def disconnected(self) -> None:
        """There is nobody to look; what is shown then is gone. Nothing is known of the next link."""
        self._is_connected = False
        self._max_bytes = FIRST_PICTURE_BYTES
        broken_off, self._on_link = self._on_link, None
        for source in [*self._waiting, *(() if broken_off is None else (broken_off.source,))]:
            self._give_up(source, "video_unconnected")

    def left(self, source: bytes) -> None:
        """A source is gone."""
        self._waiting.pop(source, None)

    def _learn(self, n_bytes: int, took_s: float) -> None:
        fitting = int(n_bytes * ON_LINK_S / max(took_s, 0.001))
        if took_s > ON_LINK_S / 2:
            self._max_bytes = min(max(fitting, LEAST_BYTES), MAX_PICTURE_BYTES)
        elif fitting > self._max_bytes:  # one that is small says little of large ones
            self._max_bytes = min(fitting, 2 * self._max_bytes, MAX_PICTURE_BYTES)

    def _give_up(self, source: bytes, reason: str) -> None:
        self._waiting.pop(source, None)
        self._counters.drop(reason)
        self._taken(source, self._max_bytes)
