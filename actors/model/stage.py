"""The reply on its way to the user: to the speakers, to the console, and what half duplex makes of it."""

import time
from collections import deque
from collections.abc import Callable

from actors import wire
from actors.model import events
from actors.model.reply import Reply
from actors.model.shutter import Shutter
from actors.model.together import Together
from actors.runtime.bus import Hub
from actors.runtime.control import Control
from actors.runtime.inbox import Counters
from actors.runtime.loop import Loop, Timer
from actors.settings import SessionTable

READERS = ("console", "listener")
"""Kinds that are given text. A listener is a program of the user's, with output streamers of its own."""
SPEAKERS = frozenset({"speaker", "listener"})
"""Kinds that are given speech, and say what of it was heard."""
RECORDERS = frozenset({"recorder"})
BACKLOG = 1000
"""Transcript pieces kept for a reader that is being restarted."""
HEARD_WITHIN_S = 0.3
"""A speaker that hangs must not keep the mark of the cut off the screen."""

TellOrigin = Callable[[wire.LineId, wire.Wire], None]
VoiceEnded = Callable[[], int]
"""When the user's voice ended that is being answered, monotonic ns; 0 when it answers none."""


class Stage:
    """Decides with `Reply`, acts on the hub and the shared state."""

    def __init__(
        self,
        hub: Hub,
        loop: Loop,
        control: Control,
        counters: Counters,
        table: SessionTable,
        tell_origin: TellOrigin,
    ) -> None:
        self._hub = hub
        self._loop = loop
        self._control = control
        self._counters = counters
        self._table = table
        self._tell_origin = tell_origin
        self._reply = Reply()
        self._backlogs: dict[str, deque[wire.Wire]] = {kind: deque(maxlen=BACKLOG) for kind in READERS}
        self.together = Together()
        self._is_streaming = False
        self._shutter = Shutter()
        self._quiet: Timer | None = None
        self._cut_epoch = 0
        """A cut that is not on the screen yet, as its speakers have not said how much was heard; 0 when there is none."""
        self._cut_timer: Timer | None = None
        self._behind_cut: list[wire.Wire] = []
        """What came for the screen while the mark of the cut is not there yet."""

    def is_gated(self, captured_ns: int) -> bool:
        """Half duplex: whether the microphone would have heard a reply then."""
        return self._table.duplex == "half" and self._shutter.was_shut(captured_ns)

    @property
    def has_unshown(self) -> bool:
        """Whether something for the screen waits for a console."""
        return bool(self._backlogs["console"])

    @property
    def is_silent(self) -> bool:
        """Whether no reply is being given or heard."""
        return not self._reply.is_open and not self._is_streaming

    def resume(self, state: wire.ConversationState) -> None:
        """Go on after an earlier incarnation: what its speakers still play is older than anything of ours."""
        self._reply.epoch = max(self._reply.epoch, state.epoch) + 1
        self._control.set("epoch", self._reply.epoch)
        if state.is_streaming_output:
            self._is_streaming = True
            self._shutter.shut(self._now_ns())
        self._quiet_soon()

    def _now_ns(self) -> int:
        return int(self._loop.now() * 1e9)

    # From the model.

    def play(self, event: events.Audio | events.Said, voice_ended: VoiceEnded = lambda: 0) -> None:
        """A piece of the reply came. `voice_ended` is asked at its first sound."""
        if self._reply.begin():
            self.together.begin()
            self._control.set("epoch", self._reply.epoch)
        if self._reply.is_discarded:
            self._counters.drop("cut_by_user")
        elif isinstance(event, events.Said):
            self.show(wire.OutputText(event.text))
        elif event.rate_hz != events.OUTPUT_RATE_HZ:
            self._counters.drop(f"rate_{event.rate_hz}")
        else:
            self._speak(event.pcm, voice_ended)

    def whole(self) -> None:
        """Everything of the reply has come."""
        self._reply.whole()
        self._hub.broadcast(wire.SpeechEnd(), self._reply.epoch, kinds=SPEAKERS)
        self._settle()

    def turn_over(self, line: wire.LineId | None) -> None:
        """The model's turn ended; `line` is what it answered."""
        self._hub.broadcast(wire.SpeechEnd(), self._reply.epoch, kinds=SPEAKERS)
        self._reply.over(line)
        self.show(wire.TextComplete())
        self._settle()

    def broken_off(self) -> None:
        """The connection is gone: what has come is played, and nothing more will come."""
        if self._reply.is_open:
            self._hub.broadcast(wire.SpeechEnd(), self._reply.epoch, kinds=SPEAKERS)
            self.show(wire.Interrupted())
            self._reply.over(None)
        self._settle()

    def cut(self, *, by_user: bool) -> None:
        """Silence now: first the speakers, then everything else."""
        if not (self._reply.is_open or self._is_streaming):
            return
        was_audible = self._reply.has_audio
        cut_epoch = self._reply.cut(by_user=by_user)
        reached = self._hub.broadcast(wire.Flush(), self._reply.epoch, kinds=SPEAKERS)
        self._control.set("epoch", self._reply.epoch)
        self._show_cut(None)
        self._cut_epoch = cut_epoch
        if was_audible and reached:
            self._cut_timer = self._loop.call_later(HEARD_WITHIN_S, lambda: self._show_cut(None))
        else:
            self._show_cut(None)
        self._settle()

    # From the speakers and the consoles.

    def heard(self, route: bytes, epoch: int, heard: wire.Heard) -> None:
        """A speaker says how far it is."""
        if epoch > self._reply.epoch:  # an earlier incarnation got further than the coordinator was told
            self._reply.epoch = epoch + 1
            self._control.set("epoch", self._reply.epoch)
        if epoch == self._cut_epoch and heard.is_done:
            if self._knows_best(route):
                self._show_cut(heard.played_ms)
        elif heard.is_done and epoch >= self._reply.epoch:
            self._reply.heard_by(route)
            self._settle()
        elif self._quiet is not None:
            self._quiet_soon()  # it still plays what an earlier incarnation gave it

    def arrived(self, route: bytes, kind: str) -> None:
        """Somebody joins the star: a reader gets what its kind missed."""
        backlog = self._backlogs.get(kind)
        while backlog:
            self._hub.send(route, backlog.popleft())

    def left(self, route: bytes) -> None:
        """Somebody is gone; a speaker has nothing left to play."""
        self._reply.heard_by(route)
        self.together.left(route)
        self._settle()

    def show(self, message: wire.Wire) -> None:
        """Give the consoles something to print; without one it waits."""
        if self._cut_epoch:
            self._behind_cut.append(message)
        else:
            self._print(message)

    def record(self, message: wire.Wire) -> None:
        """Give the recorder, if there is one, its copy of what the user said."""
        self._hub.broadcast(message, self._reply.epoch, kinds=RECORDERS)

    def _print(self, message: wire.Wire) -> None:
        self.record(message)
        for kind, backlog in self._backlogs.items():
            if not self._hub.broadcast(message, self._reply.epoch, kinds=frozenset({kind})):
                backlog.append(message)

    def _knows_best(self, route: bytes) -> bool:
        """How much was heard: a loudspeaker knows, a listener estimates."""
        peer = self._hub.peers.get(route)
        return peer is None or peer.kind == "speaker" or not self._hub.has("speaker")

    def _show_cut(self, heard_ms: int | None) -> None:
        if not self._cut_epoch:
            return
        self._cut_epoch = 0
        if self._cut_timer is not None:
            self._cut_timer.cancel()
            self._cut_timer = None
        self._print(wire.Interrupted(heard_ms))
        waiting, self._behind_cut = self._behind_cut, []
        for message in waiting:
            self._print(message)

    def _speak(self, pcm: bytes, voice_ended: VoiceEnded) -> None:
        speakers = [route for route, peer in self._hub.peers.items() if peer.kind in SPEAKERS]
        loudspeakers = [route for route in speakers if self._hub.peers[route].kind == "speaker"]
        ended_ns = 0
        if self._reply.first_audio(speakers):
            self._stream(value=True)
            ended_ns = voice_ended()
        for start in range(0, len(pcm), wire.MAX_PCM_BYTES):
            piece = pcm[start : start + wire.MAX_PCM_BYTES]
            due_ns = self.together.due_ns(len(piece), loudspeakers, time.monotonic_ns())
            chunk = wire.SpeechChunk(piece, ended_ns, due_ns)
            self._hub.broadcast(chunk, self._reply.epoch, kinds=SPEAKERS | RECORDERS)

    # Half duplex.

    def _settle(self) -> None:
        """See whether the reply has been heard."""
        if not self._reply.is_heard:
            return
        for line in self._reply.answered():
            self._tell_origin(line, wire.LineAnswered(line))
        if self._is_streaming and self._quiet is None:
            self._quiet_soon()

    def _quiet_soon(self) -> None:
        """The microphone may listen again `post_output_audio_delay` after the last sample was heard."""
        if self._quiet is not None:
            self._quiet.cancel()
        self._quiet = self._loop.call_later(
            self._table.post_output_audio_delay, lambda: self._stream(value=False)
        )

    def _stream(self, *, value: bool) -> None:
        if self._quiet is not None:
            self._quiet.cancel()
            self._quiet = None
        if self._is_streaming != value:
            self._is_streaming = value
            (self._shutter.shut if value else self._shutter.open)(self._now_ns())
            self._control.set("is_streaming_output", value)
