"""What happens when a process of the tree is killed, hangs, or cannot do its work."""

import contextlib
import signal
import time

import pytest
from trees import CONFIG, hanging, tree, wait_for

SLOW = [{"when": {"contains": "slowly"}, "do": {"reply": {"seconds": 20, "delay_s": 0.2}}}]


def start_and_kill_before_anything_is_ready(conversation):
    conversation.start()
    wait_for(lambda: conversation.pid("session"), "the first process")


def start_and_kill_when_ready(conversation):
    conversation.start_ready()


def start_and_kill_while_it_talks(conversation):
    process = conversation.start_ready()
    process.stdin.write(b"speak slowly\n")
    process.stdin.flush()
    wait_for(lambda: conversation.status()["conversation"]["is_streaming_output"], "it talks")


def start_and_kill_while_it_stops(conversation):
    process = conversation.start_ready()
    with hanging(conversation.pid("session")):
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: conversation.row("keyboard")["state"] == "stopped", "the first group has stopped")
        process.send_signal(signal.SIGSTOP)


def start_and_kill_while_an_actor_waits_to_be_restarted(conversation):
    conversation.start_ready()
    conversation.kill("console")
    wait_for(lambda: conversation.row("console")["state"] == "backoff", "its death is noticed")


@pytest.mark.parametrize(
    "until",
    [
        start_and_kill_before_anything_is_ready,
        start_and_kill_when_ready,
        start_and_kill_while_it_talks,
        start_and_kill_while_it_stops,
        start_and_kill_while_an_actor_waits_to_be_restarted,
    ],
)
def test_a_killed_supervisor_takes_all_actors_with_it_and_the_next_start_needs_no_help(until):
    with tree(rules=SLOW) as conversation:
        until(conversation)
        conversation.process.kill()
        conversation.process.wait()
        began = time.monotonic()
        wait_for(lambda: not conversation.actors(), "all actors are gone")
        assert time.monotonic() - began < 3.5, "2 s of grace, and a look every now and then"
        left = conversation.command("status", "test")
        assert left.returncode == 1
        assert "leftovers (the supervisor is dead; left over: its files)" in left.stdout
        again = conversation.converse("hello\n")
        assert (again.returncode, again.stdout) == (0, "You said: hello\n")
        assert conversation.command("status", "test").returncode == 3
        assert conversation.leftovers() == []


def test_an_actor_that_hangs_as_the_supervisor_dies_is_ended_by_the_next_start():
    with tree() as conversation:
        process = conversation.start_ready()
        stuck = [conversation.kill(name, signal.SIGSTOP) for name in ("session", "parrot")]
        process.kill()
        process.wait()
        wait_for(lambda: {actor.pid for actor in conversation.actors()} == set(stuck), "the others end")
        again = conversation.converse("hello\n")
        assert (again.returncode, again.stdout) == (0, "You said: hello\n")
        assert conversation.leftovers() == []


def test_a_session_that_dies_too_often_ends_the_conversation_with_1_and_says_so():
    config = CONFIG.replace("max_restarts = 10000", "max_restarts = 2")
    with tree(config) as conversation:
        process = conversation.start_ready()
        for restarts in range(3):
            wait_for(
                lambda restarts=restarts: conversation.row("session").get("restarts") == restarts,
                "it is back",
            )
            wait_for(lambda: conversation.row("session").get("ready"), "it is ready")
            conversation.kill("session")
        assert process.wait(30) == 1
        assert b"session ended 3 times within 60 s (last: killed by SIGKILL)" in process.stderr.read()
        assert conversation.leftovers() == []


def test_a_console_that_dies_too_often_is_given_up_and_the_conversation_goes_on():
    config = CONFIG.replace("max_restarts = 10000", "max_restarts = 0")
    with tree(config) as conversation:
        process = conversation.start_ready()
        conversation.kill("console")
        wait_for(lambda: conversation.row("console")["state"] == "fatal", "it is given up")
        answer = conversation.command("status")
        assert answer.returncode == 150
        assert "console fatal" in answer.stdout
        process.stdin.write(b"still there?\n")
        process.stdin.close()
        assert process.wait(30) == 0
        assert conversation.context() == {"still there?": 1}


def test_a_killed_model_forgets_what_was_said_and_answers_what_is_said_next():
    with tree() as conversation:
        process = conversation.start_ready()
        for number, name in enumerate(("before", "after")):
            process.stdin.write(f"{name}\n".encode())
            process.stdin.flush()
            assert process.stdout.readline() == f"You said: {name}\n".encode(), conversation.logs()
            if number == 0:
                wait_for(lambda: conversation.events("handle"), "a handle")
                before = conversation.kill("parrot")
                wait_for(
                    lambda before=before: conversation.pid("parrot") not in {None, before}, "another parrot"
                )
        process.stdin.close()
        assert process.wait(30) == 0
        assert conversation.context() == {"after": 1}
        assert b"it starts afresh" in process.stderr.read()


def test_an_actor_that_hangs_for_a_while_loses_nothing_and_is_well_again():
    with tree() as conversation:
        process = conversation.start_ready()
        for name in ("console", "coordinator", "keyboard", "session"):
            pid = conversation.kill(name, signal.SIGSTOP)
            process.stdin.write(f"to a stopped {name}\n".encode())
            process.stdin.flush()
            with contextlib.suppress(AssertionError):
                wait_for(lambda: conversation.status()["state"] == "degraded", "it is noticed", within_s=5)
            assert conversation.status()["why"] == f"{name} degraded"
            conversation.kill(name, signal.SIGCONT)
            assert process.stdout.readline() == f"You said: to a stopped {name}\n".encode()
            assert conversation.wait_ready()
            assert conversation.pid(name) == pid
        process.stdin.close()
        assert process.wait(30) == 0
        assert process.stdout.read() == b""
