"""`supervisor doctor` as a user runs it: with devices that are there, and with everything wrong at once."""

import json
import secrets

import pytest
import virtual_audio
from trees import CONFIG, tree

SOUND = CONFIG + "[actors.mic]\nenabled = true\n[actors.speaker]\nenabled = true\n"


@pytest.mark.skipif(bool(virtual_audio.why_not()), reason=virtual_audio.why_not() or "never")
def test_a_machine_with_sound_is_well_and_its_devices_have_really_worked():
    with virtual_audio.VirtualAudio() as audio, tree(SOUND, audio.env) as conversation:
        answer = conversation.command("doctor", str(conversation.config), "--json")
        report = json.loads(answer.stdout)
        found = {finding["topic"]: finding for finding in report["findings"]}
        assert (answer.returncode, report["schema"], report["ok"]) == (0, 1, True), answer.stdout
        assert found["speaker"]["said"].endswith("takes sound")
        assert found["mic"]["verdict"] == "note", "nobody speaks into it"
        assert found["sound server"]["verdict"] == "ok"
        assert conversation.leftovers() == []


def test_a_bad_configuration_missing_devices_and_a_dead_endpoint_are_all_named_with_code_1():
    canary = f"AIza{secrets.token_hex(20)}"[:39]
    with tree(SOUND, {"MY_KEY": canary}) as conversation:
        words = ("--set", "model.provider=gemini", "--set", "model.api_key_env=MY_KEY")
        words += (
            "--set",
            "model.base_url=https://127.0.0.1:1",
            "--set",
            "actors.mic.device=file:/nowhere.wav",
        )
        answer = conversation.command("doctor", str(conversation.config), *words)
        assert answer.returncode == 1
        assert "wrong  mic          /nowhere.wav cannot be read; correct actors.mic.device" in answer.stdout
        assert "no connection to 127.0.0.1:1" in answer.stdout
        assert answer.stdout.endswith("things to mend before a conversation works\n")
        assert canary not in answer.stdout + answer.stderr
        worse = conversation.command("doctor", str(conversation.config), "--set", "session.nmae=x")
        assert "session.nmae: unknown, did you mean name?" in worse.stdout
