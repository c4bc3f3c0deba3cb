"""How soon what was killed works again, on file devices; and that a dead coordinator is not heard."""

import time

import numpy as np
import pytest
from trees import wait_for
from virtual_audio import speech_like, write_wav
from voices import MIC_HZ, REPLY_HZ, WAV_HEADER_BYTES, compare, config, says_wav, talking, tell

SPOKEN_S = 4
SLACK_S = 4.0
"""A loaded machine's; the bounds themselves are printed beside what was measured."""
BOUNDS_S = {"mic": 1.5, "speaker": 1.5, "session": 2.0, "coordinator": 1.0}


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    path = tmp_path_factory.mktemp("devices")
    spoken = write_wav(path / "spoken.wav", np.zeros(MIC_HZ, dtype=np.int16), MIC_HZ)
    toml = config(mic=f"file:{spoken}", speaker=f"file:{path / 'heard.wav'}")
    with talking({}, [says_wav(path, "go", speech_like(SPOKEN_S, REPLY_HZ))], toml) as talk:
        talk.heard = path / "heard.wav"
        yield talk


def heard(talk):
    return np.frombuffer(talk.heard.read_bytes()[WAV_HEADER_BYTES:], dtype=np.int16)


def kill(talk, name):
    """Kill it; gives how many seconds passed until another one was ready."""
    began_s = time.monotonic()
    before = talk.tree.kill(name)
    wait_for(lambda: talk.tree.row(name).get("pid") not in {None, before}, f"another {name}")
    wait_for(lambda: talk.tree.row(name).get("ready"), f"{name} is ready")
    return time.monotonic() - began_s


def test_a_coordinator_that_dies_in_mid_reply_costs_no_sample_and_its_successor_knows_the_state(talk):
    talk.say("go")
    wait_for(lambda: talk.state("is_streaming_output"), "it talks")
    epoch = talk.state("epoch")
    took_s = kill(talk, "coordinator")
    wait_for(lambda: talk.state("epoch") == epoch and talk.state("connected"), "the state is back")
    back_s = time.monotonic()
    wait_for(lambda: not talk.state("is_streaming_output"), "the end of the reply")
    alike, broken = compare(heard(talk), speech_like(SPOKEN_S, REPLY_HZ), REPLY_HZ)
    tell(
        coordinator_ready_s=round(took_s, 2),
        broken_blocks=broken,
        reply_ended_after_s=time.monotonic() - back_s,
    )
    assert broken == 0
    assert alike > 0.99
    assert talk.row("speaker")["underruns"] == 0


@pytest.mark.parametrize("name", BOUNDS_S)
def test_a_killed_actor_works_again_soon(talk, name):
    took_s = kill(talk, name)
    tell(killed=name, ready_again_s=round(took_s, 2), bound_s=BOUNDS_S[name])
    assert took_s < BOUNDS_S[name] + SLACK_S
    talk.tree.wait_ready()
