"""A thread that works on a schedule of its own, as a device's does: what it raises ends it, and is kept."""

import threading

from actors.devices.audio import Progress


class ScheduledThread:
    """Runs `_keep_time` until it is closed. Subclasses have all they need when they call our `__init__`, which starts it."""

    def __init__(self, progress: Progress) -> None:
        self.error: Exception | None = None
        self._progress = progress
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self._thread.start()

    def is_stalled(self, now: float) -> bool:
        """Has the thread ended, or not come round for too long?"""
        return self.error is not None or self._progress.is_stalled(now)

    def close(self) -> None:
        """Stop the thread, which lets go of what it holds. May be called twice."""
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
        """Work, until `_stop` is set."""
        raise NotImplementedError

    def _release(self) -> None:
        """Let go of the device, where there is one; in its thread, at its end."""
