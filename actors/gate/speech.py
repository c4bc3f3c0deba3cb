"""The replies on their way to one remote loudspeaker: sent as it has room, and cut on a path that audio cannot block.

Audio waits here in the `Pacer`. A flush empties that at once and goes out on the control connection, where no audio is in
its way, and on the media connection as well: again and again until the loudspeaker has answered from beyond it, so that one
lost packet costs 20 ms and not the quarter of a second after which TCP would try again.
"""

import time
from collections.abc import Callable

import msgspec

from actors import wire
from actors.gate.pacer import Pacer, Piece
from actors.runtime.loop import Loop, Timer

RESEND_S = 0.02
RESEND_FOR_S = 1.0

Send = Callable[[wire.Envelope], bool]


class Speech:
    """Between the session, which sends faster than it is heard, and a loudspeaker on another machine."""

    def __init__(self, loop: Loop, by_media: Send, by_control: Send) -> None:
        self.pacer = Pacer()
        self._loop = loop
        self._by_media = by_media
        self._by_control = by_control
        self._from: wire.Envelope | None = None
        """The session's latest envelope: whoever it is, we speak for it."""
        self._voices: dict[int, int] = {}
        """By epoch, when the voice ended that it answers."""
        self._timer: Timer | None = None
        self._flush: wire.Envelope | None = None
        """Not answered yet."""
        self._flush_until_s = 0.0

    def from_hub(self, envelope: wire.Envelope) -> bool:
        """Take what the session says. False if it is nothing of ours."""
        match envelope.body:
            case wire.SpeechChunk() as chunk:
                if chunk.voice_ended_ns:
                    self._voices = {envelope.epoch: chunk.voice_ended_ns}
                self.pacer.add(envelope.epoch, chunk.pcm_24k, chunk.due_ns)
            case wire.SpeechEnd():
                self.pacer.end(envelope.epoch)
            case wire.Flush():
                self._cut(envelope)
            case _:
                return False
        self._from = envelope
        self._pump()
        return True

    def from_device(self, envelope: wire.Envelope) -> None:
        """Take what the loudspeaker says; only its credit is for us alone."""
        if self._flush is not None and envelope.epoch >= self._flush.epoch:
            self._flush = None
        match envelope.body:
            case wire.Credit(received=received, played=played, window_ms=window_ms):
                self.pacer.granted(envelope.epoch, received, played, window_ms)
                self._pump()
            case _:
                pass

    def session_is_new(self) -> None:
        """The session that spoke is gone: nothing more comes of what it began."""
        self.pacer.end_all()
        self._pump()

    def broken(self) -> None:
        """The connection is gone, or is another one."""
        self.pacer.broken()

    def close(self) -> None:
        """Send nothing more."""
        self._flush = None
        if self._timer is not None:
            self._timer.cancel()

    def _cut(self, envelope: wire.Envelope) -> None:
        self.pacer.flush(envelope.epoch)
        if self._flush is None:
            self._loop.call_later(RESEND_S, self._cut_again)
        self._flush = envelope
        self._flush_until_s = self._loop.now() + RESEND_FOR_S
        self._by_control(envelope)
        self._by_media(envelope)

    def _cut_again(self) -> None:
        if self._flush is not None and self._loop.now() < self._flush_until_s:
            self._by_control(self._flush)
            self._loop.call_later(RESEND_S, self._cut_again)
        else:
            self._flush = None

    def _pump(self) -> None:
        """Send what may go, and come again when more may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for piece in self.pacer.take(self._loop.now()):
            if not self._by_media(self._enveloped(piece)):
                self.pacer.broken()  # the next credit says what is missing
                return
        wait_s = self.pacer.wait_s(self._loop.now())
        if wait_s is not None:
            self._timer = self._loop.call_later(wait_s, self._pump)

    def _enveloped(self, piece: Piece) -> wire.Envelope:
        assert self._from is not None
        voice_ended_ns = self._voices.get(piece.epoch, 0)
        body = (
            wire.SpeechEnd()
            if piece.is_end
            else wire.SpeechChunk(piece.pcm, voice_ended_ns, piece.due_ns, piece.position)
        )
        now_ns = time.monotonic_ns()
        return msgspec.structs.replace(self._from, epoch=piece.epoch, sent_ns=now_ns, body=body)
