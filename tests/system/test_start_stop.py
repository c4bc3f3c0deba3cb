"""One conversation per name, and nothing left behind: races of starts, and many rounds with kills at random moments."""

import random
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest
from ptys import Terminal
from trees import tree, wait_for

LONG_REPLY = [
    {"when": {"contains": "at length"}, "do": {"reply": {"text": "so it goes " * 50, "seconds": 30}}}
]


def racing_starts(conversation, count):
    """Start so many at the same moment, and return the processes."""
    gate = threading.Barrier(count)
    started = []

    def start():
        gate.wait()
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "supervisor", "start", str(conversation.config)],
                env=conversation.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        )

    threads = [threading.Thread(target=start) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return started


@pytest.mark.parametrize("count", [20, pytest.param(50, marks=pytest.mark.soak)])
def test_starts_in_the_middle_of_a_reply_are_all_refused_and_the_conversation_notices_nothing(count):
    with tree(rules=LONG_REPLY) as conversation:
        first = conversation.start_ready("--set", "actors.parrot.audio_speed=4.0")
        first.stdin.write(b"talk at length\n")
        first.stdin.flush()
        wait_for(lambda: conversation.status()["conversation"]["is_streaming_output"], "it talks")
        pids = {row["name"]: row["pid"] for row in conversation.status()["actors"]}
        refused = [
            (*process.communicate(b"not said\n"), process.returncode)
            for process in racing_starts(conversation, count)
        ]
        assert {(out, code) for out, _, code in refused} == {(b"", 1)}
        assert {err for _, err, _ in refused} == {refused[0][1]}
        assert f"pid {first.pid}, in {conversation.run_dir}".encode() in refused[0][1]
        first.stdin.write(b"and again\n")
        first.stdin.close()
        assert {row["name"]: row["pid"] for row in conversation.status()["actors"]} == pids
        assert first.wait(60) == 0
        assert first.stdout.read().decode().splitlines() == [
            ("so it goes " * 50).strip(),
            "You said: and again",
        ]
        assert conversation.context() == {"talk at length": 1, "and again": 1}
        assert conversation.leftovers() == []


def test_of_20_starts_at_the_same_moment_exactly_one_wins():
    with tree() as conversation:
        processes = racing_starts(conversation, 20)
        wait_for(lambda: [p.poll() for p in processes].count(None) == 1, "all but one have ended")
        conversation.wait_ready()
        winner = next(process for process in processes if process.poll() is None)
        assert conversation.status()["pid"] == winner.pid
        assert winner.communicate(b"hello\n", timeout=30)[0] == b"You said: hello\n"
        codes = sorted(process.wait() for process in processes)
        for process in processes:
            for pipe in (process.stdin, process.stdout, process.stderr):
                pipe.close()
        assert codes == [0] + [1] * 19
        assert conversation.leftovers() == []


def one_round(conversation, chance):
    """Start at a terminal, and end it in one of many ways at a random moment."""
    command = [sys.executable, "-m", "supervisor", "start", str(conversation.config)]
    before = conversation.leftovers()
    screen = Terminal(command, conversation.environment)
    try:
        time.sleep(chance.choice([0, 0.2, 0.6, 1.2]) * chance.random())
        way = chance.choice(
            [
                "interrupt",
                "interrupt twice",
                "terminate",
                "quit",
                "kill",
                "kill an actor first",
                "kill all but the keyboard",
            ]
        )
        end(conversation, screen, way)
        screen.wait()
        wait_for(lambda: not conversation.actors(), f"no actor after {way}", within_s=10)
        assert screen.modes() == screen.modes_before, f"the terminal is left changed after {way}"
        if not way.startswith("kill all") and way != "kill":
            allowed = [] if "Talking to" in screen.text else before  # ended before it was responsible
            left = conversation.leftovers()
            assert set(left) <= set(allowed), f"{left} after {way}"
    finally:
        screen.close()


def end(conversation, screen, way):
    match way:
        case "interrupt":
            interrupt(screen)
        case "interrupt twice":
            screen.signal(signal.SIGINT)
            interrupt(screen)
        case "terminate":
            screen.signal(signal.SIGTERM)
        case "quit":
            screen.wait_for("You:")
            screen.type("hello\r/quit\r")
        case "kill":
            screen.signal(signal.SIGKILL)
        case "kill an actor first":
            for actor in conversation.actors()[:1]:
                actor.kill()
            screen.signal(signal.SIGTERM)
        case "kill all but the keyboard":  # somebody has to put the terminal right
            actors = [actor for actor in conversation.actors() if "keyboard" not in actor.cmdline()]
            screen.signal(signal.SIGKILL)
            for actor in actors:
                actor.kill()


def interrupt(screen):
    """Press Ctrl-C, again if need be: Python itself may lose one while it starts, before any code of ours runs."""
    screen.signal(signal.SIGINT)
    wait_for(lambda: not psutil.pid_exists(screen.pid) or "KeyboardInterrupt" in screen.text, "it ends")
    screen.signal(signal.SIGINT)


def many_rounds(count, seed):
    chance = random.Random(seed)
    with tree() as conversation:
        for _ in range(count):
            one_round(conversation, chance)
        last = conversation.converse("hello\n")
        assert (last.returncode, last.stdout) == (0, "You said: hello\n")
        assert conversation.leftovers() == []


def test_10_rounds_of_starting_and_ending_at_random_moments_leave_nothing_behind():
    many_rounds(10, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_200_rounds_of_starting_and_ending_at_random_moments_leave_nothing_behind():
    many_rounds(200, seed=2)
