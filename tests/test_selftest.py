"""What the selftest says of a check that holds, one that does not, and one that could not be tried; and of its scenery."""

import wave

from actors.model.parrot.script import load_script
from actors.model.parrot.vad import EnergyVad, SpeechEnded
from supervisor.config import load
from supervisor.selftest import scenery
from supervisor.selftest.checks import Check
from supervisor.selftest.run import _holds
from supervisor.selftest.trial import CheckFailedError


class Conversation:
    def __init__(self, *, is_alive=True):
        self.is_alive = is_alive


def fails(_):
    raise CheckFailedError("not within 15 s: another mic (degraded mic backoff)")


def test_a_promise_that_holds_is_shown_with_its_measure(capsys):
    assert _holds(Check("it works", lambda _: "3 ms"), Conversation())
    assert capsys.readouterr().out.split() == ["ok", "it", "works", "3", "ms"]


def test_a_promise_that_does_not_hold_is_shown_with_what_was_seen_instead(capsys):
    assert not _holds(Check("it works", fails), Conversation())
    said = capsys.readouterr().out
    assert said.startswith("FAILED  it works")
    assert said.endswith("not within 15 s: another mic (degraded mic backoff)\n")


def test_what_could_not_be_tried_is_a_failure(capsys):
    assert not _holds(Check("it works", lambda _: "3 ms"), Conversation(is_alive=False))
    assert "not tried" in capsys.readouterr().out


def test_the_scenery_is_a_right_configuration_with_a_script_and_a_voice_the_parrot_understands(tmp_path):
    settings = load(scenery.build(tmp_path))
    assert settings.model.provider == "parrot"
    assert len(load_script(tmp_path / "script.json")) == len(scenery.RULES)
    with wave.open(str(tmp_path / "voice.wav")) as file:
        voice = file.readframes(file.getnframes())
    ear = EnergyVad(scenery.VOICE_RATE_HZ)
    heard = [event for event in ear.feed(voice + bytes(32_000)) if isinstance(event, SpeechEnded)]
    assert [round(event.voiced_s, 1) for event in heard] == [scenery.VOICE_S]


def test_a_recording_is_loud_only_where_it_is(tmp_path):
    scenery.build(tmp_path)
    voice = tmp_path / "voice.wav"
    assert scenery.is_loud(voice)
    with voice.open("ab") as file:
        end = file.tell()
        file.write(bytes(1000))
    assert not scenery.is_loud(voice, end)
