"""One loop per process: file descriptors, timers, and nothing that blocks.

Two bodies with the same face. `PollLoop` is for the lean actors and the supervisor (no asyncio: 7 MiB and 35 ms less per
process). `AsyncLoop`, in a file of its own for that reason, is for actors whose libraries need asyncio (the session).
"""

import contextlib
import heapq
import itertools
import selectors
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

Callback = Callable[[], None]


class Timer:
    """A call that will be made once, unless cancelled."""

    __slots__ = ("callback", "cancelled", "due_s")

    def __init__(self, due_s: float, callback: Callback) -> None:
        self.due_s = due_s
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        """Do not call. Harmless when it was called already."""
        self.cancelled = True


class Loop(Protocol):
    """What actors may ask of their loop. Times are seconds on the monotonic clock."""

    def now(self) -> float:
        """Return the monotonic time in seconds."""
        ...

    def call_soon(self, callback: Callback) -> None:
        """Call it in the next round."""
        ...

    def call_later(self, delay_s: float, callback: Callback) -> Timer:
        """Call it once, not before `delay_s` seconds from now."""
        ...

    def watch(self, fd: int, callback: Callback) -> None:
        """Call it whenever `fd` can be read."""
        ...

    def unwatch(self, fd: int) -> None:
        """Stop watching `fd`. Harmless when it was not watched."""
        ...

    def stop(self) -> None:
        """Make `run` return after this round."""
        ...


class PollLoop:
    """The lean loop: epoll and a heap of timers."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._soon: deque[Callback] = deque()
        self._is_stopped = False

    def now(self) -> float:
        """Return the monotonic time in seconds."""
        return time.monotonic()

    def call_soon(self, callback: Callback) -> None:
        """Call it in the next round."""
        self._soon.append(callback)

    def call_later(self, delay_s: float, callback: Callback) -> Timer:
        """Call it once, not before `delay_s` seconds from now."""
        timer = Timer(self.now() + delay_s, callback)
        heapq.heappush(self._timers, (timer.due_s, next(self._order), timer))
        return timer

    def watch(self, fd: int, callback: Callback) -> None:
        """Call it whenever `fd` can be read."""
        self._selector.register(fd, selectors.EVENT_READ, callback)

    def unwatch(self, fd: int) -> None:
        """Stop watching `fd`. Harmless when it was not watched."""
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(fd)

    def stop(self) -> None:
        """Make `run` return after this round."""
        self._is_stopped = True

    def run(self) -> None:
        """Serve until `stop`, which may have been called before."""
        while not self._is_stopped:
            self.run_once(None)

    def run_once(self, at_most_s: float | None) -> None:
        """Do one round, waiting `at_most_s` for something to happen (None: as long as it takes)."""
        for key, _ in self._selector.select(self._wait_s(at_most_s)):
            key.data()
        for _ in range(len(self._soon)):
            self._soon.popleft()()
        now = self.now()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            if not timer.cancelled:
                timer.callback()

    def close(self) -> None:
        """Give the epoll descriptor back."""
        self._selector.close()

    def _wait_s(self, at_most_s: float | None) -> float | None:
        if self._soon:
            return 0.0
        while self._timers and self._timers[0][2].cancelled:
            heapq.heappop(self._timers)
        if not self._timers:
            return at_most_s
        due_s = max(0.0, self._timers[0][0] - self.now())
        return due_s if at_most_s is None else min(due_s, at_most_s)
