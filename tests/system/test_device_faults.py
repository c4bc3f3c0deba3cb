"""Devices that go away and come back: that direction heals by itself, and the other one and the session notice nothing."""

import itertools
import time

import pytest
import virtual_audio
from virtual_audio import FEED, MIC, SINK_RATE_HZ, SPEAKER, VirtualAudio, speech_like, wait_until, write_wav
from voices import (
    MIC_HZ,
    REPLY_HZ,
    compare,
    config,
    percentile,
    says_wav,
    talking,
    tell,
    two_servers,
    wait_played,
)

pytestmark = pytest.mark.skipif(bool(virtual_audio.why_not()), reason=virtual_audio.why_not() or "it can run")

BACK_WITHIN_S = 3.0
GONE_S = 1.5
"""Longer than the watchdog of a device takes."""
CYCLE_S = 4
"""Gone, back, and a little longer."""
KINDS = ("server killed", "device pulled out", "device suspended")


class Mouth:
    """The loudspeaker's server, and how to take its device away."""

    def __init__(self, server):
        self.server = server

    def go(self, kind):
        if kind == "server killed":
            self.server.kill()
        elif kind == "device pulled out":
            self.server.pactl("unload-module", "module-null-sink")
        else:
            self.server.pactl("suspend-sink", "speaker", "1")

    def come(self, kind):
        if kind == "server killed":
            self.server.start()
        elif kind == "device pulled out":
            self.server.pactl("load-module", *SPEAKER.split())
        else:
            self.server.pactl("suspend-sink", "speaker", "0")

    def is_served(self):
        """A stream of ours plays: it is there, and its device is not suspended."""
        return "protocol-native" in self.server.pactl("list", "short", "sink-inputs")


class Ear(Mouth):
    """The microphone's server, and how to take its device away."""

    def go(self, kind):
        if kind == "device suspended":
            self.server.pactl("suspend-source", "mic", "1")
        else:
            super().go(kind)

    def come(self, kind):
        if kind == "device pulled out":
            self.server.pactl("load-module", *FEED.split())
            self.server.pactl("load-module", *MIC.split())
        elif kind == "device suspended":
            self.server.pactl("suspend-source", "mic", "0")
        else:
            super().come(kind)


def cycle(device, kind, is_back):
    """Take the device away and give it back; gives how long it then took until it was used again, in seconds."""
    device.go(kind)
    time.sleep(GONE_S)
    device.come(kind)
    there_s = time.monotonic()
    is_it = is_back()
    wait_until(is_it, f"{kind}: it does not come back", within_s=20)
    return time.monotonic() - there_s


def take_away(talk, device, cycles, is_back):
    took = []
    for kind in itertools.islice(itertools.cycle(KINDS), cycles):
        took.append((kind, cycle(device, kind, is_back)))
        if took[-1][1] >= BACK_WITHIN_S:
            print(kind, "took", took[-1][1], talk.tree.logs())
        time.sleep(0.5)
    each = {kind: [round(s, 2) for k, s in took if k == kind] for kind in KINDS}
    tell(
        device=type(device).__name__,
        cycles=cycles,
        back_after_s={k: [max(v), percentile(v, 0.5)] for k, v in each.items() if v},
    )
    return [s for _, s in took]


def speaker_faults(tmp_path, cycles):
    """Take the loudspeaker away again and again while somebody speaks."""
    seconds = CYCLE_S * cycles
    wav = write_wav(tmp_path / "spoken.wav", speech_like(seconds, SINK_RATE_HZ), SINK_RATE_HZ)
    reply = speech_like(2, SINK_RATE_HZ)
    rules = [says_wav(tmp_path, "go", speech_like(2, REPLY_HZ))]
    with (
        two_servers() as (mouth, ear, env),
        talking(env, rules, config(is_deaf=True, mic="ear", speaker="mouth")) as talk,
    ):
        session = talk.tree.pid("session")

        def is_back():
            def plays():
                row = talk.row("speaker")
                return row["ready"] and row["heartbeat_age_s"] < 0.5 and Mouth(mouth).is_served()

            return plays

        with ear.speaking(wav, within_s=seconds + 60):
            took = take_away(talk, Mouth(mouth), cycles, is_back)
            with mouth.listening(SINK_RATE_HZ) as recording:
                began_s = time.monotonic()
                talk.say("go")
                wait_played(recording, began_s)
        there = talk.samples_at_model()
        wait_until(lambda: talk.samples_at_model() > there + MIC_HZ, "the microphone stopped")
        voice = compare(talk.at_model(), speech_like(seconds, MIC_HZ), MIC_HZ)
        out = compare(recording.samples, reply, SINK_RATE_HZ)
        tell(
            voice=voice,
            reply_afterwards=out,
            flow=talk.flow(),
        )
        assert max(took) < BACK_WITHIN_S
        assert (voice[0] > 0.999, voice[1]) == (True, 0)
        assert out[1] == 0
        assert (talk.tree.pid("session"), len(talk.tree.events("setup"))) == (session, 1)
        assert talk.row("mic")["restarts"] == 0


def mic_faults(tmp_path, cycles):
    """Take the microphone away again and again while a reply is heard."""
    seconds = CYCLE_S * cycles
    rules = [says_wav(tmp_path, "go", speech_like(seconds, REPLY_HZ), speed=8)]
    with (
        two_servers() as (mouth, ear, env),
        talking(env, rules, config(is_deaf=True, mic="ear", speaker="mouth")) as talk,
        mouth.listening(SINK_RATE_HZ) as recording,
    ):
        session = talk.tree.pid("session")
        wait_until(talk.samples_at_model, "the microphone is heard")

        def is_back():
            before = talk.samples_at_model()
            return lambda: talk.samples_at_model() > before

        began_s = time.monotonic()
        talk.say("go")
        took = take_away(talk, Ear(ear), cycles, is_back)
        wait_played(recording, began_s, within_s=seconds + 30)
        out = compare(recording.samples, speech_like(seconds, SINK_RATE_HZ), SINK_RATE_HZ)
        tell(reply=out, mic=talk.row("mic")["restarts"], speaker=talk.row("speaker")["restarts"])
        assert max(took) < BACK_WITHIN_S
        assert (out[0] > 0.999, out[1]) == (True, 0)
        assert (talk.tree.pid("session"), len(talk.tree.events("setup"))) == (session, 1)
        assert talk.row("speaker")["restarts"] == 0


def test_a_loudspeaker_that_goes_away_comes_back_and_the_voice_of_the_user_loses_nothing(tmp_path):
    speaker_faults(tmp_path, cycles=3)


def test_a_microphone_that_goes_away_comes_back_and_the_reply_has_no_gap(tmp_path):
    mic_faults(tmp_path, cycles=3)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("faults", [speaker_faults, mic_faults])
def test_a_device_may_go_away_50_times(tmp_path, faults):
    faults(tmp_path, cycles=50)


def test_a_restarted_sound_server_gets_both_directions_back_and_the_session_stays(tmp_path):
    rules = [says_wav(tmp_path, "go", speech_like(2, REPLY_HZ))]
    with VirtualAudio() as sound, talking(sound.env, rules, config(is_deaf=True)) as talk:
        session = talk.tree.pid("session")
        sound.kill()
        time.sleep(GONE_S)
        sound.start()
        there_s = time.monotonic()
        before = talk.samples_at_model()
        wait_until(lambda: talk.samples_at_model() > before, "the microphone is back", within_s=20)
        wait_until(Mouth(sound).is_served, "the loudspeaker is back", within_s=20)
        back_s = time.monotonic() - there_s
        with sound.listening(SINK_RATE_HZ) as recording:
            began_s = time.monotonic()
            talk.say("go")
            wait_played(recording, began_s)
        tell(both_back_after_s=round(back_s, 2))
        assert back_s < BACK_WITHIN_S
        assert compare(recording.samples, speech_like(2, SINK_RATE_HZ), SINK_RATE_HZ)[1] == 0
        assert (talk.tree.pid("session"), len(talk.tree.events("setup"))) == (session, 1)


def test_a_conversation_that_began_without_devices_gets_them_when_they_appear():
    with VirtualAudio() as sound:
        sound.kill()
        with talking(sound.env, [], config(is_deaf=True, enabled='"auto"')) as talk:
            states = {name: talk.row(name)["state"] for name in ("mic", "speaker")}
            sound.start()
            there_s = time.monotonic()
            wait_until(talk.samples_at_model, "the microphone is heard", within_s=30)
            wait_until(Mouth(sound).is_served, "the loudspeaker plays", within_s=30)
            tell(before=states, there_after_s=round(time.monotonic() - there_s, 2))
            assert states == {"mic": "absent", "speaker": "absent"}
            assert talk.tree.wait_ready()["why"] == ""
