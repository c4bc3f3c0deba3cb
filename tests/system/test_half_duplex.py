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


@pytest.fixture
def rules(tmp_path):
    return [says_wav(tmp_path, "go", speech_like(2, REPLY_HZ), speed=20)]


@pytest.fixture
def sound():
    with VirtualAudio() as virtual:
        yield virtual


@contextlib.contextmanager
def speaking_on(sound, path, seconds=60):
    """Speak into the microphone for as long as the block lasts."""
    wav = write_wav(path / "spoken.wav", speech_like(seconds, SINK_RATE_HZ), SINK_RATE_HZ)
    with contextlib.suppress(StopIteration), sound.speaking(wav):
        yield
        raise StopIteration  # nobody waits for the last word


def wait_open(talk, connection=1):
    before = len(talk.at_model(connection))
    wait_for(lambda: len(talk.at_model(connection)) > before + MIC_HZ // 10, "the microphone is heard")


def listeners(sound):
    """Which programs record from the sound server now."""
    lines = sound.pactl("list", "short", "source-outputs").splitlines()
    return [line for line in lines if "protocol-native" in line]


def grows(talk, for_s):
    """How many samples arrive at the model within this time, on any connection."""
    before = sum(len(talk.at_model(number)) for number in range(1, 6))
    time.sleep(for_s)
    return sum(len(talk.at_model(number)) for number in range(1, 6)) - before


def test_nothing_of_the_microphone_is_sent_while_a_reply_is_heard_and_half_a_second_after(
    sound, rules, tmp_path
):
    with (
        talking(sound.env, rules, config("half", is_deaf=True)) as talk,
        speaking_on(sound, tmp_path),
        sound.listening(SINK_RATE_HZ) as recording,
    ):
        wait_open(talk)
        arrivals, opened = Arrivals(talk.ear), []
        for _ in range(2):
            began_s = time.monotonic()
            talk.say("go")
            wait_played(recording, began_s, quiet_s=DELAY_S + 1.0)
            first_s = next(came for came, block in recording.blocks if came > began_s and any(block))
            last_s = recording.last_sound()
            there_s = first_s + ON_ITS_WAY_S
            within = [came for came, _ in arrivals.seen if there_s <= came < last_s + DELAY_S - EARLY_S]
            opened.append(min(came for came, _ in arrivals.seen if came > last_s) - last_s)
            assert within == []
        arrivals.stop()
        tell(opened_after_s=[round(each, 3) for each in opened], mic=talk.row("mic")["dropped"])
    assert all(DELAY_S - EARLY_S <= each < DELAY_S + LATE_S for each in opened)


def test_the_microphone_opens_again_when_the_session_dies_with_a_reply_in_the_loudspeaker(
    sound, rules, tmp_path
):
    with (
        talking(sound.env, rules, config("half", is_deaf=True)) as talk,
        speaking_on(sound, tmp_path),
        sound.listening(SINK_RATE_HZ) as recording,
    ):
        began_s = time.monotonic()
        talk.say("go")
        wait_until(lambda: recording.last_sound() > began_s, "nothing is heard")
        talk.tree.kill("session")
        wait_played(recording, began_s)
        wait_open(talk, connection=2)
        tell(open_after_s=round(time.monotonic() - recording.last_sound(), 2))
        wait_for(lambda: talk.state("is_streaming_output") is False, "the flag falls")


def test_the_microphone_opens_again_when_the_loudspeaker_dies_in_mid_reply(sound, rules, tmp_path):
    with (
        talking(sound.env, rules, config("half", is_deaf=True)) as talk,
        speaking_on(sound, tmp_path),
        sound.listening(SINK_RATE_HZ) as recording,
    ):
        wait_open(talk)
        talk.say("go")
        wait_until(recording.last_sound, "nothing is heard")
        talk.tree.kill("speaker")
        wait_open(talk)
        assert talk.row("session")["restarts"] == 0


def test_muted_means_that_nothing_is_captured_or_sent_whoever_dies(sound, rules, tmp_path):
    with (
        talking(sound.env, rules, config("headset", is_deaf=True)) as talk,
        speaking_on(sound, tmp_path),
    ):
        wait_open(talk)
        assert listeners(sound)
        talk.set("muted", value=True)
        wait_until(lambda: not listeners(sound), "the microphone is closed")
        time.sleep(0.2)
        for victim in ("mic", "coordinator", "session"):
            before, restarts = grows(talk, 0), talk.row(victim)["restarts"]
            talk.tree.kill(victim)
            grown, captured = 0, []
            while talk.row(victim)["restarts"] == restarts or not talk.row(victim)["ready"]:
                grown += grows(talk, 0.1)
                captured += listeners(sound)
            grown += grows(talk, 1.0)
            captured += listeners(sound)
            assert (victim, before, grown, captured) == (victim, 0, 0, [])
            assert talk.state("muted") is True
        talk.set("muted", value=False)
        wait_open(talk, connection=2)
        assert listeners(sound)


def test_a_microphone_that_is_muted_in_mid_word_ends_the_word_for_the_model(sound, tmp_path):
    with talking(sound.env, [], config("headset")) as talk, speaking_on(sound, tmp_path):
        wait_for(lambda: talk.tree.events("speech_started"), "the model hears the voice")
        talk.set("muted", value=True)
        wait_for(lambda: talk.tree.events("speech_ended"), "the model is told of the pause", within_s=5)


def test_a_microphone_that_hangs_in_mid_word_ends_the_word_for_the_model(sound, tmp_path):
    with talking(sound.env, [], config("headset")) as talk, speaking_on(sound, tmp_path):
        wait_for(lambda: talk.tree.events("speech_started"), "the model hears the voice")
        began_s = time.monotonic()
        with hanging(talk.tree.pid("mic")):
            wait_for(lambda: talk.tree.events("speech_ended"), "the model is told of the pause", within_s=10)
        tell(told_after_s=round(time.monotonic() - began_s, 2))


def test_a_dead_microphone_is_back_within_seconds_and_nobody_else_notices(sound, tmp_path):
    with (
        talking(sound.env, [], config("headset", is_deaf=True)) as talk,
        speaking_on(sound, tmp_path),
    ):
        wait_open(talk)
        session = talk.tree.pid("session")
        arrivals = Arrivals(talk.ear)
        time.sleep(0.5)
        talk.tree.kill("mic", signal.SIGKILL)
        killed_s = time.monotonic()
        wait_open(talk)
        wait_until(lambda: arrivals.seen[-1][0] > killed_s + 0.2, "the microphone is heard")
        arrivals.stop()
        times = [came for came, _ in arrivals.seen]
        gap_s = max(after - before for before, after in itertools.pairwise(times))
        tell(mic_healed_after_s=round(gap_s, 2))
        assert gap_s < 1.5 + LATE_S
        assert (talk.tree.pid("session"), talk.state("connected")) == (session, True)
