"""Both directions of a conversation through the whole tree: what comes out is what went in."""

import contextlib
import multiprocessing
import os
import signal
import time

import numpy as np
import pytest
import virtual_audio
from virtual_audio import SINK_RATE_HZ, VirtualAudio, speech_like, wait_until, write_wav
from voices import (
    MIC_HZ,
    REPLY_HZ,
    compare,
    config,
    lags,
    says_wav,
    silences,
    talking,
    tell,
    wait_played,
)

pytestmark = pytest.mark.skipif(bool(virtual_audio.why_not()), reason=virtual_audio.why_not() or "it can run")

HEALED_WITHIN_S = 2.0
"""1.5 s, and what a loaded machine may add."""
REPLIES = {
    "short": (0.2, {}),
    "steady": (3, {"chunk_bytes": 960, "speed": 1, "at_once_s": 0.1}),
    "bursty": (3, {"chunk_bytes": 48_000, "speed": 1, "at_once_s": 1.1}),
    "odd": (3, {"chunk_bytes": 4801, "speed": 4}),
    "slow": (4, {"speed": 0.8, "at_once_s": 1.5}),
    "starving": (3, {"chunk_bytes": 9600, "speed": 0.8}),
    "long": (8, {"chunk_bytes": 11_521, "speed": 4}),
    "rushed": (5, {"speed": 20}),
    "endless": (300, {"chunk_bytes": 11_521, "speed": 4}),
}


def reply_of(name, rate_hz=REPLY_HZ):
    return speech_like(REPLIES[name][0], rate_hz)


@pytest.fixture(scope="module")
def duplex(tmp_path_factory):
    """A tree in which the microphone is always open and the model takes no turns from it."""
    path = tmp_path_factory.mktemp("replies")
    rules = [
        says_wav(path, name, reply_of(name), **how) for name, (_, how) in REPLIES.items() if name != "endless"
    ]
    with VirtualAudio() as sound, talking(sound.env, rules, config(is_deaf=True)) as talk:
        talk.sound = sound
        yield talk


def listen_to(talk, text, within_s=30.0):
    """Ask for a reply; gives what the loudspeaker played."""
    with talk.sound.listening(SINK_RATE_HZ) as recording:
        began_s = time.monotonic()
        talk.say(text)
        talk.wait_turn(text)
        wait_played(recording, began_s, within_s)
    return recording.samples


@pytest.mark.parametrize("name", ["short", "steady", "bursty", "odd", "slow"])
def test_a_reply_sounds_as_the_model_sent_it(duplex, name):
    before = duplex.row("speaker")
    heard = listen_to(duplex, name)
    alike, broken = compare(heard, reply_of(name, SINK_RATE_HZ), SINK_RATE_HZ)
    after = duplex.row("speaker")
    tell(
        reply=name,
        correlation=alike,
        broken=broken,
        underruns=after["underruns"] - before["underruns"],
        dropped=after["dropped"],
        gaps=silences(heard, SINK_RATE_HZ)[:5],
        lags=lags(duplex),
    )
    assert alike > 0.999
    assert broken == 0
    assert after["underruns"] == before["underruns"]
    assert after["dropped"] == before["dropped"]


def test_a_reply_that_comes_too_slowly_has_gaps_that_are_counted_and_loses_no_sample(duplex):
    before = duplex.row("speaker")["underruns"]
    heard, sent = listen_to(duplex, "starving"), reply_of("starving", SINK_RATE_HZ)
    underruns = duplex.row("speaker")["underruns"] - before
    parts = stitch(heard, sent)
    tell(reply="starving", underruns=underruns, gaps=len(silences(heard, SINK_RATE_HZ, 20)))
    assert 0 < underruns == len(silences(heard, SINK_RATE_HZ, 20))
    assert parts == underruns + 1


def stitch(heard, sent):
    """In how many pieces `sent` stands in `heard`, whole and in order; -1 when something is missing or doubled."""
    block = SINK_RATE_HZ // 100
    ends = len(sent) - len(sent) % block
    position, parts = find(heard, sent[:block], max(0, int(np.flatnonzero(heard)[0]) - block)), 1
    for at in range(block, ends, block):
        if position is None:
            return -1
        if is_same(heard[position + block : position + 2 * block], sent[at : at + block]):
            position += block
            continue
        after = find(heard, sent[at + block : at + 2 * block], position + block)  # this block was torn in two
        if after is None or torn_apart(heard, position + block, after, sent[at : at + block]) > 0.1:
            return -1
        position, parts = after - block, parts + 1
    return parts


def torn_apart(heard, start, end, wanted):
    """How much of a block is wrong, if its first part stands at `start` and the rest of it just before `end`."""
    n, power = len(wanted), float((wanted.astype(float) ** 2).sum())
    first = (heard[start : start + n].astype(float) - wanted) ** 2
    rest = (heard[end - n : end].astype(float) - wanted) ** 2
    wrong = np.concatenate([[0], np.cumsum(first)]) + np.concatenate([np.cumsum(rest[::-1])[::-1], [0]])
    return float(wrong.min()) / power


def is_same(piece, wanted):
    return len(piece) == len(wanted) and piece.any() and float(np.corrcoef(piece, wanted)[0, 1]) > 0.98


def find(heard, wanted, start):
    """Where a block stands, within 3 s from `start`."""
    there, wanted = heard[start : start + 3 * SINK_RATE_HZ].astype(float), wanted.astype(float)
    energy = np.convolve(there**2, np.ones(len(wanted)), "valid") + 1
    alike = np.correlate(there, wanted, "valid") / np.sqrt(energy * (wanted**2).sum())
    return start + int(alike.argmax()) if alike.max() > 0.98 else None


def speak(talk, path, seconds):
    """Speak into the microphone and wait until all of it is at the model; gives the samples spoken, at 16 kHz."""
    wav = write_wav(path / "spoken.wav", speech_like(seconds, SINK_RATE_HZ), SINK_RATE_HZ)
    with talk.sound.speaking(wav, within_s=seconds + 30):
        pass
    there = talk.samples_at_model()
    wait_until(lambda: talk.samples_at_model() > there + MIC_HZ, "the microphone stopped")
    return speech_like(seconds, MIC_HZ)


def test_both_directions_at_once_lose_nothing(duplex, tmp_path):
    with duplex.sound.listening(SINK_RATE_HZ) as recording:
        began_s = time.monotonic()
        duplex.say("long")
        spoken = speak(duplex, tmp_path, REPLIES["long"][0])
        wait_played(recording, began_s)
    out = compare(recording.samples, reply_of("long", SINK_RATE_HZ), SINK_RATE_HZ)
    voice = compare(duplex.at_model(), spoken, MIC_HZ)
    tell(reply=out, voice=voice, flow=duplex.flow())
    assert (out[0] > 0.999, out[1]) == (True, 0)
    assert (voice[0] > 0.999, voice[1]) == (True, 0)


def test_a_session_that_stands_still_for_2_s_is_not_heard(duplex):
    with duplex.sound.listening(SINK_RATE_HZ) as recording:
        began_s = time.monotonic()
        duplex.say("rushed")
        wait_until(
            lambda: duplex.row("speaker")["queue_ms"] > 3500, "the reply is in the loudspeaker's buffer"
        )
        pid = duplex.tree.kill("session", signal.SIGSTOP)
        time.sleep(2)
        os.kill(pid, signal.SIGCONT)
        wait_played(recording, began_s)
    out = compare(recording.samples, reply_of("rushed", SINK_RATE_HZ), SINK_RATE_HZ)
    tell(session_stopped_s=2, reply=out)
    assert (out[0] > 0.999, out[1]) == (True, 0)


def test_a_loudspeaker_whose_process_was_held_up_holds_more_after_that_reply(duplex):
    before = duplex.row("speaker")["underruns"]
    with duplex.sound.listening(SINK_RATE_HZ) as recording:
        began_s = time.monotonic()
        duplex.say("rushed")
        wait_until(lambda: recording.last_sound() > began_s, "nothing is heard")
        pid = duplex.tree.kill("speaker", signal.SIGSTOP)
        time.sleep(0.5)
        os.kill(pid, signal.SIGCONT)
        wait_played(recording, began_s)
    wait_until(lambda: "holds 160 ms as it ran dry" in duplex.row("speaker")["detail"], "it says so")
    underruns = duplex.row("speaker")["underruns"] - before
    parts = stitch(recording.samples, reply_of("rushed", SINK_RATE_HZ))
    tell(underruns=underruns, gaps=silences(recording.samples, SINK_RATE_HZ, 20))
    assert (underruns, parts) == (1, 2)
    out = compare(listen_to(duplex, "steady"), reply_of("steady", SINK_RATE_HZ), SINK_RATE_HZ)
    assert (out[0] > 0.999, out[1]) == (True, 0)


def test_a_dead_loudspeaker_is_back_within_seconds_and_plays_what_still_comes(duplex):
    session, restarts = duplex.tree.pid("session"), duplex.row("speaker")["restarts"]
    with duplex.sound.listening(SINK_RATE_HZ) as recording:
        began_s = time.monotonic()
        duplex.say("steady")
        wait_until(lambda: recording.last_sound() > began_s, "nothing is heard")
        duplex.tree.kill("speaker")
        killed_s = time.monotonic()
        wait_until(lambda: recording.last_sound() > killed_s + 0.2, "the rest of the reply is heard")
        wait_played(recording, began_s)
    gaps = silences(recording.samples, SINK_RATE_HZ, 50)
    tell(speaker_healed_after_s=[round(length, 2) for _, length in gaps])
    assert 0 < max(length for _, length in gaps) < HEALED_WITHIN_S
    assert (duplex.tree.pid("session"), len(duplex.tree.events("setup"))) == (session, 1)
    assert duplex.row("speaker")["restarts"] == restarts + 1


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_a_reply_of_5_min_and_10_min_of_the_microphone_lose_nothing_beside_four_busy_processes(tmp_path):
    minutes = 10
    reply, voice = tiled(speech_like(60, REPLY_HZ), 5), tiled(speech_like(60, SINK_RATE_HZ), minutes)
    rules = [says_wav(tmp_path, "endless", reply, chunk_bytes=11_521, speed=4)]
    wav = write_wav(tmp_path / "spoken.wav", voice, SINK_RATE_HZ)
    with VirtualAudio() as sound, talking(sound.env, rules, config(is_deaf=True)) as talk, busy(4):
        with sound.listening(SINK_RATE_HZ) as recording, sound.speaking(wav, within_s=700):
            began_s = time.monotonic()
            talk.say("endless")
            wait_played(recording, began_s, within_s=330)
        there = talk.samples_at_model()
        wait_until(lambda: talk.samples_at_model() > there + MIC_HZ, "the microphone stopped")
        at_model, flow, latency = talk.at_model(), talk.flow(), talk.tree.status()["latency_ms"]
    tell(flow=flow, latency=latency, at_model_s=len(at_model) / MIC_HZ)
    out = compare(recording.samples, tiled(speech_like(60, SINK_RATE_HZ), 5), SINK_RATE_HZ, 30)
    heard = compare(at_model, tiled(speech_like(60, MIC_HZ), minutes), MIC_HZ, 50)
    tell(reply=out, voice=heard)
    assert (out[0] > 0.999, out[1]) == (True, 0)
    assert (heard[0] > 0.999, heard[1]) == (True, 0)


def tiled(samples, times):
    return np.tile(samples, times)


@contextlib.contextmanager
def busy(processes):
    """Keep the processor busy."""
    hogs = [multiprocessing.get_context("spawn").Process(target=burn, daemon=True) for _ in range(processes)]
    for hog in hogs:
        hog.start()
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.join()


def burn():
    while True:
        sum(range(10_000))
