"""The keyboard actor: the user's lines, from a terminal or a pipe, to the session without loss."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

from actors import wire
from actors.devices import terminal
from actors.devices.still import PictureRefusedError
from actors.inputs import pictures
from actors.inputs.album import Album
from actors.inputs.delivery import Delivery
from actors.inputs.line_editor import EndOfInput, Submitted
from actors.inputs.pipe import Pipe
from actors.inputs.prompt import Prompt
from actors.inputs.spool import Spool
from actors.runtime.actor import Actor, ActorSpec
from actors.runtime.loop import Loop, Timer
from actors.runtime.notify import Notifier
from actors.settings import KeyboardTable

TICK_S = 0.5
SCREEN_PATIENCE_S = 0.2
"""Less than a heartbeat: a terminal that takes no output must not make the keyboard look hung."""
YIELDED_FOR_S = 1.0
"""A console that was given the terminal shows it in `console_mode` much sooner."""
ESCAPE_ALONE_S = 0.1
"""An Esc that nothing followed for so long is a key of its own, not the beginning of one."""
HELP = """\
/interrupt  cut the reply short (so does Enter on an empty line while it is spoken)
/image      show a picture: /image PATH, and behind it what you want to say
/mute       stop listening; /unmute listens again
/talk       push to talk: what you say now is for the model, until you type it again
/help       this list
{quit}       end the conversation (so does Ctrl-D; Ctrl-C ends it at once)
Anything else is said to the model."""
TALK = {True: "talk now; /talk again when you are done", False: "the model answers"}
NO_TALK = 'The model hears by itself when you speak. For push to talk, set mode = "manual" in [model.vad].'
log = logging.getLogger("keyboard")


class KeyboardActor(Actor):
    """Owner of standard input, and of the terminal while `console_mode` is `input`."""

    def __init__(self, spec: ActorSpec, loop: Loop, notifier: Notifier) -> None:
        super().__init__(spec, loop, notifier)
        table = spec.settings.table(spec.name, spec.kind)
        assert isinstance(table, KeyboardTable)
        self.table = table
        self._is_terminal = os.isatty(0)
        self._delivery = Delivery(one_at_a_time=not self._is_terminal)
        self._spool = Spool(spool := Path(spec.run_dir) / f"{spec.name}.spool")
        self._album = Album(spool, loop, self._send_due)
        self._pipe = Pipe(loop, lambda: self._has_room, self._read)
        self._keys = terminal.Keys(0)
        screen = terminal.Output(0, SCREEN_PATIENCE_S) if self._is_terminal else None
        self._prompt = Prompt(screen, spool.with_suffix(".draft"))
        self._escape_timer: Timer | None = None
        self._unshown: set[int] = set()
        """Lines typed while the console had the terminal."""
        self._yielded_s = 0.0
        self._is_over = False
        self._has_quit = False
        """A pipe said the quit command: what it says after that is not taken."""
        self._failed = ""
        self._commands: dict[str, Callable[[], None]] = {
            self.table.quit: self._quit if self._is_terminal else self._quit_in_turn,
            "/help": self._help,
            "/interrupt": self._interrupt,
            "/talk": self._talk,
            "/mute": lambda: self._mute(muted=True),
            "/unmute": lambda: self._mute(muted=False),
        }

    # Life.

    def on_start(self) -> None:
        """Take over standard input, beginning with what an earlier incarnation had not delivered."""
        for number in sorted(self._spool.lines):
            self._take_line(number, again=True)
        if self._is_terminal:
            self._keys.enter()
            self.loop.watch(0, self._typed)
        elif not self._has_quit:
            self._pipe.listen()
        self.detail = "terminal" if self._is_terminal else "pipe"
        self._tick()
        self.ready()

    def on_stop(self) -> None:
        """Leave the terminal as it was found."""
        self._prompt.close()
        self._keys.leave()
        self._album.close()
        self._spool.close()

    def on_state(self, key: wire.StateKey) -> None:
        """Take the terminal when it is ours."""
        if key == "console_mode" and self.control.state.console_mode == "input":
            self._prompt.take()

    def on_synchronised(self) -> None:
        """Only now is it known whose the terminal is."""
        if self.control.state.console_mode == "input" and not self._prompt.is_ours:
            self._prompt.take()

    def on_welcome(self) -> None:
        """Send again what the session before has not settled."""
        self._delivery.session_is_new(self.loop.now())
        self._send_due()

    def on_message(self, message: wire.Wire, envelope: wire.Envelope) -> None:
        """Follow the lines on their way, and hand the terminal over when asked."""
        match message:
            case wire.LineSent(line=line):
                self._delivery.sent(line.number)
            case wire.LineAnswered(line=line):
                self._delivery.answered(line.number)
                self._send_due()
            case wire.LineKept(line=line):
                self._delivery.kept(line.number)
                self._forget(line.number)
                self._send_due()
            case wire.LineRefused(line=line, reason=reason):
                self._refused(line.number, reason)
                self._send_due()
            case wire.Yield(request=request):
                self._prompt.give_up()
                self._yielded_s = self.loop.now()
                self.control_link.send(wire.Yielded(request))
            case _:
                super().on_message(message, envelope)

    def _tick(self) -> None:
        overdue = self._delivery.overdue(self.loop.now(), self.table.reply_within_s)
        if overdue is not None and not self._is_terminal:
            self._fail(f"line {overdue} got no reply within {self.table.reply_within_s:g} s")
            self._delivery.answered(overdue)
        if self._is_terminal_forgotten():
            self._prompt.take()
        self._send_due()
        self.loop.call_later(TICK_S, self._tick)

    def _is_terminal_forgotten(self) -> bool:
        """Whether we gave it to nobody: the coordinator died between asking for it and using it."""
        is_free = self.control.is_synchronised and self.control.state.console_mode == "input"
        return is_free and not self._prompt.is_ours and self.loop.now() - self._yielded_s > YIELDED_FOR_S

    # Lines.

    @property
    def _has_room(self) -> bool:
        return self._delivery.has_room and self._album.has_room

    def _take_line(self, number: int, *, again: bool = False) -> None:
        """Do or deliver it. `again`: an earlier incarnation has read it, and has done what it could do at once."""
        if self._has_quit:
            return
        text = self._spool.lines[number].decode(errors="replace").strip()
        command = self._commands.get(text)
        if command is not None:
            self._forget(number)
            if not again or text == self.table.quit:
                command()
        elif len(text) > wire.MAX_TEXT_CHARS:
            self._forget(number)
            self._fail(
                f"line {number} has {len(text)} characters, at most {wire.MAX_TEXT_CHARS} are sent; it was left out"
            )
        elif text:
            self._take_turn(number, text)
        else:
            self._forget(number)

    def _take_turn(self, number: int, text: str) -> None:
        try:
            if pictures.is_picture(text):
                self._album.keep(number, text)
            self._delivery.add(number)
        except PictureRefusedError as error:
            self._refused(number, str(error))

    def _send_due(self) -> None:
        for number in self._delivery.due():
            if self._album.is_waiting(number):
                break  # its picture brings us back; lines keep their order
            try:
                is_sent = self.media.send(self._line(number))
            except PictureRefusedError as error:
                self._refused(number, str(error))
                continue
            if not is_sent:
                break  # there is no session now: its Welcome brings us back
            self._delivery.handed(number, self.loop.now())
        if self._is_over and self._delivery.is_all_answered:
            self._quit()

    def _line(self, number: int) -> wire.TextLine:
        text, picture = self._spool.lines[number].decode(errors="replace").strip(), b""
        if pictures.is_picture(text):
            _, text = pictures.parse(text)
            picture = self._album.read(number)
        is_shown = number not in self._unshown
        return wire.TextLine(wire.LineId(self.name, number), text, is_shown=is_shown, picture=picture)

    def _refused(self, number: int, why: str) -> None:
        self._fail(why if self._is_terminal else f"line {number}: {why}")
        self._delivery.settled(number)
        self._forget(number)

    def _forget(self, number: int) -> None:
        self._spool.forget(number)
        self._album.forget(number)

    def _fail(self, what: str) -> None:
        log.warning("%s", what)
        self._failed = self._failed or what
        self._tell(what)

    def _quit(self) -> None:
        if self._failed and not self._is_terminal:
            self.notifier.ended(self._failed, failed=True)
        self.control.set("terminated", value=True)
        self._is_over = False

    def _quit_in_turn(self) -> None:
        """Piped lines are a dialogue: those before the command are answered first."""
        self._has_quit = self._is_over = True

    def _interrupt(self) -> None:
        self.media.send(wire.Interrupt())

    def _talk(self) -> None:
        talking = not self.control.state.talking
        if self.spec.settings.model.vad.mode == "manual":
            self.control.set("talking", talking)
        self._tell(TALK[talking] if self.spec.settings.model.vad.mode == "manual" else NO_TALK)

    def _mute(self, *, muted: bool) -> None:
        self.control.set("muted", muted)
        self._tell("muted" if muted else "listening")

    def _help(self) -> None:
        self._tell(HELP.format(quit=self.table.quit))

    def _tell(self, text: str) -> None:
        """Show our own words: on our screen where we own it, through the console otherwise."""
        if not self._prompt.tell(text):
            for line in text.splitlines():
                self.control_link.send(wire.Notice(line))

    # The terminal.

    def _typed(self) -> None:
        try:
            data = self._keys.read()
        except terminal.InputGone:
            self._quit()
            self.loop.unwatch(0)
            return
        for event in self._prompt.editor.feed(data):
            match event:
                case EndOfInput():
                    self._quit()
                case Submitted(text=text):
                    self._submitted(text)
        if self._escape_timer is not None:
            self._escape_timer.cancel()
        self._escape_timer = self.loop.call_later(ESCAPE_ALONE_S, self._prompt.editor.settle)
        if self._prompt.editor.refused:
            self._tell("a line has at most 8000 characters; what came after them was not taken")
        if data in {b"\r", b"\n"} and self.control.state.is_streaming_output:
            self._interrupt()
        self._prompt.paint()

    def _submitted(self, text: str) -> None:
        if not self._has_room:
            self._tell("too many lines wait to be sent; this one was not taken")
            return
        if not self._prompt.echo(text):
            self._unshown.add(self._spool.last + 1)
        self._spool.add(text.replace("\n", " ").encode() + b"\n")
        self._take_line(self._spool.last)
        self._send_due()

    # The pipe.

    def _read(self, data: bytes) -> bool:
        """Take what came through the pipe, nothing at its end. False when no more is to be read."""
        before = self._spool.last
        if data:
            self._spool.add(data)
        elif self._spool.has_rest:
            self._spool.add(b"\n")
        for number in range(before + 1, self._spool.last + 1):
            self._take_line(number)
        self._is_over = self._is_over or not data
        self._send_due()
        return bool(data) and not self._has_quit
