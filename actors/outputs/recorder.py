"""The recorder actor: writes the conversation down in a process of its own, so that a slow or full disk is not heard."""

import logging
import time
from pathlib import Path

from actors import wire
from actors.outputs.recording import Recording
from actors.runtime import exits
from actors.runtime.actor import Actor, ActorSpec
from actors.runtime.loop import Loop
from actors.runtime.notify import Notifier

log = logging.getLogger("recorder")


class RecorderActor(Actor):
    """Gets a copy of everything that is said, from the session."""

    def __init__(self, spec: ActorSpec, loop: Loop, notifier: Notifier) -> None:
        super().__init__(spec, loop, notifier)
        settings = spec.settings.session
        stamp = time.strftime("%Y%m%d-%H%M%S")
        self._directory = Path(settings.record).expanduser() / f"{settings.name}-{stamp}"
        self._recording: Recording | None = None
        self._heard_ns = 0

    def on_start(self) -> None:
        """Begin a new recording; a restarted recorder begins another, beside the first."""
        directory, number = self._directory, 1
        while directory.exists():
            number += 1
            directory = self._directory.with_name(f"{self._directory.name}-{number}")
        try:
            self._recording = Recording(directory)
        except OSError as error:
            raise exits.ActorExit(
                exits.BAD_CONFIG, f"session.record: cannot record to {directory}: {error}"
            ) from error
        self.detail = str(directory)
        self.ready()

    def on_stop(self) -> None:
        """Write what is open."""
        if self._recording is not None:
            self.media.read_all()
            self._recording.close()

    def on_message(self, message: wire.Wire, envelope: wire.Envelope) -> None:
        """Write it down."""
        recording = self._recording
        assert recording is not None
        match message:
            case wire.MicChunk(pcm_16k=pcm, captured_ns=captured_ns):
                if captured_ns > self._heard_ns:  # the model may have needed it twice
                    self._heard_ns = captured_ns
                    recording.voice(pcm)
            case wire.SpeechChunk(pcm_24k=pcm):
                recording.speech(pcm)
            case wire.InputText(text=text):
                recording.understood(text)
            case wire.OutputText(text=text):
                recording.said(text)
            case wire.TextLine(text=text):
                recording.typed(text)
            case wire.Notice(text=text):
                recording.notice(text)
            case wire.TextComplete():
                recording.turn_over()
            case wire.Interrupted(heard_ms=heard_ms):
                recording.interrupted(heard_ms)
            case _:
                super().on_message(message, envelope)
