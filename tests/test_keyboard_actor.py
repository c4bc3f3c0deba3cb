"""The keyboard actor with a real pipe or terminal, a real coordinator, and a session that answers as told."""

import io
import os
import tempfile
import termios
from pathlib import Path

import pytest
from fakes import Centre, FakeNotifier, Ray, Screen, in_place_of, spec_of
from pictures import noise, picture

from actors import wire
from actors.coordinator.actor import CoordinatorActor
from actors.devices.picture import Seen, look
from actors.inputs.keyboard import TICK_S, YIELDED_FOR_S, KeyboardActor
from actors.settings import ModelTable, VadTable

CAT = picture()


class Desk:
    """A keyboard and the two hubs it talks to."""

    def __init__(self, loop, run_dir):
        self.loop = loop
        self.run_dir = run_dir
        self.coordinator = CoordinatorActor(spec_of("coordinator", run_dir), loop, FakeNotifier())
        self.coordinator.start()
        loop.to_close.append(self.coordinator.hub)
        self.notifier = FakeNotifier()
        self.keyboards = []
        self.session = None
        self.vad = "automatic"

    def open_session(self):
        if self.session is not None:
            self.session.hub.close()
        self.session = Centre(self.loop, f"ipc://{self.run_dir}/med.ipc")

    def start(self):
        spec = spec_of("keyboard", self.run_dir, model=ModelTable(vad=VadTable(mode=self.vad)))
        self.keyboards.append(KeyboardActor(spec, self.loop, self.notifier))
        self.keyboards[-1].start()
        if self.session is None:
            self.open_session()
        self.until(lambda: self.session.of(wire.Hello), "the session knows the keyboard")
        self.until(lambda: self.keyboards[-1].control.is_synchronised, "the keyboard knows the state")

    def crash(self):
        """End it without its own doing: what it had not written down is lost."""
        keyboard = self.keyboards.pop()
        self.loop.unwatch(0)
        keyboard.media.close()
        keyboard.control_link.close()
        keyboard._tick = lambda: None
        os.close(keyboard._spool._file)
        if keyboard._prompt._draft is not None:
            keyboard._prompt._draft.close()

    def stop(self):
        for keyboard in self.keyboards:
            keyboard.stop()
        self.keyboards = []

    def until(self, condition, what):
        return self.loop.until(condition, what)

    def say(self, message):
        assert self.session.hub.broadcast(message)

    def answer(self, number, *, is_kept=False):
        line = wire.LineId("keyboard", number)
        self.say(wire.LineSent(line))
        if is_kept:
            self.say(wire.LineKept(line))
        self.say(wire.LineAnswered(line))

    def run_dir_files(self):
        return sorted(Path(self.run_dir).iterdir())

    @property
    def lines(self):
        return [(said.line.number, said.text) for said in self.session.of(wire.TextLine)]

    def expect(self, *lines):
        self.until(lambda: len(self.lines) >= len(lines), f"{lines} came; {self.lines}")
        self.settle()
        assert self.lines == list(lines)

    def settle(self):
        """Return when the keyboard has handled what was sent before."""
        marks = []
        self.keyboards[-1].control.get("epoch", marks.append)
        self.until(lambda: marks, "the coordinator answers")
        self.loop.serve_for(0.02)

    @property
    def is_ended(self):
        return self.coordinator.conversation.state.terminated


@pytest.fixture
def desk(loop, short_dir):
    made = Desk(loop, short_dir)
    yield made
    made.stop()


@pytest.fixture
def pipe(desk):
    """Standard input as a pipe; returns the end that is written to."""
    reader, writer = os.pipe()
    with in_place_of(0, reader), os.fdopen(writer, "wb", buffering=0) as end:
        yield end
        desk.stop()
    os.close(reader)


@pytest.fixture
def screen(desk):
    made = Screen()
    with in_place_of(0, made.slave):
        yield made
        desk.stop()
    made.close()


# Pictures.


def shown(desk):
    return [(said.line.number, said.text, said.picture) for said in desk.session.of(wire.TextLine)]


def test_a_picture_is_sent_with_its_words_or_with_ours(desk, pipe, tmp_path):
    (tmp_path / "cat.jpg").write_bytes(CAT)
    pipe.write(f"/image {tmp_path}/cat.jpg what is this?\n/image {tmp_path}/cat.jpg\n".encode())
    desk.start()
    desk.answer(1, is_kept=True)
    desk.until(lambda: len(shown(desk)) == 2, "both came")
    assert shown(desk) == [(1, "what is this?", CAT), (2, "Look at this picture.", CAT)]


def test_a_picture_that_cannot_be_shown_is_named_and_the_dialogue_goes_on_and_fails(desk, pipe, tmp_path):
    (tmp_path / "text.jpg").write_text("hello")
    pipe.write(f"/image {tmp_path}/none.jpg\n/image {tmp_path}/text.jpg hm?\n/image\nthe end\n".encode())
    pipe.close()
    desk.start()
    desk.expect((4, "the end"))
    desk.answer(4)
    desk.until(lambda: desk.is_ended, "the conversation ends")
    assert desk.notifier.of("failed") == [f"line 1: there is no file {tmp_path}/none.jpg"]


def test_a_picture_is_sent_again_as_it_was_although_keyboard_and_file_are_gone(desk, pipe, tmp_path):
    cat = tmp_path / "cat.jpg"
    cat.write_bytes(CAT)
    pipe.write(f"/image {cat} what is this?\n".encode())
    desk.start()
    desk.until(lambda: shown(desk), "it came")
    desk.crash()
    cat.write_bytes(picture(seed=9))
    desk.open_session()
    desk.start()
    desk.until(lambda: shown(desk), "it came again")
    assert shown(desk) == [(1, "what is this?", CAT)]
    desk.answer(1, is_kept=True)
    desk.settle()
    assert [path.name for path in desk.run_dir_files() if "spool" in path.name] == ["keyboard.spool"]


def test_a_picture_that_is_too_large_is_made_smaller_and_the_lines_keep_their_order(desk, screen, tmp_path):
    file = io.BytesIO()
    noise((1200, 1200)).save(file, "PNG")
    assert len(file.getvalue()) > wire.MAX_PICTURE_BYTES
    (tmp_path / "large.png").write_bytes(file.getvalue())
    desk.start()
    screen.type(f"/image {tmp_path}/large.png what is this?\rand now?\r")
    desk.until(lambda: len(shown(desk)) == 2, "both came")
    (_, words, sent), (_, second, nothing) = shown(desk)
    assert (words, second, nothing) == ("what is this?", "and now?", b"")
    assert look(sent) == Seen("image/jpeg", 1200, 1200)
    assert len(sent) <= wire.MAX_PICTURE_BYTES


def test_at_a_terminal_a_picture_that_cannot_be_shown_is_told_and_the_next_line_goes_on(
    desk, screen, tmp_path
):
    desk.start()
    screen.type(f"/image {tmp_path} look\rhello\r")
    desk.expect((2, "hello"))
    desk.until(lambda: screen.shows(f"{tmp_path} is no file"), "it is told")


# A pipe: a dialogue.


def test_piped_lines_are_turns_and_each_waits_for_the_answer_to_the_one_before(desk, pipe):
    pipe.write(b"one\ntwo\nthree\n")
    desk.start()
    desk.expect((1, "one"))
    desk.answer(1)
    desk.expect((1, "one"), (2, "two"))
    desk.answer(2, is_kept=True)
    desk.expect((1, "one"), (2, "two"), (3, "three"))
    assert desk.notifier.of("ready") == ["pipe"]


def test_at_the_end_of_the_input_the_last_reply_is_waited_for_and_then_it_ends(desk, pipe):
    pipe.write(b"one\ntwo without a newline")
    pipe.close()
    desk.start()
    desk.answer(1)
    desk.expect((1, "one"), (2, "two without a newline"))
    assert not desk.is_ended
    desk.answer(2)
    desk.until(lambda: desk.is_ended, "the conversation ends")
    assert desk.notifier.of("failed") == []


def test_a_reply_that_is_still_playing_is_waited_for_though_its_line_is_kept(desk, pipe):
    pipe.write(b"one\n")
    pipe.close()
    desk.start()
    desk.expect((1, "one"))
    desk.say(wire.LineSent(wire.LineId("keyboard", 1)))
    desk.say(wire.LineKept(wire.LineId("keyboard", 1)))
    desk.settle()
    assert not desk.is_ended
    desk.say(wire.LineAnswered(wire.LineId("keyboard", 1)))
    desk.until(lambda: desk.is_ended, "the conversation ends")


def test_an_empty_input_ends_at_once(desk, pipe):
    pipe.close()
    desk.start()
    desk.until(lambda: desk.is_ended, "the conversation ends")


def test_a_file_is_read_like_a_pipe(desk):
    with tempfile.TemporaryFile() as file:
        file.write(b"one\ntwo\n")
        file.seek(0)
        with in_place_of(0, file.fileno()):
            desk.start()
            desk.answer(1)
            desk.expect((1, "one"), (2, "two"))
            desk.answer(2)
            desk.until(lambda: desk.is_ended, "the conversation ends")
            desk.stop()


def test_blank_lines_are_no_turns(desk, pipe):
    pipe.write(b"\n  \n one \n\n")
    desk.start()
    desk.expect((3, "one"))


def test_a_line_the_session_refuses_is_named_and_the_dialogue_goes_on_and_fails(desk, pipe):
    pipe.write(b"one\ntwo\n")
    pipe.close()
    desk.start()
    desk.expect((1, "one"))
    desk.say(wire.LineRefused(wire.LineId("keyboard", 1), "too many"))
    desk.expect((1, "one"), (2, "two"))
    desk.answer(2)
    desk.until(lambda: desk.is_ended, "the conversation ends")
    assert desk.notifier.of("failed") == ["line 1: too many"]


def test_a_line_that_is_too_long_is_named_and_left_out(desk, pipe):
    pipe.write(b"x" * (wire.MAX_TEXT_CHARS // 2))
    desk.start()
    pipe.write(b"x" * (wire.MAX_TEXT_CHARS // 2 + 1) + b"\n")
    desk.until(lambda: desk.keyboards[-1]._spool.last == 1, "the line is read")
    pipe.write(b"two\n")
    desk.expect((2, "two"))
    pipe.close()
    desk.answer(2)
    desk.until(lambda: desk.is_ended, "the conversation ends")
    (words,) = desk.notifier.of("failed")
    assert words.startswith("line 1 has 65537 characters, at most 65536 are sent")


def test_a_reply_that_does_not_come_is_given_up_and_named(desk, pipe):
    pipe.write(b"one\ntwo\n")
    desk.start()
    desk.expect((1, "one"))
    desk.loop.skip(121.0)
    desk.expect((1, "one"), (2, "two"))
    pipe.close()
    desk.answer(2)
    desk.until(lambda: desk.is_ended, "the conversation ends")
    assert desk.notifier.of("failed") == ["line 1 got no reply within 120 s"]


def test_the_quit_command_ends_the_dialogue_after_the_lines_before_it(desk, pipe):
    pipe.write(b"one\n/quit\ntwo\n")
    desk.start()
    desk.expect((1, "one"))
    assert not desk.is_ended
    desk.answer(1)
    desk.until(lambda: desk.is_ended, "the conversation ends")
    assert desk.lines == [(1, "one")]


def test_bytes_that_are_no_text_are_sent_as_far_as_they_are(desk, pipe):
    pipe.write(b"caf\xc3\xa9 \xff\n")
    desk.start()
    desk.expect((1, "café \ufffd"))


# Accidents.


def test_another_session_is_given_what_is_not_settled_and_nothing_else(desk, pipe):
    pipe.write(b"one\ntwo\n")
    desk.start()
    desk.answer(1, is_kept=True)
    desk.expect((1, "one"), (2, "two"))
    desk.open_session()
    desk.expect((2, "two"))


def test_another_keyboard_goes_on_with_the_same_lines_under_the_same_numbers(desk, pipe):
    pipe.write(b"one\ntwo\nthr")
    desk.start()
    desk.expect((1, "one"))
    desk.crash()
    desk.start()
    pipe.write(b"ee\n")
    desk.until(lambda: len(desk.lines) == 2, "the line is said again")
    desk.say(wire.LineKept(wire.LineId("keyboard", 1)))
    desk.until(lambda: len(desk.lines) == 3, "the second is said")
    desk.answer(2)
    desk.expect((1, "one"), (1, "one"), (2, "two"), (3, "three"))


def test_another_keyboard_does_not_repeat_what_a_command_did(desk, pipe):
    pipe.write(b"/mute\none\n")
    desk.start()
    desk.expect((2, "one"))
    desk.until(lambda: desk.coordinator.conversation.state.muted, "it is muted")
    desk.crash()
    desk.coordinator._change("muted", value=False)
    desk.start()
    desk.until(lambda: len(desk.lines) == 2, "the line is said again")
    desk.settle()
    assert not desk.coordinator.conversation.state.muted


# A terminal.


def test_the_prompt_comes_when_it_is_known_whose_the_terminal_is(desk, screen):
    desk.start()
    desk.until(lambda: screen.shows("You: "), "the prompt is there")
    assert desk.notifier.of("ready") == ["terminal"]


def test_a_keyboard_that_starts_during_a_reply_paints_nothing_into_it(desk, screen):
    desk.coordinator.conversation.change("console_mode", "assistant")
    desk.start()
    screen.type("hel")
    desk.loop.skip(TICK_S)
    desk.settle()
    assert "You" not in screen.look()
    desk.coordinator._change("console_mode", "input")
    desk.until(lambda: screen.shows("You: hel"), "the prompt is there, and what was typed")


def test_what_was_typed_before_a_crash_is_there_again_and_can_be_gone_on_with(desk, screen):
    desk.start()
    screen.type("half a lino\x7f")
    desk.until(lambda: desk.keyboards[-1]._prompt.editor.text == "half a lin", "it is typed")
    desk.settle()
    desk.crash()
    before = len(screen.look())
    desk.start()
    desk.until(lambda: "You: half a lin" in screen.look()[before:], "it is painted again")
    assert screen.look()[before:].index("\r\x1b[J") < screen.look()[before:].index("You: ")
    screen.type("e\r")
    desk.expect((1, "half a line"))
    desk.crash()
    desk.start()
    desk.settle()
    assert desk.keyboards[-1]._prompt.editor.text == ""


def test_a_typed_line_is_sent_at_once_and_the_next_one_too(desk, screen):
    desk.start()
    screen.type("one\rtwo\r")
    desk.expect((1, "one"), (2, "two"))


def test_the_line_is_cleared_before_the_console_writes_and_painted_again_after(desk, screen):
    desk.start()
    console = Ray(desk.loop, desk.coordinator.spec.control_address, "console", "console")
    screen.type("half a li")
    desk.until(lambda: screen.shows("half a li"), "it is painted")
    desk.until(lambda: console.of(wire.Snapshot), "the console is there")
    console.link.send(wire.SetState(1, "console_mode", "assistant"))
    desk.until(lambda: console.of(wire.StateValue), "the console has the terminal")
    assert desk.coordinator.counters.dropped == {}
    before = screen.look()
    screen.type("ne")
    desk.settle()
    assert screen.look() == before
    console.link.send(wire.SetState(2, "console_mode", "input"))
    desk.until(lambda: screen.look()[len(before) :].count("half a line") == 1, "all of it is painted again")


def test_a_line_typed_while_the_console_has_the_terminal_is_sent_as_not_shown(desk, screen):
    desk.start()
    screen.type("one\r")
    desk.expect((1, "one"))
    desk.coordinator.hub.broadcast(wire.Yield(1))
    desk.until(lambda: not desk.keyboards[-1]._prompt.is_ours, "it has yielded")
    screen.type("two\r")
    desk.expect((1, "one"), (2, "two"))
    assert [line.is_shown for line in desk.session.of(wire.TextLine)] == [True, False]


def test_between_yielding_and_the_consoles_turn_the_terminal_is_not_taken_back(desk, screen):
    desk.start()
    desk.until(lambda: screen.shows("You: "), "the prompt is there")
    desk.coordinator.hub.broadcast(wire.Yield(1))
    desk.until(lambda: not desk.keyboards[-1]._prompt.is_ours, "it has yielded")
    before = screen.look()
    desk.loop.skip(TICK_S)
    desk.settle()
    assert screen.look() == before


def test_a_terminal_that_nobody_took_is_taken_back(desk, screen):
    desk.start()
    desk.coordinator.hub.broadcast(wire.Yield(1))
    desk.until(lambda: not desk.keyboards[-1]._prompt.is_ours, "it has yielded")
    before = screen.look()
    desk.loop.skip(YIELDED_FOR_S + 0.1)
    desk.loop.skip(TICK_S)
    desk.until(lambda: "You: " in screen.look()[len(before) :], "the prompt is back")


@pytest.mark.parametrize("keys", ["/quit\r", "\x04"], ids=["/quit", "Ctrl-D"])
def test_the_user_can_end_it(desk, screen, keys):
    desk.start()
    screen.type(keys)
    desk.until(lambda: desk.is_ended, "the conversation ends")
    assert desk.lines == []


def test_a_terminal_that_hangs_up_ends_it(desk, screen):
    desk.start()
    screen.hang_up()
    desk.until(lambda: desk.is_ended, "the conversation ends")


def test_help_is_shown_here_and_not_said_to_the_model(desk, screen):
    desk.start()
    screen.type("/help\r")
    desk.until(lambda: screen.shows("/interrupt  cut the reply short"), "it is shown")
    assert desk.lines == []


def test_mute_and_unmute_are_for_everybody(desk, screen):
    desk.start()
    screen.type("/mute\r")
    desk.until(lambda: desk.coordinator.conversation.state.muted, "it is muted")
    screen.type("/unmute\r")
    desk.until(lambda: not desk.coordinator.conversation.state.muted, "it is not")


def test_push_to_talk_is_on_until_it_is_typed_again(desk, screen):
    desk.vad = "manual"
    desk.start()
    screen.type("/talk\r")
    desk.until(lambda: desk.coordinator.conversation.state.talking, "the user talks")
    desk.until(lambda: screen.shows("talk now; /talk again when you are done"), "it is said so")
    desk.until(lambda: desk.keyboards[-1].control.state.talking, "the keyboard knows")
    screen.type("/talk\r")
    desk.until(lambda: not desk.coordinator.conversation.state.talking, "the turn is over")
    assert desk.lines == []


def test_push_to_talk_is_refused_kindly_where_the_model_hears_by_itself(desk, screen):
    desk.start()
    screen.type("/talk\r")
    desk.until(lambda: screen.shows('set mode = "manual" in [model.vad]'), "it is said what to do")
    assert not desk.coordinator.conversation.state.talking


def test_enter_on_an_empty_line_cuts_the_reply_while_it_is_spoken_and_only_then(desk, screen):
    desk.start()
    screen.type("\r")
    desk.settle()
    assert desk.session.of(wire.Interrupt) == []
    desk.coordinator._change("is_streaming_output", value=True)
    desk.settle()
    screen.type("\r")
    desk.until(lambda: desk.session.of(wire.Interrupt), "the reply is cut")


def test_the_terminal_is_left_as_it_was_found(desk, screen):
    before = termios.tcgetattr(screen.slave)
    desk.start()
    assert termios.tcgetattr(screen.slave) != before
    desk.stop()
    assert termios.tcgetattr(screen.slave) == before


def test_too_many_lines_on_their_way_are_told_and_not_taken(desk, screen):
    desk.start()
    for number in range(100):
        screen.type(f"{number}\r")
        desk.until(lambda number=number: len(desk.lines) == number + 1, "it is sent")
    screen.type("one more\r")
    desk.until(lambda: screen.shows("too many lines wait to be sent; this one was not taken"), "it is told")
    assert len(desk.lines) == 100
