"""The user's voice on its way to the model: one stream per connection, which prefers silence to a late burst. Pure.

Each connection asks the microphones for their voice under a number of its own, from where the model's context ends; what
was sent for an earlier number is not wanted any more, as it comes again. A replay may be as late as it likes; once it has
caught up, late audio is dropped.
"""

from collections import deque
from collections.abc import Iterator

from actors.runtime.inbox import Counters
from actors.runtime.latency import SLICE_NS, fresh_ns
from actors.wire import MicChunk

RATE_HZ = 16_000
MAX_AGE_S = 0.4
CAUGHT_UP_S = 0.2
"""A replay is over when it is this near: at the very edge of what is too late, the least wait would cost a slice of it."""
MAX_WAITING_S = 30.0
PAUSE_S = 1.5
"""A microphone that ends without a word is silent for longer than one that says so itself."""


class Voice:
    """Chunks to send, oldest first, and the end of the stream between them."""

    def __init__(self, counters: Counters) -> None:
        self.number = 0
        """Of the replay asked for; 0: there is no connection."""
        self.newest_ns = 0
        """When the newest sample taken was captured."""
        self._counters = counters
        self._asked = 0
        self._queue: deque[MicChunk | None] = deque()
        self._waiting_ns = 0
        self._is_streaming = False
        """Whether the model counts on more audio."""
        self._is_late = False
        """Whether the replay has not caught up yet."""
        self._came_ns = 0
        self._late = 0

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def queue_ms(self) -> float:
        """How much waits to be sent."""
        return self._waiting_ns / 1e6

    @property
    def is_live(self) -> bool:
        """Whether what is sent was said just now."""
        return not self._is_late

    def ask(self, after_ns: int) -> int:
        """The microphones are asked to send everything after that; returns the number to ask under."""
        self._asked += 1
        self.number, self.newest_ns, self._is_late = self._asked, after_ns, True
        return self.number

    def hang_up(self) -> None:
        """The connection is gone: what waits is not lost, it will come again."""
        self.number, self._waiting_ns, self._is_streaming = 0, 0, False
        self._queue.clear()

    def add(self, chunk: MicChunk, now_ns: int) -> None:
        """Queue a chunk; the oldest gives way when there are too many."""
        if not self.number or chunk.replay != self.number:
            self._counters.drop("to_be_replayed")
            return
        self._queue.append(chunk)
        self._waiting_ns += length_ns(chunk)
        self._is_streaming = True
        self._came_ns, self.newest_ns = now_ns, end_ns(chunk)
        while self._waiting_ns > MAX_WAITING_S * 1e9:
            oldest = self._queue.popleft()
            self._waiting_ns -= length_ns(oldest) if oldest is not None else 0
            self._counters.drop("voice_full")

    def watch(self, now_ns: int) -> bool:
        """Notice that the microphone is gone: the model's voice detection would wait for the end of the word for ever."""
        is_gone = self._is_streaming and now_ns - self._came_ns > PAUSE_S * 1e9
        if is_gone:
            self.paused()
        return is_gone

    def paused(self) -> None:
        """No more audio for now."""
        if self._is_streaming:
            self._queue.append(None)
            self._is_streaming = False

    def take_late(self) -> int:
        """Return how many chunks were dropped as too old since the last time."""
        late, self._late = self._late, 0
        return late

    def take(self, now_ns: int) -> MicChunk | None:
        """Return the next chunk to send, or None for the end of the stream. Raises `IndexError` when there is nothing."""
        while True:
            chunk = self._queue.popleft()
            if chunk is None:
                return None
            self._waiting_ns -= length_ns(chunk)
            age_ns = now_ns - fresh_ns(chunk.captured_ns, end_ns(chunk))
            self._is_late = self._is_late and age_ns > CAUGHT_UP_S * 1e9
            if self._is_late or age_ns <= MAX_AGE_S * 1e9:
                return chunk
            self._counters.drop("voice_stale")
            self._late += 1


def length_ns(chunk: MicChunk) -> int:
    """Return how long a chunk lasts."""
    return len(chunk.pcm_16k) // 2 * 1_000_000_000 // RATE_HZ


def end_ns(chunk: MicChunk) -> int:
    """Return when its last sample had been captured."""
    return chunk.captured_ns + length_ns(chunk)


def in_slices(chunk: MicChunk) -> Iterator[MicChunk]:
    """Cut a long chunk: what is decided about its parts may differ."""
    n_bytes = SLICE_NS * RATE_HZ // 1_000_000_000 * 2
    for at in range(0, len(chunk.pcm_16k), n_bytes):
        since_ns = at // 2 * 1_000_000_000 // RATE_HZ
        yield MicChunk(chunk.pcm_16k[at : at + n_bytes], chunk.captured_ns + since_ns, chunk.replay)
