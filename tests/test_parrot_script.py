import json
import wave

import pytest

from actors.model.parrot.recording import RecordingError, read_recording
from actors.model.parrot.script import (
    Close,
    Do,
    Moment,
    Now,
    Refuse,
    Reply,
    Rule,
    Script,
    ScriptError,
    When,
    load_script,
)

CUT = Do(close=Close())


def at_turn(text="hi", *, turn=1, connection=1):
    return Now(moment=Moment.TURN, connection=connection, turn=turn, text=text)


@pytest.mark.parametrize(
    ("when", "met", "missed"),
    [
        (When(text="hi"), at_turn("hi"), at_turn("hi there")),
        (When(contains="bye"), at_turn("goodbye"), at_turn("hello")),
        (When(turn=2), at_turn(turn=2), at_turn(turn=1)),
        (When(turn=1, connection=2), at_turn(connection=2), at_turn(connection=1)),
        (When(turn=1, chunks=3), Now(moment=Moment.CHUNK, connection=1, turn=1, chunks=3), at_turn()),
        (When(), Now(moment=Moment.READY, connection=7), at_turn()),
    ],
)
def test_a_rule_applies_when_all_its_conditions_hold(when, met, missed):
    assert Script([Rule(when=when, do=CUT)]).ask(met) == [CUT]
    assert Script([Rule(when=when, do=CUT)]).ask(missed) == []


def test_a_rule_applies_only_as_often_as_it_may():
    script = Script([Rule(when=When(text="hi"), do=CUT, times=2)])
    assert [script.ask(at_turn()) for _ in range(3)] == [[CUT], [CUT], []]


def test_rules_apply_in_the_order_in_which_they_were_written():
    first, second = Do(reply=Reply(text="1")), Do(reply=Reply(text="2"))
    script = Script([Rule(when=When(text="hi"), do=first)])
    script.add(Rule(when=When(contains="h"), do=second))
    assert script.ask(at_turn()) == [first, second]


def test_timers_are_known_with_their_delay():
    script = Script([Rule(when=When(after_s=5, connection=2), do=CUT)])
    assert script.timers(1) == []
    assert script.timers(2) == [(5, CUT)]


def test_a_refusal_with_a_status_is_made_at_the_handshake_and_one_without_at_setup():
    assert Rule(do=Do(refuse=Refuse(status=503))).moment is Moment.HANDSHAKE
    assert Rule(do=Do(refuse=Refuse())).moment is Moment.SETUP


def test_a_file_of_rules_is_read(tmp_path):
    path = tmp_path / "script.json"
    path.write_text(json.dumps([{"when": {"text": "hi"}, "do": {"raw": {"base64": "AQI="}}, "times": 1}]))
    (rule,) = load_script(path)
    assert (rule.when.text, rule.do.raw.base64, rule.times) == ("hi", b"\1\2", 1)


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ({"do": {"explode": True}}, "unknown field `explode`"),
        ({"whne": {}, "do": {"reset": True}}, "unknown field `whne`"),
        ({"when": {"txt": "hi"}, "do": {"reset": True}}, "unknown field `txt`"),
        ({"when": {}}, "missing required field `do`"),
        ({"do": {}}, "do is empty"),
        ({"when": {"turn": 0}, "do": {"reset": True}}, "Expected `int` >= 1"),
        ({"when": {"after_s": 1, "text": "hi"}, "do": {"reset": True}}, "after_s cannot be combined"),
        ({"when": {"text": "hi"}, "do": {"refuse": {}}}, "refuse can only depend on connection"),
        ({"do": {"reply": {"text": "hi"}}}, "reply and tool_call need"),
        ({"when": {"turn": 1}, "do": {"reply": {"wav": "/nonexistent.wav"}}}, "cannot be read: No such file"),
        ({"when": {"turn": 1}, "do": {"reply": {"wav": __file__}}}, "is no WAV file"),
        ({"when": {"turn": 1}, "do": {"reply": {"wav": "a.wav", "seconds": 1}}}, "cannot both be the reply"),
        (5, "Expected `object`, got `int`"),
    ],
)
def test_a_bad_rule_is_named_by_its_number(tmp_path, bad, complaint):
    path = tmp_path / "script.json"
    path.write_text(json.dumps([{"do": {"reset": True}}, bad]))
    with pytest.raises(ScriptError, match="rule 2: ") as error:
        load_script(path)
    assert complaint in str(error.value)


def test_a_recording_of_another_shape_is_refused_with_the_numbers(tmp_path):
    path = tmp_path / "stereo.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 44_100, 0, "NONE", ""))
        file.writeframes(bytes(400))
    with pytest.raises(RecordingError) as error:
        read_recording(str(path))
    assert str(error.value) == (
        f"{path} has 2 channel(s) of 16 bits at 44100 Hz; a reply is 1 of 16 bits at 24000 Hz"
    )


@pytest.mark.parametrize("content", ["", "{}", "nonsense"])
def test_what_is_no_list_is_no_script(tmp_path, content):
    path = tmp_path / "script.json"
    path.write_text(content)
    with pytest.raises(ScriptError, match="not a JSON list of rules"):
        load_script(path)
