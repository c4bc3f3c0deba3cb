"""The console actor with a real pipe or terminal, a real coordinator, and a session that says as told."""

import fcntl
import os
import select

import pytest
from fakes import Centre, FakeNotifier, Ray, Screen, in_place_of, spec_of

from actors import wire
from actors.coordinator.actor import YIELD_WITHIN_S, CoordinatorActor
from actors.outputs.console import BACK_AFTER_S, MAX_UNWRITTEN_BYTES, OUTAGE_S, RETRY_S, ConsoleActor


class Stand:
    """A console and the two hubs it talks to."""

    def __init__(self, loop, run_dir):
        self.loop = loop
        self.run_dir = run_dir
        self.coordinator = CoordinatorActor(spec_of("coordinator", run_dir), loop, FakeNotifier())
        self.coordinator.start()
        loop.to_close.append(self.coordinator.hub)
        self.notifier = FakeNotifier()
        self.console = None
        self.stdout = 1
        self.session = Centre(loop, f"ipc://{run_dir}/med.ipc")

    def start(self):
        with in_place_of(1, self.stdout):
            self.console = ConsoleActor(spec_of("console", self.run_dir), self.loop, self.notifier)
        self.console.start()
        self.until(lambda: self.session.of(wire.Hello), "the session knows the console")
        self.until(lambda: self.console.control.is_synchronised, "the console knows the state")

    def stop(self):
        if self.console is not None:
            self.console.stop()
            self.console = None

    def join(self, kind):
        ray = Ray(self.loop, self.coordinator.spec.control_address, kind, kind)
        self.until(lambda: ray.of(wire.Snapshot), f"{kind} is there")
        return ray

    def until(self, condition, what):
        return self.loop.until(condition, what)

    def say(self, *messages):
        for message in messages:
            while not self.session.hub.broadcast(message):
                self.loop.run_once(0.05)

    def reply(self, *pieces):
        self.say(*[wire.OutputText(piece) for piece in pieces], wire.TextComplete())

    @property
    def mode(self):
        return self.coordinator.conversation.state.console_mode


@pytest.fixture
def stand(loop, short_dir):
    made = Stand(loop, short_dir)
    yield made
    made.stop()


class Reader:
    """The end of a pipe that is read."""

    def __init__(self):
        self.end, self.written_to = os.pipe()
        os.set_blocking(self.end, False)
        self.seen = b""

    def look(self):
        try:
            while data := os.read(self.end, 1 << 20):
                self.seen += data
        except BlockingIOError:
            pass
        return self.seen.decode()

    def leave(self):
        if self.end is not None:
            os.close(self.end)
            self.end = None

    def close(self):
        self.leave()
        os.close(self.written_to)


@pytest.fixture
def notices(monkeypatch):
    reader = Reader()
    monkeypatch.setenv("ANTIPHON_NOTICE_FD", str(reader.written_to))
    yield reader
    reader.close()


@pytest.fixture
def pipe(stand, notices):
    reader = Reader()
    stand.stdout = reader.written_to
    yield reader
    stand.stop()
    reader.close()


@pytest.fixture
def screen(stand, notices, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    made = Screen()
    stand.stdout = made.slave
    yield made
    stand.stop()
    made.close()


# A pipe: for programs.


def test_a_reply_is_one_line_on_stdout(stand, pipe):
    stand.start()
    stand.reply("Hel", "lo ", "there")
    stand.until(lambda: pipe.look() == "Hello there\n", "it is printed")
    assert stand.notifier.of("ready") == ["pipe"]


def test_what_the_user_was_heard_to_say_is_marked_and_notices_go_elsewhere(stand, pipe, notices):
    stand.start()
    stand.say(wire.InputText("hi"), wire.Notice("listening"))
    stand.reply("Hello")
    stand.until(lambda: pipe.look().endswith("Hello\n"), "it is printed")
    assert pipe.look() == "> hi\nHello\n"
    assert notices.look() == "listening\n"


def test_an_interrupted_reply_says_how_much_of_it_was_heard(stand, pipe):
    stand.start()
    stand.say(wire.OutputText("A long story"), wire.Interrupted(1500))
    stand.until(lambda: "[interrupted after 1.5 s]\n" in pipe.look(), "it is marked")


def test_what_came_last_is_printed_before_the_end(stand, pipe):
    stand.start()
    stand.reply("first")
    stand.until(pipe.look, "the first is printed")
    stand.say(wire.OutputText("last words"))
    assert select.select([stand.console.media._socket.fileno()], [], [], 10)[0]
    stand.stop()
    assert pipe.look() == "first\nlast words\n"


def small(pipe):
    fcntl.fcntl(pipe.written_to, fcntl.F_SETPIPE_SZ, 4096)


def test_a_reader_that_pauses_loses_nothing_and_does_not_hold_the_console_up(stand, pipe):
    small(pipe)
    stand.start()
    said = [f"{number} " + "x" * 500 for number in range(100)]
    for text in said:
        stand.reply(text)
    stand.until(lambda: stand.console._retry is not None, "the pipe is full")
    stand.say(wire.Flush())
    stand.until(lambda: stand.console.counters.dropped == {"unexpected": 1}, "it still hears what is said")
    stand.until(lambda: stand.loop.skip(RETRY_S) or len(pipe.look().splitlines()) == 100, "all is read")
    assert pipe.look() == "".join(f"{text}\n" for text in said)


def test_a_reader_that_never_reads_costs_a_bounded_amount_of_memory_and_the_loss_is_counted(stand, pipe):
    small(pipe)
    stand.start()
    for _ in range(MAX_UNWRITTEN_BYTES // 50_000 + 10):
        stand.reply("x" * 50_000)
        stand.loop.run_once(0.0)
    stand.until(lambda: stand.console.counters.dropped.get("reader_stalled"), "the loss is counted")
    assert len(stand.console._unwritten) < MAX_UNWRITTEN_BYTES + 100_000
    stand.console._unwritten = b""


def test_a_reader_that_goes_away_is_counted_and_ends_nothing(stand, pipe):
    stand.start()
    pipe.leave()
    stand.reply("Hello")
    stand.until(lambda: stand.console.counters.dropped.get("reader_gone"), "it is counted")


def test_a_lost_connection_is_told_when_it_lasts_and_so_is_its_return(stand, pipe, notices):
    stand.start()
    for connected in (True, False):
        stand.coordinator._change("connected", value=connected)
    stand.until(lambda: stand.console.control.version == 2, "it is known")
    assert notices.look() == ""
    stand.loop.skip(OUTAGE_S)
    stand.until(lambda: notices.look() == "connection to the model lost, reconnecting …\n", "it is told")
    stand.coordinator._change("connected", value=True)
    stand.until(lambda: notices.look().endswith("connected again\n"), "so is the return")


def test_a_change_of_connections_is_not_told_and_the_first_connection_neither(stand, pipe, notices):
    stand.start()
    for connected in (True, False, True):
        stand.coordinator._change("connected", value=connected)
    stand.until(lambda: stand.console.control.version == 3, "it is known")
    stand.loop.skip(OUTAGE_S)
    assert notices.look() == ""


def test_an_actor_that_is_back_is_told_and_one_that_comes_is_not(stand, pipe, notices):
    stand.start()
    stand.join("mic")
    stand.join("mic")
    stand.until(lambda: stand.console._returning, "it is seen")
    stand.loop.skip(BACK_AFTER_S)
    stand.until(lambda: notices.look() == "mic is back\n", "it is told")


def test_an_actor_that_comes_only_to_find_its_device_absent_is_not_back(stand, pipe, notices):
    stand.start()
    stand.join("mic")
    again = stand.join("mic")
    stand.until(lambda: stand.console._returning, "it is seen")
    again.link.close()
    stand.until(lambda: not stand.console._returning, "it is gone again")
    stand.loop.skip(BACK_AFTER_S)
    stand.join("speaker")
    assert notices.look() == ""


# A terminal, shared with the keyboard.


def test_the_terminal_is_asked_for_and_given_back_with_each_turn(stand, screen):
    stand.start()
    keyboard = stand.join("keyboard")
    stand.say(wire.OutputText("Hel"))
    stand.until(lambda: keyboard.of(wire.Yield), "the keyboard is asked")
    assert (screen.look(), stand.mode) == ("", "input")
    keyboard.link.send(wire.Yielded(keyboard.of(wire.Yield)[0].request))
    stand.until(lambda: screen.shows("Gemini: Hel"), "it is printed")
    assert stand.mode == "assistant"
    stand.reply("lo")
    stand.until(lambda: stand.mode == "input", "the terminal is given back")
    assert screen.look() == "Gemini: Hello\r\n"


def test_while_the_user_is_heard_the_mode_says_so(stand, screen):
    stand.start()
    stand.say(wire.InputText("hi"))
    stand.until(lambda: stand.mode == "user", "the mode is the user's")
    stand.reply("Hello")
    stand.until(lambda: stand.mode == "input", "it is given back")
    assert screen.look() == "You: hi\r\nGemini: Hello\r\n"


def test_what_waits_for_the_terminal_is_printed_in_one_go_and_only_then_it_is_given_back(stand, screen):
    stand.start()
    keyboard = stand.join("keyboard")
    stand.reply("one")
    stand.reply("two")
    stand.say(wire.OutputText("thr"))
    stand.until(lambda: keyboard.of(wire.Yield) and len(stand.console._held) == 5, "all of it waits")
    stand.loop.skip(YIELD_WITHIN_S)
    stand.until(lambda: screen.shows("thr"), "it is printed")
    stand.loop.serve_for(0.05)
    assert screen.look() == "Gemini: one\r\nGemini: two\r\nGemini: thr"
    assert (stand.mode, len(keyboard.of(wire.Yield))) == ("assistant", 1)
    stand.reply("ee")
    stand.until(lambda: stand.mode == "input", "it is given back")


def test_a_notice_between_turns_takes_the_terminal_for_its_line_only(stand, screen):
    stand.start()
    stand.say(wire.Notice("muted"))
    stand.until(lambda: screen.shows("muted\r\n"), "it is shown")
    stand.until(lambda: stand.mode == "input", "the terminal is given back")


def test_a_notice_during_a_reply_leaves_the_terminal_to_the_reply(stand, screen):
    stand.start()
    keyboard = stand.join("keyboard")
    stand.say(wire.OutputText("Hel"), wire.Notice("muted"), wire.OutputText("lo"))
    stand.until(lambda: stand.loop.skip(YIELD_WITHIN_S) or screen.shows("lo"), "all is printed")
    stand.loop.serve_for(0.05)
    assert (stand.mode, len(keyboard.of(wire.Yield))) == ("assistant", 1)
    stand.reply("")
    stand.until(lambda: stand.mode == "input", "it is given back")


def test_an_end_of_a_turn_nobody_saw_does_not_take_the_terminal(stand, screen):
    stand.start()
    keyboard = stand.join("keyboard")
    stand.say(wire.TextComplete(), wire.Interrupted())
    stand.loop.serve_for(0.05)
    assert (screen.look(), keyboard.of(wire.Yield)) == ("", [])


def test_a_session_that_dies_mid_reply_ends_its_line_and_the_terminal_is_given_back(stand, screen):
    stand.start()
    stand.say(wire.OutputText("A long st"))
    stand.until(lambda: screen.shows("A long st"), "it is printed")
    stand.session.hub.close()
    again = Centre(stand.loop, f"ipc://{stand.run_dir}/med.ipc")
    stand.until(lambda: again.of(wire.Hello), "another session is there")
    stand.until(lambda: stand.mode == "input", "the terminal is given back")
    assert "[interrupted]\r\n" in screen.look()


def test_a_coordinator_that_dies_while_it_is_asked_is_asked_again(stand, screen, loop, short_dir):
    stand.start()
    keyboard = stand.join("keyboard")
    stand.say(wire.OutputText("Hel"))
    stand.until(lambda: keyboard.of(wire.Yield), "the keyboard is asked")
    stand.coordinator.hub.close()
    stand.coordinator._ping = stand.coordinator._yield_is_late = lambda: None
    stand.coordinator = CoordinatorActor(spec_of("coordinator", short_dir), loop, FakeNotifier())
    stand.coordinator.start()
    loop.to_close.append(stand.coordinator.hub)
    stand.until(lambda: stand.loop.skip(YIELD_WITHIN_S) or screen.shows("Gemini: Hel"), "it is printed")
    assert stand.mode == "assistant"


def test_at_the_end_the_cursor_is_at_the_start_of_a_line(stand, screen):
    stand.start()
    stand.say(wire.OutputText("Hel"))
    stand.until(lambda: screen.shows("Hel"), "it is printed")
    stand.stop()
    assert screen.look().endswith("Hel\r\n")
