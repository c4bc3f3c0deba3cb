"""The loop of actors whose libraries need asyncio: the same face as `PollLoop`."""

import asyncio

from actors.runtime.loop import Callback, Timer


class AsyncLoop:
    """The same face on a running asyncio loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.stopped = asyncio.Event()

    def now(self) -> float:
        """Return the monotonic time in seconds."""
        return self._loop.time()

    def call_soon(self, callback: Callback) -> None:
        """Call it in the next round."""
        self._loop.call_soon(callback)

    def call_later(self, delay_s: float, callback: Callback) -> Timer:
        """Call it once, not before `delay_s` seconds from now."""
        timer = Timer(self.now() + delay_s, callback)
        self._loop.call_later(delay_s, lambda: None if timer.cancelled else callback())
        return timer

    def watch(self, fd: int, callback: Callback) -> None:
        """Call it whenever `fd` can be read."""
        self._loop.add_reader(fd, callback)

    def unwatch(self, fd: int) -> None:
        """Stop watching `fd`. Harmless when it was not watched."""
        self._loop.remove_reader(fd)

    def stop(self) -> None:
        """Make whoever waits for `stopped` go on."""
        self.stopped.set()
