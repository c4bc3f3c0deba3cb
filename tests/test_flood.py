"""A flood of log lines is cut and counted; a crash is told whatever came before it."""

import io
import logging

import pytest

from actors.runtime.flood import LINES_PER_S, Flood, FloodHandler


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
def write(clock, stream):
    handler = FloodHandler(stream, clock)
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def write(message, name="mic"):
        handler.handle(logging.makeLogRecord({"name": name, "msg": message, "levelno": logging.INFO}))

    return write


def test_20_lines_a_second_pass_and_the_next_second_has_20_of_its_own(clock):
    flood = Flood(clock())
    assert [flood.admit(100.0) for _ in range(30)] == [True] * LINES_PER_S + [False] * 10
    assert not flood.admit(100.9)
    assert flood.admit(101.0)
    assert flood.take_suppressed() == 11
    assert flood.take_suppressed() == 0


def test_the_next_line_says_how_many_were_left_out(write, clock, stream):
    for number in range(50):
        write(f"line {number}")
    clock.now += 1
    write("quiet again")
    assert stream.getvalue().splitlines()[-3:] == [
        "mic: line 19",
        "mic: suppressed 30 lines",
        "mic: quiet again",
    ]


def test_a_crash_is_told_in_the_middle_of_a_flood(write, stream):
    for number in range(50):
        write(f"line {number}")
    write("crashed", name="boot")
    assert stream.getvalue().splitlines()[-2:] == ["boot: suppressed 30 lines", "boot: crashed"]


def test_a_stream_that_takes_nothing_is_no_error(clock, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        handler = FloodHandler(full, clock)
        for number in range(50):
            handler.handle(logging.makeLogRecord({"msg": f"line {number}"}))
        full.buffer.raw.close()
