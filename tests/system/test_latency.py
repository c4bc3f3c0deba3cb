"""The latencies in status are those that a loopback measures: both ends of the cable on one clock."""

import time

import numpy as np
import pytest
import virtual_audio
from trees import wait_for
from virtual_audio import SINK_RATE_HZ, VirtualAudio, speech_like, wait_until, write_wav
from voices import (
    MIC_HZ,
    REPLY_HZ,
    Arrivals,
    config,
    first_at,
    index_of,
    percentile,
    says_wav,
    talking,
    tell,
    wait_played,
)

pytestmark = pytest.mark.skipif(bool(virtual_audio.why_not()), reason=virtual_audio.why_not() or "it can run")

WITHIN_MS = 10
"""Between the medians: both sides see the same delays of the machine."""
TURNS = 5
SPOKEN_S = 8
AUDIBLE = 256
"""-42 dBFS, as the measurement itself has it."""


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """A tree with an open microphone, whose model answers `short` with a mark in its journal, and voices with their echo."""
    path = tmp_path_factory.mktemp("replies")
    mark = {"when": {"text": "short", "chunks": 1}, "do": {"expire_handles": True}}
    rules = [says_wav(path, "short", speech_like(0.2, REPLY_HZ)), mark]
    with VirtualAudio() as sound, talking(sound.env, rules, config("headset")) as running:
        running.sound, running.path = sound, path
        yield running


def told(talk, name, count=None):
    """What status says; waits for the heartbeat after the last of it."""
    wait_until(lambda: talk.tree.status()["latency_ms"].get(name), f"status tells {name}")
    time.sleep(1)
    return talk.tree.status()["latency_ms"][name]


def spoken(talk, seconds):
    """Make what is to be spoken; gives the file, and its samples as the model gets them."""
    wav = write_wav(talk.path / f"{seconds}.wav", speech_like(seconds, SINK_RATE_HZ), SINK_RATE_HZ)
    return wav, speech_like(seconds, MIC_HZ)


def test_the_way_to_the_ear_and_from_the_mouth_to_the_ear_is_what_a_loopback_measures(talk):
    reply, receive_to_play = speech_like(0.2, SINK_RATE_HZ), []
    for number in range(TURNS):
        with talk.sound.listening(SINK_RATE_HZ) as recording:
            began_s = time.monotonic()
            talk.say("short")
            wait_played(recording, began_s, quiet_s=0.3)
        marks = wait_for(lambda n=number: talk.tree.events("fault")[n:], "the mark in the journal")
        heard_s = first_at(recording, index_of(recording.samples, reply), SINK_RATE_HZ)
        receive_to_play.append(1000 * (heard_s - marks[-1]["at_ns"] / 1e9))
    check("receive_to_play", told(talk, "receive_to_play"), receive_to_play)
    assert "mouth_to_ear" not in talk.tree.status()["latency_ms"]  # these turns were typed

    wav, mouth_to_ear = spoken(talk, 0.4)[0], []
    for _ in range(TURNS):
        with (
            talk.sound.listening(SINK_RATE_HZ) as ear,
            talk.sound.listening(SINK_RATE_HZ, "micfeed.monitor") as mouth,
        ):
            began_s = time.monotonic()
            with talk.sound.speaking(wav):
                pass
            wait_played(ear, began_s, quiet_s=0.5)
        ended_s = first_at(mouth, audible(mouth)[-1], SINK_RATE_HZ)
        mouth_to_ear.append(1000 * (first_at(ear, audible(ear)[0], SINK_RATE_HZ) - ended_s))
    check("mouth_to_ear", told(talk, "mouth_to_ear"), mouth_to_ear)


def audible(recording):
    return np.flatnonzero(np.abs(recording.samples.astype(int)) > AUDIBLE)


def check(name, in_status, measured):
    median = percentile(measured, 0.5)
    tell(**{name: in_status}, measured=round(median, 1), each=[round(value) for value in measured])
    assert abs(in_status["p50"] - median) < WITHIN_MS


def test_the_way_of_the_voice_to_the_model_is_what_a_loopback_measures(talk):
    before, arrivals = talk.samples_at_model(), Arrivals(talk.ear)
    wav, voice = spoken(talk, SPOKEN_S)
    with talk.sound.listening(MIC_HZ, "micfeed.monitor") as monitor, talk.sound.speaking(wav):
        pass
    wait_until(lambda: talk.samples_at_model() > before + SPOKEN_S * MIC_HZ, "the microphone stopped")
    in_status = talk.tree.status()["latency_ms"]["mic_to_send"]
    arrivals.stop()
    played_from = index_of(monitor.samples, voice)
    came_from = before + index_of(talk.at_model()[before:], voice)
    took = []
    for came_s, samples in arrivals.seen:
        first = samples - MIC_HZ // 50 - came_from  # of the newest frame, from the first sample spoken
        if 0 <= first < len(voice):
            took.append(1000 * (came_s - first_at(monitor, played_from + first, MIC_HZ)))
    tell(mic_to_send=in_status, measured=[percentile(took, share) for share in (0.5, 0.99)], frames=len(took))
    assert abs(in_status["p50"] - percentile(took, 0.5)) < WITHIN_MS
