"""The console actor: prints what is said. On a terminal it shares with the keyboard, only while `console_mode` is its own."""

import functools
import logging
import os

from actors import wire
from actors.devices import terminal
from actors.outputs.transcript import Labels, Transcript
from actors.runtime.actor import Actor, ActorSpec
from actors.runtime.loop import Loop, Timer
from actors.runtime.notify import Notifier

PATIENCE_S = 0.2
"""Less than a heartbeat: a reader that takes nothing must not make the console look hung."""

OUTAGE_S = 0.7
BACK_AFTER_S = 1.5
WITH_DEVICES = frozenset({"mic", "speaker", "camera", "screen"})
RETRY_S = 0.25
MAX_UNWRITTEN_BYTES = 4 << 20

log = logging.getLogger("console")


class ConsoleActor(Actor):
    """Owner of standard output, and of the terminal while `console_mode` is `user` or `assistant`."""

    def __init__(self, spec: ActorSpec, loop: Loop, notifier: Notifier) -> None:
        super().__init__(spec, loop, notifier)
        self._output = terminal.Output(1, PATIENCE_S)
        self._is_terminal = os.isatty(1)
        self._notices = int(os.environ.get("ANTIPHON_NOTICE_FD", "2"))
        self._transcript = Transcript(
            Labels("Parrot" if spec.settings.model.provider == "parrot" else "Gemini"),
            is_terminal=self._is_terminal,
            no_color="NO_COLOR" in os.environ,
        )
        self._mode: wire.ConsoleMode = "input"
        """What we have asked for last."""
        self._owns = not self._is_terminal
        self._is_mid_reply = False
        self._told_outage = False
        self._returning: dict[str, Timer] = {}
        self._unwritten = b""
        self._retry: Timer | None = None
        self._held: list[wire.Wire] = []
        """Comes while the keyboard clears its line."""

    def on_start(self) -> None:
        """Nothing to open; say so."""
        self.detail = "terminal" if self._is_terminal else "pipe"
        self.ready()

    def on_stop(self) -> None:
        """Print what came last, and leave the cursor at the start of a line."""
        self.media.read_all()
        for message in self._held:
            self._print(message)
        self._write(self._transcript.end_line())
        self._flush()
        self._output.close()

    def on_state(self, key: wire.StateKey) -> None:
        """Tell the user when the model cannot be reached, and when it can again."""
        if key != "connected" or not self.control.has_been("connected"):
            return
        if not self.control.state.connected:
            self.loop.call_later(OUTAGE_S, self._tell_outage)
        elif self._told_outage:
            self._told_outage = False
            self._take(wire.Notice("connected again"))

    def _tell_outage(self) -> None:
        """A planned change of connections takes a moment, and nobody needs to know."""
        if not (self.control.state.connected or self._told_outage or self.control.state.terminated):
            self._told_outage = True
            self._take(wire.Notice("connection to the model lost, reconnecting …"))

    def on_welcome(self) -> None:
        """Another session: the reply of the one before stays as it is."""
        self._break_off()

    def on_message(self, message: wire.Wire, envelope: wire.Envelope) -> None:
        """Print, as soon as the terminal is ours."""
        match message:
            case wire.OutputText() | wire.TextComplete() | wire.Interrupted():
                self._take(message, "assistant")
            case wire.InputText():
                self._take(message, "user")
            case wire.Notice():
                self._take(message)
            case wire.Present(here=True):
                self._came(message)
            case wire.Present():
                self._went(message)
            case _:
                super().on_message(message, envelope)

    def _came(self, present: wire.Present) -> None:
        """Tell who is back: an actor whose device may be absent, as it looks again and again, only once it has stayed."""
        if not present.again or present.kind == "cli":
            return
        back = wire.Notice(f"{present.name} is back")
        if present.kind not in WITH_DEVICES:
            self._take(back)
            return
        told = self._returning.pop(present.name, None)
        if told is not None:
            told.cancel()
        self._returning[present.name] = self.loop.call_later(
            BACK_AFTER_S, functools.partial(self._take, back)
        )

    def _went(self, present: wire.Present) -> None:
        told = self._returning.pop(present.name, None)
        if told is not None:
            told.cancel()
        if (
            present.kind == "session" and not self.media.hub_boot_id
        ):  # else its successor may be talking already
            self._break_off()

    def _take(self, message: wire.Wire, mode: wire.ConsoleMode = "assistant") -> None:
        if isinstance(message, (wire.TextComplete, wire.Interrupted)) and self._mode == "input":
            self._print(message) if self._owns else None
            return
        self._want(mode)
        if not self._owns:
            self._held.append(message)
            return
        self._print(message)
        self._give_back_after(message)

    def _break_off(self) -> None:
        """Nobody will finish the reply on the screen: end its line, and give the terminal back."""
        if self._mode != "input":
            self._take(wire.Interrupted())

    def _want(self, mode: wire.ConsoleMode) -> None:
        if self._mode == mode:
            return
        self._mode = mode
        self.control.set("console_mode", mode, self._granted)

    def _granted(self, answer: wire.StateValue | wire.Refused) -> None:
        if isinstance(answer, wire.Refused):
            log.error("the terminal was refused: %s", answer.reason)
        if self._mode == "input" or self._owns:
            return
        self._owns = True
        while self._held:
            message = self._held.pop(0)
            self._print(message)
            self._give_back_after(message)  # after the last: until then more is to be printed

    def _give_back_after(self, message: wire.Wire) -> None:
        """The keyboard gets the terminal back when a turn, or a notice between turns, is on the screen."""
        is_last = isinstance(message, (wire.TextComplete, wire.Interrupted)) or (
            isinstance(message, wire.Notice) and not self._is_mid_reply
        )
        if is_last and not self._held and self._mode != "input":
            self._write(self._transcript.end_line())
            self._mode = "input"
            self._owns = not self._is_terminal
            self.control.set("console_mode", "input")

    def _print(self, message: wire.Wire) -> None:
        if not isinstance(message, (wire.Notice, wire.InputText)):
            self._is_mid_reply = isinstance(message, wire.OutputText)
        match message:
            case wire.OutputText(text=text):
                self._write(self._transcript.assistant(text))
            case wire.InputText(text=text):
                self._write(self._transcript.user(text))
            case wire.TextComplete():
                self._write(self._transcript.complete())
            case wire.Interrupted(heard_ms=heard_ms):
                self._write(self._transcript.interrupted(heard_ms))
            case wire.Notice(text=text):
                printed = self._transcript.notice(text)
                self._write(printed.stdout)
                if printed.stderr:
                    self._note(printed.stderr)

    def _write(self, text: str) -> None:
        if not text:
            return
        if len(self._unwritten) > MAX_UNWRITTEN_BYTES:
            self.counters.drop("reader_stalled")
            return
        self._unwritten += text.encode()
        if self._retry is None:
            self._flush()

    def _flush(self) -> None:
        """Write what waits. A reader that takes nothing now (a pager, a stopped pipe) is tried again, and loses nothing."""
        self._retry = None
        try:
            self._output.write(self._unwritten)
            self._unwritten = b""
        except terminal.OutputStalled as stalled:
            self._unwritten = stalled.unwritten
            self._retry = self.loop.call_later(RETRY_S, self._flush)
        except terminal.OutputGone:
            self._unwritten = b""
            self.counters.drop("reader_gone")

    def _note(self, text: str) -> None:
        try:
            os.write(self._notices, text.encode())
        except OSError:
            self.counters.drop("notice_lost")
