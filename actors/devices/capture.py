"""A thread that takes pictures on a schedule; cameras, screens and files differ in how they take one."""

import threading
import time

from actors.devices.audio import Progress
from actors.devices.encoder import Encoder
from actors.devices.video import OnPicture

START_WITHIN_S = 10.0
"""Some cameras take seconds to see anything."""
LATE_S = 3.0


class Capture:
    """Calls `_take` so many times a second. One that is late is left out, not made up for.

    Subclasses are ready to take when they call our `__init__`, which starts the thread.
    """

    description: str
    _encoder: Encoder

    def __init__(self, fps: float, on_picture: OnPicture) -> None:
        self.error: Exception | None = None
        self._period_s = 1 / fps
        self._on_picture = on_picture
        self._stop = threading.Event()
        self._progress = Progress(
            time.monotonic(), start_within_s=START_WITHIN_S, stall_after_s=self._period_s + LATE_S
        )
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self._thread.start()

    def is_stalled(self, now: float) -> bool:
        """Has the thread ended, or given no picture for too long?"""
        return self.error is not None or self._progress.is_stalled(now)

    def limit(self, max_bytes: int) -> None:
        """Make the next pictures so small that they have no more bytes, if that can be done."""
        self._encoder.limit_bytes = max_bytes

    def close(self) -> None:
        """Stop the thread and let go of the device. May be called twice."""
        self._stop.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._keep_time()
        except Exception as error:
            self.error = error
        finally:
            self._release()

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

    def _release(self) -> None:
        """Let go of the device; in its thread, at its end."""
