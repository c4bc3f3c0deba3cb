"""Cutting a reply short: how soon it is silent, and that nothing of it is ever heard again."""

import os
import random
import signal
import time

import pytest
import virtual_audio
from trees import wait_for
from virtual_audio import SINK_RATE_HZ, VirtualAudio, speech_like, wait_until, write_wav
from voices import (
    REPLY_HZ,
    compare,
    config,
    index_of,
    percentile,
    says,
    says_wav,
    silences,
    silent_s,
    talking,
    tell,
    wait_played,
)

pytestmark = pytest.mark.skipif(bool(virtual_audio.why_not()), reason=virtual_audio.why_not() or "it can run")

SILENT_WITHIN_S = 0.04
LATE_S = 0.3
"""What a loaded machine may take once; the median has to be what is promised."""
WATCHED_S = 0.4


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    """`go` is answered with 30 s of speech that are there long before they are heard, `stop` without a sound."""
    path, said = tmp_path_factory.mktemp("replies"), speech_like(30, REPLY_HZ)
    return [
        says_wav(path, "go", said, speed=20),
        says_wav(path, "now", said[20 * REPLY_HZ : 22 * REPLY_HZ]),
        says("stop", seconds=0),
    ]


@pytest.fixture(scope="module")
def sound():
    with VirtualAudio() as virtual:
        yield virtual


@pytest.fixture(scope="module")
def patient(sound, rules):
    """A tree whose model takes no turns from the microphone."""
    with talking(sound.env, rules, config(is_deaf=True)) as talk:
        yield talk


def start_speaking(talk, recording, for_s=0.3):
    began_s = time.monotonic()
    talk.say("go")
    wait_until(lambda: recording.last_sound() > began_s, "nothing is heard")
    wait_until(lambda: recording.last_sound() > began_s + for_s, "it stopped by itself")


def interrupt(talk, recording):
    """Let the model interrupt the reply; gives how long it was still heard, in seconds."""
    before = len(talk.tree.events("interrupted"))
    talk.say("stop")
    sent = wait_for(lambda: talk.tree.events("interrupted")[before:], "the model interrupts")[0]
    time.sleep(WATCHED_S)
    return recording.last_sound() - sent["at_ns"] / 1e9


def interrupt_often(talk, recording, times):
    took, generator = [], random.Random(5)
    for _ in range(times):
        start_speaking(talk, recording, generator.uniform(0.1, 0.5))
        took.append(interrupt(talk, recording))
    told = talk.tree.status()["latency_ms"].get("flush_to_silence")
    tell(
        interruptions=times,
        silent_after_ms={
            "p50": round(1000 * percentile(took, 0.5), 1),
            "p95": round(1000 * percentile(took, 0.95), 1),
            "max": round(1000 * max(took), 1),
        },
        flush_to_silence=told,
        dropped=talk.row("speaker")["dropped"],
    )
    return took


def test_an_interruption_is_silence_at_once_and_nothing_of_the_old_reply_follows(sound, patient):
    with sound.listening(SINK_RATE_HZ) as recording:
        took = interrupt_often(patient, recording, 10)
    assert percentile(took, 0.5) < SILENT_WITHIN_S
    assert max(took) < LATE_S < WATCHED_S  # so that in the rest of the time watched nothing was heard


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_200_interruptions_are_silence_within_40_ms_nearly_always(sound, patient):
    with sound.listening(SINK_RATE_HZ) as recording:
        took = interrupt_often(patient, recording, 200)
    assert percentile(took, 0.95) < SILENT_WITHIN_S
    assert max(took) < LATE_S


def test_a_session_that_hangs_right_after_the_interruption_lets_nothing_of_the_old_reply_be_heard(
    sound, patient
):
    with sound.listening(SINK_RATE_HZ) as recording:
        for _ in range(3):
            start_speaking(patient, recording)
            patient.say("stop")
            wait_until(lambda: silent_s(recording) > 0.02, "it is still heard")
            stopped_s = recording.last_sound()
            pid = patient.tree.kill("session", signal.SIGSTOP)
            time.sleep(1)
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.5)
            assert recording.last_sound() == stopped_s
    assert patient.row("speaker")["restarts"] == 0


def test_a_new_reply_right_after_an_interruption_begins_with_its_own_first_sample(sound, patient):
    before = len(patient.tree.events("interrupted"))
    with sound.listening(SINK_RATE_HZ) as recording:
        start_speaking(patient, recording)
        patient.say("now")
        cut = wait_for(lambda: patient.tree.events("interrupted")[before:], "the model interrupts")[0]
        wait_played(recording, cut["at_ns"] / 1e9 + 1)
    expected = speech_like(30, SINK_RATE_HZ)[20 * SINK_RATE_HZ : 22 * SINK_RATE_HZ]
    heard = recording.samples
    start = index_of(heard, expected)
    assert compare(heard, expected, SINK_RATE_HZ)[1] == 0
    between = silences(heard[: start + len(expected)], SINK_RATE_HZ)
    tell(silence_between_ms=[round(1000 * length) for _, length in between])
    assert len(between) <= 1  # none where the new reply was there within 5 ms
    for silence in between:  # after it nothing of the old one
        assert sum(silence) == pytest.approx(start / SINK_RATE_HZ, abs=0.02)


def test_a_voice_stops_the_reply_when_the_microphone_is_always_open(sound, rules, tmp_path):
    wav = write_wav(tmp_path / "spoken.wav", speech_like(2, SINK_RATE_HZ), SINK_RATE_HZ)
    with (
        talking(sound.env, rules, config("headset")) as talk,
        sound.listening(SINK_RATE_HZ) as recording,
    ):
        start_speaking(talk, recording)
        with sound.speaking(wav):
            stopped = wait_for(lambda: talk.tree.events("interrupted"), "the model hears the voice")[0]
            time.sleep(WATCHED_S)
            took_s = recording.last_sound() - stopped["at_ns"] / 1e9
        tell(voice_barge_in_ms=round(1000 * took_s, 1))
        assert took_s < LATE_S


@pytest.mark.parametrize("key", ["/interrupt in a pipe", "supervisor interrupt"])
def test_the_key_silences_the_reply_for_good_and_the_transcript_says_where(sound, rules, key):
    with (
        talking(sound.env, rules, config("half")) as talk,
        sound.listening(SINK_RATE_HZ) as recording,
    ):
        start_speaking(talk, recording, for_s=1)
        first_s = next(came for came, block in recording.blocks if any(block))
        if key == "supervisor interrupt":
            assert talk.tree.command("interrupt", "test").returncode == 0
        else:
            talk.tree.process.stdin.write(b"/interrupt\n")
            talk.tree.process.stdin.flush()
        wait_until(lambda: silent_s(recording) > 0.3, "it is still heard")
        stopped_s = recording.last_sound()
        wait_until(lambda: "[interrupted after" in talk.said(), "the transcript tells")
        told_s = float(talk.said().partition("[interrupted after ")[2].split()[0])
        time.sleep(1.5)
        tell(key=key, heard_s=round(stopped_s - first_s, 3), told_s=told_s)
        assert recording.last_sound() == stopped_s
        assert abs(told_s - (stopped_s - first_s)) < 0.2
        assert "go [interrupted after" in talk.said()
        before = len(talk.turns("stop"))
        talk.say("stop")
        talk.wait_turn("stop", before + 1)
