"""Who may be heard when: the microphone is shut while a reply is heard, and as long as it is muted."""

import contextlib
import itertools
import signal
import time

import pytest
import virtual_audio
from trees import hanging, wait_for
from virtual_audio import SINK_RATE_HZ, VirtualAudio, speech_like, wait_until, write_wav
from voices import MIC_HZ, REPLY_HZ, Arrivals, config, says_wav, talking, tell, wait_played

pytestmark = pytest.mark.skipif(bool(virtual_audio.why_not()), reason=virtual_audio.why_not() or "it can run")

DELAY_S = 0.5
ON_ITS_WAY_S = 0.05
"""What was captured before the first sound, 5 ms after the session shut the microphone, may arrive a little after it."""
EARLY_S = 0.03
"""A sink block, and what the reported latency of the device may be wrong by."""
LATE_S = 0.5
"""What a loaded machine may add."""


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    return [says_wav(tmp_path_factory.mktemp("replies"), "go", speech_like(2, REPLY_HZ), speed=20)]


@contextlib.contextmanager
def conversation(path, rules, toml):
    """A tree on devices of its own, into whose microphone somebody speaks all the time."""
    wav = write_wav(path / "spoken.wav", speech_like(60, SINK_RATE_HZ), SINK_RATE_HZ)
    with VirtualAudio() as sound, talking(sound.env, rules, toml) as talk:
        talk.sound = sound
        with contextlib.suppress(StopIteration), sound.speaking(wav):
            yield talk
            raise StopIteration  # nobody waits for the last word


@pytest.fixture(scope="module")
def half(tmp_path_factory, rules):
    """The microphone is shut while a reply is heard; the model takes no turns from it."""
    with conversation(tmp_path_factory.mktemp("half"), rules, config("half", is_deaf=True)) as talk:
        yield talk


@pytest.fixture(scope="module")
def headset(tmp_path_factory):
    """The microphone is always open; the model takes no turns from it."""
    with conversation(tmp_path_factory.mktemp("headset"), [], config("headset", is_deaf=True)) as talk:
        yield talk


def samples_at_model(talk):
    """How much of the voice is at the model, on any connection."""
    return sum(len(talk.at_model(number)) for number in range(1, 8))


def wait_open(talk):
    before = samples_at_model(talk)
    wait_for(lambda: samples_at_model(talk) > before + MIC_HZ // 10, "the microphone is heard")


def listeners(sound):
    """Which programs record from the sound server now."""
    lines = sound.pactl("list", "short", "source-outputs").splitlines()
    return [line for line in lines if "protocol-native" in line]


def grows(talk, for_s):
    """How many samples arrive at the model within this time, on any connection."""
    before = samples_at_model(talk)
    time.sleep(for_s)
    return samples_at_model(talk) - before


def test_nothing_of_the_microphone_is_sent_while_a_reply_is_heard_and_half_a_second_after(half):
    with half.sound.listening(SINK_RATE_HZ) as recording:
        wait_open(half)
        arrivals, opened = Arrivals(half.ear), []
        for _ in range(2):
            began_s = time.monotonic()
            half.say("go")
            wait_played(recording, began_s, quiet_s=DELAY_S + 1.0)
            first_s = next(came for came, block in recording.blocks if came > began_s and any(block))
            last_s = recording.last_sound()
            there_s = first_s + ON_ITS_WAY_S
            within = [came for came, _ in arrivals.seen if there_s <= came < last_s + DELAY_S - EARLY_S]
            opened.append(min(came for came, _ in arrivals.seen if came > last_s) - last_s)
            assert within == []
        arrivals.stop()
        tell(opened_after_s=[round(each, 3) for each in opened], mic=half.row("mic")["dropped"])
    assert all(DELAY_S - EARLY_S <= each < DELAY_S + LATE_S for each in opened)


def test_the_microphone_opens_again_when_the_loudspeaker_dies_in_mid_reply(half):
    restarts = half.row("session")["restarts"]
    with half.sound.listening(SINK_RATE_HZ) as recording:
        wait_open(half)
        half.say("go")
        wait_until(recording.last_sound, "nothing is heard")
        half.tree.kill("speaker")
        wait_open(half)
        assert half.row("session")["restarts"] == restarts


def test_the_microphone_opens_again_when_the_session_dies_with_a_reply_in_the_loudspeaker(half):
    with half.sound.listening(SINK_RATE_HZ) as recording:
        wait_for(lambda: half.row("speaker")["ready"], "the loudspeaker is there")
        began_s = time.monotonic()
        half.say("go")
        wait_until(lambda: recording.last_sound() > began_s, "nothing is heard")
        half.tree.kill("session")
        wait_played(recording, began_s)
        wait_open(half)
        tell(open_after_s=round(time.monotonic() - recording.last_sound(), 2))
        wait_for(lambda: half.state("is_streaming_output") is False, "the flag falls")


def test_a_dead_microphone_is_back_within_seconds_and_nobody_else_notices(headset):
    wait_open(headset)
    session = headset.tree.pid("session")
    arrivals = Arrivals(headset.ear)
    time.sleep(0.5)
    headset.tree.kill("mic", signal.SIGKILL)
    killed_s = time.monotonic()
    wait_open(headset)
    wait_until(lambda: arrivals.seen[-1][0] > killed_s + 0.2, "the microphone is heard")
    arrivals.stop()
    times = [came for came, _ in arrivals.seen]
    gap_s = max(after - before for before, after in itertools.pairwise(times))
    tell(mic_healed_after_s=round(gap_s, 2))
    assert gap_s < 1.5 + LATE_S
    assert (headset.tree.pid("session"), headset.state("connected")) == (session, True)


def test_muted_means_that_nothing_is_captured_or_sent_whoever_dies(headset):
    wait_open(headset)
    assert listeners(headset.sound)
    headset.set("muted", value=True)
    wait_until(lambda: not listeners(headset.sound), "the microphone is closed")
    time.sleep(0.2)
    for victim in ("mic", "coordinator", "session"):
        before, restarts = grows(headset, 0), headset.row(victim)["restarts"]
        headset.tree.kill(victim)
        grown, captured = 0, []
        while headset.row(victim)["restarts"] == restarts or not headset.row(victim)["ready"]:
            grown += grows(headset, 0.1)
            captured += listeners(headset.sound)
        grown += grows(headset, 1.0)
        captured += listeners(headset.sound)
        assert (victim, before, grown, captured) == (victim, 0, 0, [])
        assert headset.state("muted") is True
    headset.set("muted", value=False)
    wait_open(headset)
    assert listeners(headset.sound)


def test_a_microphone_that_hangs_or_is_muted_in_mid_word_ends_the_word_for_the_model(tmp_path):
    with conversation(tmp_path, [], config("headset")) as talk:
        for way in ("hangs", "is muted"):
            wait_for(lambda: words(talk, "started") > words(talk, "ended"), "the model hears the voice")
            ended, began_s = words(talk, "ended"), time.monotonic()
            with hanging(talk.tree.pid("mic")) if way == "hangs" else muted(talk):
                wait_for(
                    lambda ended=ended: words(talk, "ended") > ended,
                    f"the model is told of the pause when the microphone {way}",
                    within_s=10,
                )
            tell(way=way, told_after_s=round(time.monotonic() - began_s, 2))


def words(talk, event):
    """How often the model heard a word begin or end."""
    return len(talk.tree.events(f"speech_{event}"))


@contextlib.contextmanager
def muted(talk):
    talk.set("muted", value=True)
    yield
    talk.set("muted", value=False)
