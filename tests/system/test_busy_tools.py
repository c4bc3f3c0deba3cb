"""The user's functions cannot touch the audio, whatever they do."""

import time
from pathlib import Path

import pytest
import virtual_audio
from trees import wait_for
from virtual_audio import SINK_RATE_HZ, VirtualAudio, speech_like, wait_until, write_wav
from voices import MIC_HZ, REPLY_HZ, compare, config, says_wav, talking, tell, wait_played

pytestmark = pytest.mark.skipif(bool(virtual_audio.why_not()), reason=virtual_audio.why_not() or "it can run")

TOOLS = 'provider = "parrot"\ntools = ["busy_tools"]'
REPLY_S = 5


def test_two_busy_threads_inside_a_tool_cost_no_sample_in_either_direction(tmp_path):
    grind = {"when": {"text": "grind"}, "do": {"tool_call": {"name": "grind", "args": {"seconds": 20.0}}}}
    reply = speech_like(REPLY_S, REPLY_HZ)
    rules = [grind, says_wav(tmp_path, "speak", reply, chunk_bytes=11_521, speed=4)]
    toml = config(is_deaf=True).replace('provider = "parrot"', TOOLS)
    with VirtualAudio() as sound:
        environment = sound.env | {"PYTHONPATH": str(Path(__file__).parent.parent)}
        with talking(environment, rules, toml) as talk:
            idle = wait_for(
                lambda: talk.tree.status()["latency_ms"].get("mic_to_send"), "the microphone is heard"
            )
            talk.say("grind")
            wait_for(lambda: talk.tree.events("tool_call"), "the tool runs")
            with sound.listening(SINK_RATE_HZ) as recording:
                began_s = time.monotonic()
                talk.say("speak")
                wav = write_wav(tmp_path / "spoken.wav", speech_like(REPLY_S, SINK_RATE_HZ), SINK_RATE_HZ)
                there = talk.samples_at_model()
                with sound.speaking(wav):
                    pass
                wait_until(
                    lambda: talk.samples_at_model() > there + MIC_HZ * REPLY_S, "the microphone stopped", 20
                )
                wait_played(recording, began_s)
            busy = talk.tree.status()["latency_ms"]["mic_to_send"]
            out = compare(recording.samples, speech_like(REPLY_S, SINK_RATE_HZ), SINK_RATE_HZ)
            voice = compare(talk.at_model(), speech_like(REPLY_S, MIC_HZ), MIC_HZ)
            tell(reply=out, voice=voice, idle=idle, busy=busy)

    assert (out[0] > 0.999, out[1]) == (True, 0)
    assert (voice[0] > 0.999, voice[1]) == (True, 0)
