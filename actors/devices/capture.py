"""A thread that takes pictures on a schedule; cameras, screens and files differ in how they take one."""

import time

from actors.devices.audio import Progress
from actors.devices.encoder import Encoder
from actors.devices.scheduled import ScheduledThread
from actors.devices.video import OnPicture

START_WITHIN_S = 10.0
"""Some cameras take seconds to see anything."""
LATE_S = 3.0


class Capture(ScheduledThread):
    """Calls `_take` so many times a second. One that is late is left out, not made up for."""

    description: str
    _encoder: Encoder

    def __init__(self, fps: float, on_picture: OnPicture) -> None:
        self._period_s = 1 / fps
        self._on_picture = on_picture
        super().__init__(
            Progress(time.monotonic(), start_within_s=START_WITHIN_S, stall_after_s=self._period_s + LATE_S)
        )

    def limit(self, max_bytes: int) -> None:
        """Make the next pictures so small that they have no more bytes, if that can be done."""
        self._encoder.limit_bytes = max_bytes

    def _keep_time(self) -> None:
        due_s = time.monotonic()
        while self._wait_until(due_s):
            jpeg, taken_ns = self._take()
            self._on_picture(jpeg, taken_ns)
            now = time.monotonic()
            self._progress.called(now)
            due_s = max(due_s + self._period_s, now)

    def _wait_until(self, due_s: float) -> bool:
        """Wait for the time. False when it is over."""
        return not self._stop.wait(max(0.0, due_s - time.monotonic()))

    def _take(self) -> tuple[bytes, int]:
        """Return a JPEG and when it was taken."""
        raise NotImplementedError
