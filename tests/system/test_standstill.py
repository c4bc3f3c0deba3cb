"""An actor that lives but gets nowhere says so: seen from outside, with its exit code."""

import re
import time
from pathlib import Path

import numpy as np
import pytest
from trees import tree, wait_for
from virtual_audio import write_wav
from voices import MIC_HZ, config, talking

BAD_ACTOR = Path(__file__).parents[1] / "bad_actor"
LONG = [{"when": {"text": "go"}, "do": {"reply": {"seconds": 60, "speed": 0}}}]
PLAYS_DEAD = [{"when": {"text": "play dead"}, "do": {"half_open": True}, "times": 1}]


def degraded(conversation):
    """Return the status if it says so: exit code 150."""
    status = conversation.status()
    return status if status["state"] == "degraded" else None


def test_a_server_that_answers_nothing_any_more_is_shown_at_once_and_the_session_stays_the_same_process():
    with tree(rules=PLAYS_DEAD) as conversation:
        process = conversation.start_ready()
        before = conversation.pid("session")
        process.stdin.write(b"play dead\n")
        process.stdin.flush()
        wait_for(lambda: conversation.events("fault"), "the server is gone")
        began_s = time.monotonic()
        status = wait_for(lambda: degraded(conversation), "it is noticed")
        assert time.monotonic() - began_s < 5, "2 s, and a loaded machine"
        row = next(row for row in status["actors"] if row["name"] == "session")
        assert status["why"] == "session degraded"
        assert "the model" in row["detail"].rpartition(";")[2], (
            "the pulse, or the connection that was given up"
        )
        conversation.wait_ready()
        assert conversation.pid("session") == before
        assert conversation.row("session")["restarts"] == 0


@pytest.fixture(scope="module")
def stalled(tmp_path_factory):
    """A conversation in which both devices get stuck in mid-reply; gives it and the time."""
    path = tmp_path_factory.mktemp("devices")
    spoken = write_wav(path / "spoken.wav", np.zeros(MIC_HZ, dtype=np.int16), MIC_HZ)
    toml = config(mic=f"file:{spoken}", speaker=f"file:{path / 'heard.wav'}")
    search = {"PYTHONPATH": str(BAD_ACTOR)}
    with talking(search, LONG, toml) as talk:
        talk.say("go")
        wait_for(lambda: talk.row("speaker")["queue_ms"] > 20_000, "there is much to play")
        (talk.tree.directory / "stall").touch()
        yield talk, time.monotonic()


def test_a_mic_and_a_speaker_that_live_and_get_nothing_done_are_shown_and_replaced(stalled):
    talk, began_s = stalled
    before = {name: talk.tree.pid(name) for name in ("mic", "speaker")}
    words = {
        "mic": "captures nothing",
        "speaker": "has something to play and plays nothing",
    }

    wait_for(
        lambda: all(words[name] in talk.row(name)["detail"] for name in words), "it is seen what is wrong"
    )
    shown_s = time.monotonic() - began_s
    assert talk.tree.status()["state"] == "degraded"
    wait_for(
        lambda: all(talk.tree.pid(name) not in {None, before[name]} for name in words), "they are replaced"
    )
    replaced_s = time.monotonic() - began_s
    talk.tree.wait_ready()

    print({"shown_s": shown_s, "replaced_s": replaced_s})
    assert shown_s < 2 + 2, "2 s, and a loaded machine"
    assert replaced_s < 5 + 4, "5 s, and a loaded machine"
    for name, what in words.items():
        assert re.fullmatch(f"{what} for [4-8] s", talk.tree.row(name)["last_exit"])
