"""The user's voice on its way to the session: from where that asked for it, in order, no faster than a link bears. Pure.

The session asks with a `Replay` whenever it has a new connection to the model: send everything after the last sample that
the model's context holds. What the ring has of that goes out faster than real time, then frames go out as they come. Once it
has caught up with the newest frame, one that is late is left out: a session that stood still must not be followed by a burst.
"""

from actors import wire
from actors.inputs.ring import Frame, Ring
from actors.runtime.inbox import Counters

SPEED = 8.0
"""Times real time: 30 s are replayed in 4 s, with less than 3 Mbit/s towards the model."""
BURST_S = 0.4
MAX_AGE_S = 0.4
"""Speech that is later than this is not sent, except in a replay."""
PAUSE_S = 1.0
"""The service's voice detection runs on audio time: it has to be told about a longer pause."""


class Outgoing:
    """Fed with frames, replays and the time; says what to send next."""

    def __init__(self, ring: Ring, counters: Counters, *, has_turns: bool = False) -> None:
        self._ring = ring
        self._counters = counters
        self._has_turns = has_turns
        """Push to talk: every pause ends a turn, however short it is."""
        self._number = 0
        """Of the replay asked for; 0: there is no session that wants anything."""
        self._sent_seq = 0
        self._is_open = False
        """Whether the session counts on more audio."""
        self._is_late = False
        """Whether what is sent is (still) older than live."""
        self._was_cut = False
        self._budget_s = BURST_S
        self._refilled_s = 0.0

    @property
    def queue_ms(self) -> int:
        """How much waits to be sent."""
        return self._ring.ms_after(self._sent_seq) if self._number else 0

    def add(self, pcm: bytes, captured_ns: int) -> None:
        """The user is listened to."""
        since_ns = captured_ns - self._ring.end_ns
        is_after_pause = since_ns > PAUSE_S * 1e9 or (self._was_cut and self._has_turns)
        self._ring.add(pcm, captured_ns, is_after_pause=is_after_pause)
        self._was_cut = False

    def cut(self) -> None:
        """The user is not listened to now."""
        self._was_cut = True

    def asked(self, replay: wire.Replay) -> None:
        """The session has a connection, whose context holds the voice up to there."""
        if 0 < replay.after_ns < self._ring.forgotten_ns:
            self._counters.drop("replay_too_old")
        self._number = replay.number
        self._sent_seq = self._ring.seq_at(replay.after_ns)
        self._is_open, self._is_late = False, True
        self._budget_s = BURST_S

    def nobody_asks(self) -> None:
        """The session is gone, or another one that will ask when it is ready."""
        self._number = 0
        self._is_open = False

    def next(self, now_s: float, now_ns: int) -> wire.MicChunk | wire.MicPaused | None:
        """Return what is due. Say `sent` when it could be sent."""
        frame = self._next_frame(now_ns)
        if frame is None:
            return None
        if frame.is_after_pause and self._is_open:
            return wire.MicPaused()
        self._budget_s = min(BURST_S, self._budget_s + (now_s - self._refilled_s) * SPEED)
        self._refilled_s = now_s
        if self._budget_s <= 0:
            return None
        return wire.MicChunk(frame.pcm, frame.captured_ns, self._number)

    def sent(self, message: wire.MicChunk | wire.MicPaused) -> None:
        """The session's socket took it."""
        self._is_open = isinstance(message, wire.MicChunk)
        frame = self._ring.next_after(self._sent_seq)
        if self._is_open and frame is not None:
            self._sent_seq = frame.seq
            self._is_late = self._is_late and frame.seq < self._ring.last_seq
            self._budget_s -= self._ring.length_ns(frame) / 1e9

    def pause(self) -> wire.MicPaused | None:
        """Return what to say when no audio comes for now: nothing, if the session does not count on any."""
        return wire.MicPaused() if self._is_open and self._number else None

    def _next_frame(self, now_ns: int) -> Frame | None:
        while self._number and (frame := self._ring.next_after(self._sent_seq)) is not None:
            if self._is_late or now_ns - self._ring.fresh_ns(frame) <= MAX_AGE_S * 1e9:
                return frame
            self._sent_seq = frame.seq
            self._counters.drop("stale")
        return None
