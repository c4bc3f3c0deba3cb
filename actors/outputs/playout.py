"""The playout buffer: replies wait here until the loudspeaker pulls them. Pure logic, no device, no wire.

How this works. The actor adds audio faster than real time, the device thread reads at the device's pace. Every reply has
an epoch; epochs play in order, and what is older than the newest epoch seen is dropped. A reply starts after a short
pre-roll, or at once when it is complete (`Beginning` decides, and knows devices for which a reply waits for a cue). A read
that would run dry before its end waits for more while the device still holds enough. If the reply runs dry all the same
it waits for the pre-roll again, and the pre-roll has grown. A flush takes everything of older epochs away at once.

Every sample added comes out exactly once, in order and unchanged, unless a counter says why not. So that no edge between
sound and silence clicks, an edge that is loud gets a fade of 4 ms: the nearest samples mirrored in time, *inserted*
on the silent side. The audio itself is never altered. Behind a link that stalls (`conceals`) the voice that ran dry goes on
for a moment instead.

A reply may have a time at which it is to be heard, the same for several loudspeakers: then it waits for that, and what is
already over when it comes is dropped as late.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from actors.outputs.beginning import Beginning
from actors.outputs.edges import Edges
from actors.outputs.fades import RATE_HZ, SAMPLE_BYTES
from actors.outputs.playout_counts import PlayoutCounts
from actors.outputs.pre_roll import PreRoll
from actors.outputs.queued_reply import SAMPLES_PER_MS, Position, QueuedReply
from actors.outputs.replies import Replies


class Playout:
    """The queue between the actor, which adds, and the device thread, which reads. Thread-safe."""

    def __init__(
        self,
        *,
        capacity_s: float = 300.0,
        pre_roll: PreRoll | None = None,
        start_timeout_s: float = 0.5,
        conceals: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capacity = int(capacity_s * RATE_HZ)
        self._pre_roll = pre_roll or PreRoll()
        self._clock = clock
        self._lock = threading.Condition(threading.Lock())
        """Notified when a read that waits for more may go on."""
        self._tally = PlayoutCounts()
        self._dropped: Counter[str] = Counter()
        self._beginning = Beginning(self._pre_roll, start_timeout_s, self._dropped)
        self._replies = Replies(self._dropped)
        self._edges = Edges(conceals=conceals)
        self.late_s: float | None = None
        """How much later than its time the reply sounds; None if it has none, or nothing sounds."""

    def add(self, epoch: int, pcm: bytes, due_s: float | None = None) -> None:
        """Queue a slice of the reply of this epoch, cut anywhere, even inside a sample.

        Older than the newest epoch is dropped as stale, beyond the capacity as full. `due_s`: when it is to be heard.
        """
        with self._lock:
            if epoch < self._replies.newest:
                self._dropped["stale"] += len(pcm) // SAMPLE_BYTES
                self._dropped["half"] += len(pcm) % SAMPLE_BYTES
                return
            reply = self._replies.of(epoch)
            pcm = reply.half + pcm if reply.half else pcm
            n_samples = len(pcm) // SAMPLE_BYTES
            reply.half = pcm[n_samples * SAMPLE_BYTES :]
            n_fit = min(n_samples, self._capacity - self._replies.queued)
            self._dropped["full"] += n_samples - n_fit
            if due_s is not None:
                reply.due_from_here(due_s)
            if n_fit:
                self._queue(reply, memoryview(pcm)[: n_fit * SAMPLE_BYTES])
                self._lock.notify()

    def end(self, epoch: int) -> None:
        """Declare the reply of this epoch complete: running dry is its end, not an underrun."""
        with self._lock:
            if epoch >= self._replies.newest:
                self._replies.complete(self._replies.of(epoch))
                self._lock.notify()

    def flush(self, epoch: int, *, fade: bool = True) -> int:
        """Drop every reply older than `epoch`, now and from now on; returns the dropped samples. Idempotent.

        Ask `heard` before: flushed replies are forgotten. `fade=False` if the device is aborted as well: what it
        held is gone, so a fade has nothing to join on.
        """
        with self._lock:
            old = self._replies.cut(epoch)
            self._lock.notify()
            if self._replies.front in old:
                self._silence(self._replies.front)
                self._replies.turn_to_next()
            if self._edges.is_concealing:
                self._edges.stop()
            if not fade and not (self._replies.front and self._replies.front.is_sounding):
                self._edges.forget()
                self._beginning.sounds_until_s = -math.inf
            return sum(reply.queued for reply in old)

    def wait_for_cue(self, device_holds_s: float) -> None:
        """From now on a reply that follows silence begins with `cue`, when there is as much as the device takes at once."""
        with self._lock:
            self._beginning.device_holds_s = device_holds_s

    @property
    def is_cue_due(self) -> bool:
        """Does a reply wait for `cue`, and has enough of it come?"""
        with self._lock:
            return self._replies.front is not None and self._beginning.is_cue_due(
                self._replies.front, self._clock()
            )

    def cue(self) -> None:
        """Begin the reply that waits at the next read, which is that of a device that is started anew."""
        with self._lock:
            if self._replies.front is not None:
                self._replies.front.is_cued = True

    def read(self, n_samples: int, latency_s: float = 0.0, patience_s: float = 0.0) -> bytes:
        """Exactly `n_samples`, int16 LE mono: the replies in order, and silence where there is none.

        `latency_s` is how long the device takes until the first of them is heard, `patience_s` how long it can wait for
        more of a reply that would run dry.
        """
        n_bytes = n_samples * SAMPLE_BYTES
        out = bytearray()
        with self._lock:
            now = self._clock()
            self._lock.wait_for(lambda: not self._replies.is_short_of(n_samples), patience_s)
            while len(out) < n_bytes:
                at = now + len(out) / (SAMPLE_BYTES * RATE_HZ)
                piece = self._pull(n_bytes - len(out), at, latency_s)
                if piece:
                    self._edges.played(piece)
                    out += piece
                    sounds_s = len(out) / (SAMPLE_BYTES * RATE_HZ)
                    self._beginning.sounds_until_s = now + latency_s + sounds_s
                else:
                    out += self._silent_until_due(n_bytes - len(out), at + latency_s)
        return bytes(out)

    def heard(self, now: float, device_latency_s: float) -> dict[int, Position]:
        """Per epoch, how far its reply has left the loudspeaker. Epochs flushed or long done are forgotten."""
        with self._lock:
            audible = now - device_latency_s
            return self._replies.positions(audible)

    @property
    def is_idle(self) -> bool:
        """Is there nothing to hand to the device, and no reply unfinished?"""
        with self._lock:
            return not (
                self._edges
                or self._replies.queued
                or (self._replies.front and not self._replies.front.is_complete)
            )

    @property
    def is_cued(self) -> bool:
        """Does a reply that follows silence begin with `cue`?"""
        return self._beginning.device_holds_s > 0

    @property
    def is_quiet(self) -> bool:
        """Is there nothing to hand to the device before the next `cue`?"""
        with self._lock:
            reply = self._replies.front
            if self._edges or reply is None:
                return not self._edges
            if not reply.queued:
                return reply.is_complete or not reply.played
            return self._beginning.waits_for_cue(reply, self._clock())

    @property
    def sounds_until_s(self) -> float:
        """When the last sample of a reply that was read leaves the loudspeaker."""
        return self._beginning.sounds_until_s

    def rejoin(self) -> None:
        """Break off here, and go on where the reply ought to be by its time."""
        with self._lock:
            if self._replies.front is not None:
                self._silence(self._replies.front)

    @property
    def played(self) -> int:
        """How many samples of replies were read."""
        return self._tally.played

    @property
    def queue_ms(self) -> int:
        """How much audio waits."""
        return self._replies.queued // SAMPLES_PER_MS

    @property
    def pre_roll_ms(self) -> float:
        """How much audio a reply gathers before it sounds."""
        return self._pre_roll.ms

    def gather(self, least_ms: float) -> None:
        """Let a reply gather at least this much from now on."""
        with self._lock:
            self._pre_roll.at_least(least_ms)

    def counts(self) -> PlayoutCounts:
        """Count what happened since the start."""
        with self._lock:
            dropped = {reason: n for reason, n in self._dropped.items() if n}
            return replace(self._tally, concealed=self._edges.concealed, dropped=dropped)

    # What follows runs under the lock.

    def _queue(self, reply: QueuedReply, pcm: memoryview) -> None:
        if reply.ran_dry:  # counted only now: had the end come instead, nothing would have been missing
            reply.ran_dry = reply.is_clean = False
            self._tally.underruns += 1
            self._pre_roll.underrun()
        if not reply.queued:
            reply.waiting_since = self._clock()
        reply.append(pcm)
        self._replies.front = self._replies.front or reply  # audio after its own end still plays
        self._replies.pass_over_empty()  # a device at rest reads nothing, which would do it
        queue_ms = self._replies.queued // SAMPLES_PER_MS
        self._tally.peak_queue_ms = max(self._tally.peak_queue_ms, queue_ms)

    def _pull(self, n_bytes: int, at: float, latency_s: float) -> bytes | bytearray:
        """Up to `n_bytes` of what comes next; nothing means silence."""
        self.late_s = None
        while not self._edges and self._replies.front is not None:
            reply = self._replies.front
            if not reply.queued:
                if not self._pause(reply):
                    break
            elif reply.is_sounding:
                return self._take(reply, n_bytes, at, latency_s)
            elif self._beginning.may_begin(reply, at, latency_s):
                self._start(reply)
            else:
                break
        inserted = self._edges.take(n_bytes)
        self._tally.silent += len(inserted) // SAMPLE_BYTES
        return inserted

    def _take(self, reply: QueuedReply, n_bytes: int, at: float, latency_s: float) -> bytearray:
        due_s = reply.due_s
        self.late_s = None if due_s is None else at + latency_s - due_s
        taken = reply.take(n_bytes, at)
        self._tally.played += len(taken) // SAMPLE_BYTES
        return taken

    def _silent_until_due(self, most_bytes: int, heard_s: float) -> bytes:
        """Silence, for all that is asked for or until a reply is due; `heard_s` is when it will be heard."""
        reply = self._replies.front
        n_bytes = most_bytes
        if reply is not None and reply.queued and not reply.is_sounding and reply.due_s is not None:
            n_samples = max(1, round((reply.due_s - heard_s) * RATE_HZ))
            n_bytes = min(most_bytes, n_samples * SAMPLE_BYTES)
        self._tally.silent += n_bytes // SAMPLE_BYTES
        self._edges.silent()
        return bytes(n_bytes)

    def _start(self, reply: QueuedReply) -> None:
        inserted = self._edges.begin(reply.blocks[0])
        self._tally.gaps += reply.sound(self._tally.silent + inserted)

    def _pause(self, reply: QueuedReply) -> bool:
        """Let a reply that has run out wait, or go if it is complete; true if something comes at once."""
        if reply.is_sounding and not reply.is_complete:
            reply.run_dry(self._tally.silent)
            self._edges.run_dry()
        self._silence(reply)
        if reply.is_complete:
            if reply.is_clean and reply.played:
                self._pre_roll.clean_reply()
            self._replies.turn_to_next()
        return reply.is_complete or bool(self._edges)

    def _silence(self, reply: QueuedReply) -> None:
        if reply.is_sounding:
            reply.is_sounding = False
            self._edges.stop()


__all__ = ["RATE_HZ", "Playout", "PlayoutCounts", "Position", "PreRoll"]
