"""The playout buffer: replies wait here until the loudspeaker pulls them. Pure logic, no device, no wire.

How this works. The actor adds audio faster than real time, the device thread reads at the device's pace. Every reply has
an epoch; epochs play in order, and what is older than the newest epoch seen is dropped. A reply starts after a short
pre-roll, or at once when it is complete. If it runs dry before its end it waits for the pre-roll again, and the pre-roll
has grown. A flush takes everything of older epochs away at once.

Every sample added comes out exactly once, in order and unchanged, unless a counter says why not. So that no edge between
sound and silence clicks, an edge that is loud gets a fade of 4 ms: the nearest samples mirrored in time, *inserted*
on the silent side. The audio itself is never altered.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from actors.outputs.fades import FADE_BYTES, RATE_HZ, SAMPLE_BYTES, fade_in, fade_out
from actors.outputs.queued_reply import SAMPLES_PER_MS, Position, QueuedReply

_REMEMBERED_REPLIES = 8


@dataclass(frozen=True)
class PlayoutCounts:
    """What happened since the start, in samples where not said otherwise."""

    played: int
    silent: int
    """Silence and fades handed out; played + silent is all that was ever read."""
    underruns: int
    """How often a reply went on after it had run dry."""
    gaps: int
    """The part of `silent` that stood inside a reply that went on."""
    dropped: dict[str, int]
    """By reason: stale, full, flushed; half counts single bytes that never became a sample."""
    peak_queue_ms: int


class PreRoll:
    """How much audio a reply gathers before it sounds: little on a good line, more after an underrun."""

    def __init__(self, start_ms: float = 40, max_ms: float = 400) -> None:
        self.ms = start_ms
        self._min_ms = start_ms
        self._max_ms = max_ms

    @property
    def samples(self) -> int:
        """The same in samples."""
        return int(self.ms * SAMPLES_PER_MS)

    def underrun(self) -> None:
        """Double it."""
        self.ms = min(self.ms * 2, self._max_ms)

    def clean_reply(self) -> None:
        """Give a fifth of it back."""
        self.ms = max(self.ms * 0.8, self._min_ms)


class Playout:
    """The queue between the actor, which adds, and the device thread, which reads. Thread-safe."""

    def __init__(
        self,
        *,
        capacity_s: float = 300.0,
        pre_roll: PreRoll | None = None,
        start_timeout_s: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capacity = int(capacity_s * RATE_HZ)
        self._pre_roll = pre_roll or PreRoll()
        self._start_timeout_s = start_timeout_s
        self._clock = clock
        self._lock = threading.Lock()
        self._replies: dict[int, QueuedReply] = {}
        self._front: QueuedReply | None = None
        self._newest = 0
        self._queued = 0
        self._fade = b""
        self._last = b""
        """What the loudspeaker got last, for a fade to join on."""
        self._played = self._silent = self._underruns = self._gaps = self._peak = 0
        self._dropped: Counter[str] = Counter()

    def add(self, epoch: int, pcm: bytes) -> None:
        """Queue a slice of the reply of this epoch, cut anywhere, even inside a sample.

        Older than the newest epoch seen is dropped as stale; what exceeds the capacity is dropped as full.
        """
        with self._lock:
            if epoch < self._newest:
                self._dropped["stale"] += len(pcm) // SAMPLE_BYTES
                self._dropped["half"] += len(pcm) % SAMPLE_BYTES
                return
            reply = self._reply(epoch)
            pcm = reply.half + pcm if reply.half else pcm
            n_samples = len(pcm) // SAMPLE_BYTES
            reply.half = pcm[n_samples * SAMPLE_BYTES :]
            n_fit = min(n_samples, self._capacity - self._queued)
            self._dropped["full"] += n_samples - n_fit
            if n_fit:
                self._queue(reply, memoryview(pcm)[: n_fit * SAMPLE_BYTES], n_fit)

    def end(self, epoch: int) -> None:
        """Declare the reply of this epoch complete: running dry is its end, not an underrun."""
        with self._lock:
            if epoch >= self._newest:
                self._complete(self._reply(epoch))

    def flush(self, epoch: int, *, fade: bool = True) -> int:
        """Drop every reply older than `epoch`, now and from now on; returns the dropped samples. Idempotent.

        Ask `heard` before: flushed replies are forgotten. `fade=False` if the device is aborted as well: what it
        held is gone, so a fade has nothing to join on.
        """
        with self._lock:
            self._newest = max(self._newest, epoch)
            old = [self._replies.pop(each) for each in list(self._replies) if each < epoch]
            dropped = sum(reply.queued for reply in old)
            self._dropped["flushed"] += dropped
            self._dropped["half"] += sum(len(reply.half) for reply in old)
            self._queued -= dropped
            if self._front in old:
                self._silence(self._front)
                self._next_reply()
            if not fade and not (self._front and self._front.is_sounding):
                self._fade = self._last = b""
            return dropped

    def read(self, n_samples: int) -> bytes:
        """Exactly `n_samples`, int16 LE mono: the replies in order, and silence where there is none."""
        n_bytes = n_samples * SAMPLE_BYTES
        out = bytearray()
        with self._lock:
            now = self._clock()
            while len(out) < n_bytes:
                piece = self._pull(n_bytes - len(out), now + len(out) / (SAMPLE_BYTES * RATE_HZ))
                if not piece:
                    break
                out += piece
                self._last = (self._last + piece)[-FADE_BYTES:]
            n_silent = n_bytes - len(out)
            if n_silent:
                self._silent += n_silent // SAMPLE_BYTES
                self._last = b""
        return bytes(out) + bytes(n_silent)

    def heard(self, now: float, device_latency_s: float) -> dict[int, Position]:
        """Per epoch, how far its reply has left the loudspeaker. Epochs flushed or long done are forgotten."""
        with self._lock:
            audible = now - device_latency_s
            return {epoch: reply.position(audible) for epoch, reply in self._replies.items()}

    @property
    def is_idle(self) -> bool:
        """Is there nothing to hand to the device, and no reply unfinished?"""
        with self._lock:
            return not (self._fade or self._queued or (self._front and not self._front.is_complete))

    @property
    def is_starved(self) -> bool:
        """Did the reply run dry before its end, and nothing came since?"""
        with self._lock:
            return self._front is not None and self._front.ran_dry and not self._front.is_complete

    @property
    def played(self) -> int:
        """How many samples of replies were read."""
        return self._played

    @property
    def queue_ms(self) -> int:
        """How much audio waits."""
        return self._queued // SAMPLES_PER_MS

    @property
    def pre_roll_ms(self) -> float:
        """How much audio a reply gathers before it sounds."""
        return self._pre_roll.ms

    def counts(self) -> PlayoutCounts:
        """Count what happened since the start."""
        with self._lock:
            return PlayoutCounts(
                played=self._played,
                silent=self._silent,
                underruns=self._underruns,
                gaps=self._gaps,
                dropped={reason: n for reason, n in self._dropped.items() if n},
                peak_queue_ms=self._peak // SAMPLES_PER_MS,
            )

    # What follows runs under the lock.

    def _reply(self, epoch: int) -> QueuedReply:
        """Give the reply of this epoch, which is the newest; a new one means that those before it are complete."""
        if epoch not in self._replies:
            for older in self._replies.values():
                self._complete(older)
            self._newest = epoch
            self._replies[epoch] = QueuedReply()
            self._front = self._front or self._replies[epoch]
            self._forget_done()
        return self._replies[epoch]

    def _forget_done(self) -> None:
        surplus = max(0, len(self._replies) - _REMEMBERED_REPLIES)
        for epoch in list(islice(self._replies, surplus)):
            if not self._replies[epoch].queued and self._replies[epoch] is not self._front:
                del self._replies[epoch]

    def _complete(self, reply: QueuedReply) -> None:
        reply.is_complete = True
        self._dropped["half"] += len(reply.half)
        reply.half = b""

    def _queue(self, reply: QueuedReply, pcm: memoryview, n_samples: int) -> None:
        if reply.ran_dry:
            reply.ran_dry = reply.is_clean = False
            self._underruns += (
                1  # counted only now: had the end come instead, nothing would have been missing
            )
            self._pre_roll.underrun()
        if not reply.queued:
            reply.waiting_since = self._clock()
        reply.append(pcm)
        self._front = self._front or reply  # audio after its own end still plays
        self._queued += n_samples
        self._peak = max(self._peak, self._queued)

    def _pull(self, n_bytes: int, at: float) -> bytes | bytearray:
        """Up to `n_bytes` of what comes next; nothing means silence for the rest of this read."""
        while not self._fade and self._front is not None:
            reply = self._front
            if not reply.queued:
                if not self._pause(reply):
                    return b""
            elif reply.is_sounding:
                return self._take(reply, n_bytes, at)
            elif self._may_start(reply, at):
                self._start(reply)
            else:
                return b""
        return self._take_fade(n_bytes)

    def _take(self, reply: QueuedReply, n_bytes: int, at: float) -> bytearray:
        taken = reply.take(n_bytes, at)
        self._queued -= len(taken) // SAMPLE_BYTES
        self._played += len(taken) // SAMPLE_BYTES
        return taken

    def _take_fade(self, n_bytes: int) -> bytes:
        taken, self._fade = self._fade[:n_bytes], self._fade[n_bytes:]
        self._silent += len(taken) // SAMPLE_BYTES
        return taken

    def _may_start(self, reply: QueuedReply, at: float) -> bool:
        return (
            reply.is_complete
            or reply.queued >= self._pre_roll.samples
            or at - reply.waiting_since >= self._start_timeout_s
        )

    def _start(self, reply: QueuedReply) -> None:
        reply.is_sounding = True
        self._fade = fade_in(reply.blocks[0][:FADE_BYTES])
        if reply.silent_when_dry is not None:
            self._gaps += self._silent + len(self._fade) // SAMPLE_BYTES - reply.silent_when_dry
            reply.silent_when_dry = None

    def _pause(self, reply: QueuedReply) -> bool:
        """Let a reply that has run out wait, or go if it is complete; true if something comes at once."""
        if reply.is_sounding and not reply.is_complete:
            reply.ran_dry = True
            reply.silent_when_dry = self._silent
        self._silence(reply)
        if reply.is_complete:
            if reply.is_clean and reply.played:
                self._pre_roll.clean_reply()
            self._next_reply()
        return reply.is_complete or bool(self._fade)

    def _silence(self, reply: QueuedReply) -> None:
        if reply.is_sounding:
            reply.is_sounding = False
            self._fade = fade_out(self._last)

    def _next_reply(self) -> None:
        """Turn to the next reply with something to play; an unfinished one can only be the newest."""
        candidates = (r for r in self._replies.values() if r.queued or not r.is_complete)
        self._front = next(candidates, None)


__all__ = ["RATE_HZ", "Playout", "PlayoutCounts", "Position", "PreRoll"]
