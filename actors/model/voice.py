"""The user's voice on its way to the model: a short queue that prefers silence to a late burst. Pure."""

from collections import deque

from actors.runtime.inbox import Counters
from actors.wire import MicChunk

MAX_AGE_S = 0.4
MAX_CHUNKS = 100
PAUSE_S = 1.5
"""A microphone that ends without a word is silent for longer than one that says so itself."""


class Voice:
    """Chunks to send, oldest first, and the end of the stream between them."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._queue: deque[MicChunk | None] = deque()
        self._is_streaming = False
        """Whether the model counts on more audio."""
        self._newest_ns = 0

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, chunk: MicChunk) -> None:
        """Queue a chunk; the oldest gives way when there are too many."""
        if len(self._queue) >= MAX_CHUNKS:
            self._queue.popleft()
            self._counters.drop("voice_full")
        self._queue.append(chunk)
        self._is_streaming = True
        self._newest_ns = chunk.captured_ns

    def watch(self, now_ns: int) -> bool:
        """Notice that the microphone is gone: the model's voice detection would wait for the end of the word for ever."""
        is_gone = self._is_streaming and now_ns - self._newest_ns > PAUSE_S * 1e9
        if is_gone:
            self.paused()
        return is_gone

    def paused(self) -> None:
        """No more audio for now."""
        if self._is_streaming:
            self._queue.append(None)
            self._is_streaming = False

    def clear(self, reason: str) -> None:
        """Forget what waits."""
        self._counters.drop(reason, len(self._queue)) if self._queue else None
        self._queue.clear()

    def take(self, now_ns: int) -> MicChunk | None:
        """Return the next chunk that is fresh enough, or None for the end of the stream. Raises `IndexError` when empty."""
        while True:
            chunk = self._queue.popleft()
            if chunk is None or now_ns - chunk.captured_ns <= MAX_AGE_S * 1e9:
                return chunk
            self._counters.drop("voice_stale")
            if not self._queue:
                raise IndexError("nothing fresh is left")
