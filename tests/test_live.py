"""The live view: everything in words, nothing beyond the edges of the terminal, and only notable events."""

import io

import pytest
from rich.console import Console

from supervisor.live.events import Event, last_events
from supervisor.live.view import screen

ROW = {
    "name": "mic",
    "state": "ready",
    "pid": 4711,
    "uptime_s": 75.0,
    "restarts": 2,
    "cpu_percent": 1.5,
    "rss_bytes": 23 << 20,
    "heartbeat_age_s": 0.2,
    "loop_lag_ms_p99": 1.25,
    "in_per_s": 4.0,
    "out_per_s": 50.0,
    "queue_ms": 20.0,
    "dropped": {"stale": 7},
    "underruns": 3,
    "level_dbfs": -30.0,
    "detail": "USB microphone " * 10,
    "last_exit": "killed by SIGKILL",
}
DOCUMENT = {
    "name": "default",
    "state": "degraded",
    "why": "speaker backoff",
    "pid": 4700,
    "uptime_s": 3700.0,
    "config": "configs/default.toml",
    "conversation": {
        "model": "parrot",
        "connected": False,
        "epoch": 3,
        "is_streaming_output": True,
        "muted": True,
        "console_mode": "input",
    },
    "actors": [
        ROW,
        ROW | {"name": "speaker", "state": "backoff", "pid": None, "cpu_percent": None, "level_dbfs": None},
    ],
    "latency_ms": {"mic_to_send": {"p50": 4.0, "p99": 12.0}},
}
STOPPED = DOCUMENT | {"state": "stopped", "why": "not running", "pid": None, "actors": [], "latency_ms": {}}
EVENTS = [Event("12:00:00", "supervisor", f"event {number} {'x' * 200}") for number in range(50)]


def painted(document, events=EVENTS, width=120, height=30):
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    console.print(screen(document, events, width, height))
    return console.file.getvalue()


def test_what_matters_is_said_in_words():
    text = painted(DOCUMENT)
    for words in (
        "degraded (speaker backoff)",
        "NOT CONNECTED",
        "replying",
        "MUTED",
        "turn 3",
        "1m15s",
        "1h01m",
    ):
        assert words in text
    for words in ("backoff", "mic_to_send 4/12", "#####.....  -30", "q leaves", "event 49"):
        assert words in text


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("height", [10, 15, 24, 60])
@pytest.mark.parametrize("document", [DOCUMENT, STOPPED], ids=["running", "stopped"])
def test_nothing_goes_beyond_the_edges(document, width, height):
    lines = painted(document, width=width, height=height).splitlines()
    assert len(lines) <= height
    assert max(len(line) for line in lines) <= width
    assert lines[-1].strip() == "q leaves"


def test_a_narrow_terminal_keeps_the_names_and_states():
    text = painted(DOCUMENT, width=45)
    assert "speaker" in text
    assert "backoff" in text
    assert "DETAIL" not in text


@pytest.mark.parametrize(
    ("level", "bar"), [(0.0, "##########    0"), (-60.0, "..........  -60"), (-90.0, "..........  -90")]
)
def test_a_level_is_a_bar_and_a_number(level, bar):
    assert bar in painted(DOCUMENT | {"actors": [ROW | {"level_dbfs": level}]})


def test_without_a_conversation_that_is_what_is_shown():
    assert painted(STOPPED, []).splitlines()[0].rstrip() == "default: stopped (not running)"


def test_the_last_events_of_all_logs_are_in_the_order_of_time_without_tracebacks_and_routine(tmp_path):
    (tmp_path / "supervisor.log").write_text(
        "2026-01-01 12:00:01,000 supervisor supervisor: mic started, pid 5\n"
        "2026-01-01 12:00:03,000 supervisor supervisor: mic: exit 70 (crashed) ValueError: no\n"
    )
    (tmp_path / "mic.log").write_text(
        "2026-01-01 12:00:01,500 mic actor: ready\n"
        "2026-01-01 12:00:02,000 mic boot: crashed\nTraceback (most recent call last):\nValueError: no\n"
    )
    assert last_events(tmp_path, 10) == [
        Event("12:00:01", "supervisor", "mic started, pid 5"),
        Event("12:00:02", "mic", "crashed"),
        Event("12:00:03", "supervisor", "mic: exit 70 (crashed) ValueError: no"),
    ]
    assert [event.at for event in last_events(tmp_path, 1)] == ["12:00:03"]
    assert last_events(tmp_path / "nowhere", 10) == []
