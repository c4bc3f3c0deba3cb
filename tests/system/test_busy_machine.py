"""A machine that has twice as much to do as it can: slow, but nobody is taken for dead."""

import contextlib
import os
import subprocess
import sys
import time

import pytest
from trees import tree

BUSY_S = 20


@contextlib.contextmanager
def busy_processes(count):
    """Keep so many processes busy meanwhile."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for one in started:
            one.kill()
            one.wait()


@pytest.mark.soak
def test_nobody_is_given_up_on_a_machine_with_twice_as_many_busy_processes_as_cores():
    with tree() as conversation:
        process = conversation.start_ready()
        with busy_processes(2 * (os.cpu_count() or 1)):
            until_s = time.monotonic() + BUSY_S
            number = 0
            while time.monotonic() < until_s:
                number += 1
                process.stdin.write(f"line {number}\n".encode())
                process.stdin.flush()
                assert process.stdout.readline() == f"You said: line {number}\n".encode()
        status = conversation.wait_ready()
        assert [row["restarts"] for row in status["actors"]] == [0] * len(status["actors"])
