"""A conversation through pipes and files: real processes, the real SDK, the embedded parrot."""

import signal
import subprocess
import time

import psutil
import pytest
from trees import hanging, tree, wait_for

from actors.wire import MAX_TEXT_CHARS

SLOW = [{"when": {"contains": "slowly"}, "do": {"reply": {"seconds": 20, "delay_s": 0.2}}}]


def test_piped_lines_are_answered_in_order_on_stdout_and_everything_else_goes_to_stderr():
    """Blank lines and a missing last newline apart."""
    with tree() as conversation:
        ended = conversation.converse("one\n\n  \ntwo\nzwölf 二 ✓\nlast")
        said = ["one", "two", "zwölf 二 ✓", "last"]
        assert ended.stdout.splitlines() == [f"You said: {text}" for text in said]
        assert ended.returncode == 0
        assert conversation.context() == dict.fromkeys(said, 1)
        assert "parrot" in ended.stderr
        assert conversation.leftovers() == []


@pytest.mark.parametrize("source", [subprocess.PIPE, subprocess.DEVNULL])
def test_empty_input_ends_at_once_and_well(source):
    with tree() as conversation:
        process = conversation.start(stdin=source)
        assert process.communicate(timeout=30)[0] == b""
        assert process.returncode == 0


def test_a_file_is_input_like_a_pipe():
    with tree() as conversation:
        lines = conversation.directory / "lines"
        lines.write_text("one\ntwo\n")
        with lines.open() as file:
            ended = conversation.command("start", str(conversation.config), stdin=file)
        assert (ended.returncode, ended.stdout) == (0, "You said: one\nYou said: two\n")


def test_a_line_that_is_too_long_is_refused_by_name_and_the_exit_code_tells():
    with tree() as conversation:
        ended = conversation.converse(f"one\n{'x' * (MAX_TEXT_CHARS + 1)}\nthree\n")
        assert ended.returncode == 1
        assert ended.stdout == "You said: one\nYou said: three\n"
        assert (
            f"line 2 has {MAX_TEXT_CHARS + 1} characters, at most {MAX_TEXT_CHARS} are sent" in ended.stderr
        )


def test_the_quit_command_in_a_pipe_waits_for_the_replies_before_it_and_nothing_after_it_is_said():
    with tree() as conversation:
        ended = conversation.converse("one\ntwo\n/quit\nthree\n")
        assert (ended.returncode, ended.stdout) == (0, "You said: one\nYou said: two\n")


def test_each_reply_comes_when_it_is_said_and_a_quit_command_ends_it_although_the_pipe_stays_open():
    with tree() as conversation:
        process = conversation.start()
        for word in (b"one", b"two"):
            process.stdin.write(word + b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"You said: " + word + b"\n"
        process.stdin.write(b"three\n/quit\n")
        process.stdin.flush()
        assert process.wait(30) == 0
        assert process.stdout.read() == b"You said: three\n"


def test_a_reader_of_the_replies_that_goes_away_does_not_end_the_conversation_half_way():
    with tree() as conversation:
        process = conversation.start()
        process.stdout.close()
        process.stdin.write(b"one\ntwo\nthree\n")
        process.stdin.close()
        assert process.wait(30) == 0
        assert conversation.context() == {"one": 1, "two": 1, "three": 1}
        assert conversation.leftovers() == []


def test_a_reader_that_is_slow_to_read_gets_everything():
    lines = [f"{number} {'x' * 2000}" for number in range(100)]  # more than any pipe holds
    with tree() as conversation:
        process = conversation.start()
        process.stdin.write("\n".join(lines).encode())
        process.stdin.close()
        wait_for(lambda: len(conversation.events("turn_complete")) == 100, "100 replies")
        assert process.stdout.read().decode().splitlines() == [f"You said: {line}" for line in lines]
        assert process.wait(30) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)])
def test_a_signal_ends_it_in_order_in_the_middle_of_a_reply(number, code):
    with tree(rules=SLOW) as conversation:
        process = conversation.start()
        process.stdin.write(b"speak slowly\n")
        process.stdin.flush()
        wait_for(lambda: conversation.status()["conversation"]["is_streaming_output"], "it talks")
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(30) == code
        assert time.monotonic() - began < 8
        assert conversation.leftovers() == []


def test_a_second_ctrl_c_does_not_wait_for_a_process_that_hangs():
    with tree() as conversation:
        process = conversation.start_ready()
        hung = conversation.pid("session")
        with hanging(hung):
            process.send_signal(signal.SIGINT)
            wait_for(lambda: conversation.pid("keyboard") is None, "the first group has stopped")
            assert psutil.pid_exists(hung)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            code = process.wait(30)
            took_s = time.monotonic() - began
        assert code == 130
        assert took_s < 2, "hard: about 0.1 s on an idle machine, against 3 s of patience with a session"
        assert conversation.leftovers() == []
