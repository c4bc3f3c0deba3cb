"""Keyboard and console on one real terminal: they take turns, and it is left as it was found whatever dies."""

import contextlib
import signal
import sys
import time

import psutil
from ptys import terminal
from trees import tree, wait_for

WORDS = " ".join(f"word{number}" for number in range(11))
SLOW = [
    {
        "when": {"contains": "slowly"},
        "do": {"reply": {"text": WORDS, "seconds": 2, "chunk_bytes": 9600, "delay_s": 0.2}},
    },
]
"""A reply that takes 2 s in ten chunks."""


@contextlib.contextmanager
def talking(rules=(), width=100):
    """A conversation at a terminal that shows its first prompt."""
    with tree(rules=list(rules)) as conversation:
        command = [sys.executable, "-m", "supervisor", "start", str(conversation.config)]
        with terminal(command, conversation.environment, width) as screen:
            screen.wait_for("You:")
            yield conversation, screen


def said(screen):
    """Return what the screen shows below the first line, which says what we talk to."""
    return screen.lines[1:]


def prompt(screen, typed="You:"):
    """Wait for the keyboard's turn: its line is the last on the screen."""
    wait_for(lambda: screen.lines[-1] == typed, f"the prompt {typed!r}")


def type_slowly(screen, text, within_s=1.5):
    for character in text:
        screen.type(character)
        time.sleep(within_s / len(text))


def test_a_line_is_typed_answered_and_followed_by_a_fresh_prompt_and_help_is_there():
    with talking() as (conversation, screen):
        screen.type("hello\r")
        screen.wait_for("Parrot: You said: hello")
        prompt(screen)
        screen.type("/help\r")
        screen.wait_for(r"/quit\s+end the conversation .*")
        assert all(command in screen.text for command in ("/interrupt", "/mute", "/unmute"))
        prompt(screen)
        screen.type("and agian\x7f\x7f\x7fain\r")
        screen.wait_for("Parrot: You said: and again")
        prompt(screen)
        screen.type("/quit\r")
        assert screen.wait() == 0
        assert screen.modes() == screen.modes_before
        assert said(screen)[:2] == ["You: hello", "Parrot: You said: hello"]
        assert said(screen)[-3:-1] == ["You: and again", "Parrot: You said: and again"]
        assert conversation.leftovers() == []


def test_what_is_typed_while_a_reply_is_printed_garbles_neither():
    with talking(SLOW) as (conversation, screen):
        screen.type("speak slowly\r")
        wait_for(lambda: "word0" in screen.text, "the reply begins")
        type_slowly(screen, "this is typed meanwhile")
        screen.wait_for(f"Parrot: {WORDS}")
        prompt(screen, "You: this is typed meanwhile")
        screen.type("\r")
        screen.wait_for("Parrot: You said: this is typed meanwhile")
        prompt(screen)
        assert said(screen)[:-1] == [
            "You: speak slowly",
            f"Parrot: {WORDS}",
            "You: this is typed meanwhile",
            "Parrot: You said: this is typed meanwhile",
        ]
        assert conversation.context() == {"speak slowly": 1, "this is typed meanwhile": 1}


def test_a_line_that_was_begun_before_a_reply_is_there_again_after_it():
    with talking(SLOW) as (conversation, screen):
        screen.type("half a li")
        screen.wait_for("You: half a li")
        assert conversation.command("say", "speak slowly", "--name", "test").returncode == 0
        wait_for(lambda: "word10" in screen.text, "the reply")
        prompt(screen, "You: half a li")
        screen.type("ne\r")
        screen.wait_for("Parrot: You said: half a line")
        prompt(screen)
        assert said(screen)[:-1] == [
            "You: speak slowly",
            f"Parrot: {WORDS}",
            "You: half a line",
            "Parrot: You said: half a line",
        ]


def test_a_line_wider_than_the_terminal_and_a_narrow_reply_leave_whole_words_behind():
    with talking(SLOW, width=24) as (_, screen):
        screen.type("please speak slowly, and at some length\r")
        wait_for(lambda: "word0" in screen.text, "the reply begins")
        again = "another quite long line meanwhile"
        type_slowly(screen, again)
        prompt(screen, "line meanwhile")
        screen.type("\r")
        wait_for(lambda: f"Parrot: You said: {again}" in flowing(screen), "the second reply")
        prompt(screen)
        assert f"Parrot: {WORDS}" in flowing(screen)
        assert flowing(screen).count(f"You: {again}") == 1
        assert flowing(screen).count("You: please speak slowly, and at some length") == 1


def flowing(screen):
    """Return the text of the screen as if it had one line."""
    return "".join(line.ljust(screen.screen.width) for line in screen.lines)


def test_enter_on_an_empty_line_cuts_the_reply_short():
    with talking(SLOW) as (conversation, screen):
        screen.type("speak slowly\r")
        wait_for(lambda: "word3" in screen.text, "the reply is under way")
        screen.type("\r")
        screen.wait_for(r"Parrot: word0 .* \[interrupted\]")
        assert "word10" not in screen.text
        screen.wait_for("You:")
        wait_for(lambda: not conversation.status()["conversation"]["is_streaming_output"], "quiet")


def test_ctrl_c_ends_it_and_leaves_the_terminal_as_it_was():
    """As do /quit and Ctrl-D, with which other tests here end."""
    with talking() as (conversation, screen):
        assert screen.modes() != screen.modes_before
        screen.type("\x03")
        assert screen.wait() == 130
        assert screen.modes() == screen.modes_before
        assert conversation.leftovers() == []


def test_a_killed_keyboard_leaves_a_good_terminal_within_a_second_and_comes_back_to_the_same_conversation():
    with talking() as (conversation, screen):
        screen.type("before\r")
        screen.wait_for("Parrot: You said: before")
        screen.type("half a ")
        prompt(screen, "You: half a")
        first = conversation.kill("keyboard")
        began = time.monotonic()
        wait_for(lambda: screen.modes() == screen.modes_before, "the modes are back", within_s=5)
        assert time.monotonic() - began < 1
        wait_for(lambda: conversation.pid("keyboard") not in {None, first}, "a new keyboard")
        wait_for(lambda: screen.modes() != screen.modes_before, "it has the terminal again")
        prompt(screen, "You: half a")
        screen.type("line\r")
        screen.wait_for("Parrot: You said: half a line")
        assert conversation.context() == {"before": 1, "half a line": 1}
        assert screen.text.count("You: half a line") == 1
        assert "You: half a You:" not in screen.text
        screen.type("/quit\r")
        assert screen.wait() == 0
        assert screen.modes() == screen.modes_before


def test_a_killed_supervisor_leaves_a_good_terminal_and_nobody_behind():
    with talking(SLOW) as (conversation, screen):
        screen.type("speak slowly\r")
        wait_for(lambda: "word0" in screen.text, "the reply begins")
        screen.signal(signal.SIGKILL)
        assert screen.wait() == -signal.SIGKILL
        wait_for(lambda: not conversation.actors(), "all actors are gone", within_s=5)
        assert screen.modes() == screen.modes_before


def test_a_session_that_dies_in_the_middle_of_a_reply_frees_the_terminal_and_its_successor_answers_again():
    with talking(SLOW) as (conversation, screen):
        screen.type("speak slowly\r")
        wait_for(lambda: "word3" in screen.text, "the reply is under way")
        conversation.kill("session")
        screen.wait_for(r"Parrot: word0 .* \[interrupted\]")
        prompt(screen)
        screen.wait_for("session is back")
        screen.wait_for(f"Parrot: {WORDS}")
        wait_for(lambda: conversation.events("turn_complete"), "the end of the turn")
        assert conversation.context() == {"speak slowly": 1}


def test_whatever_else_is_killed_the_user_can_go_on_typing():
    with talking() as (conversation, screen):
        for name in ("console", "coordinator", "session", "coordinator"):
            before = conversation.kill(name)
            wait_for(
                lambda before=before, name=name: conversation.pid(name) not in {None, before},
                f"{name} is back",
            )
            conversation.wait_ready()
            if name == "session":
                screen.wait_for("session is back")
            screen.type(f"after {name}\r")
            screen.wait_for(f"Parrot: You said: after {name}")
            prompt(screen)
        assert not any(line.startswith("You: Parrot:") for line in screen.lines)
        assert screen.text.count("is back") == 1, "who only lost sight of the coordinator was never away"
        screen.type("\x04")
        assert screen.wait() == 0
        assert screen.modes() == screen.modes_before
        assert conversation.leftovers() == []


def test_the_terminal_is_good_when_everything_is_killed_at_once():
    with talking() as (conversation, screen):
        actors = conversation.actors()
        screen.signal(signal.SIGKILL)
        for actor in actors:
            if actor.pid != conversation.pid("keyboard"):
                with contextlib.suppress(psutil.NoSuchProcess):
                    actor.kill()
        assert screen.wait() == -signal.SIGKILL
        wait_for(lambda: not conversation.actors(), "the keyboard has cleaned up", within_s=5)
        assert screen.modes() == screen.modes_before
        assert conversation.run_dir.exists()
        assert conversation.command("stop", "test").returncode == 0
        assert conversation.leftovers() == []
