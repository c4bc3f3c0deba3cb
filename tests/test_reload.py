"""Whom a changed configuration concerns; and that the table of who reads what tells the truth about the actors' source."""

import re
from pathlib import Path

import msgspec
import pytest

from actors.settings import ModelTable, SessionTable, Settings, SupervisionTable
from supervisor.reload import compare
from supervisor.spec import KINDS, Stdio, children

ROOT = Path(__file__).parents[1]
OLD = Settings(
    model=ModelTable(provider="parrot"),
    actors={"mic": {}, "speaker": {}, "keyboard": {}, "console": {}, "parrot": {}},
)
EVERYBODY = {"session", "coordinator", "parrot", "mic", "speaker", "keyboard", "console"}


def specs(settings):
    return children(settings, Stdio(has_input=True, is_input_terminal=False))[0]


def changes(**tables):
    new = msgspec.structs.replace(OLD, **tables)
    answer = compare(OLD, new, specs(OLD), specs(new))
    whole = answer.restarted + answer.started + answer.unchanged
    assert set(whole) == {spec.name for spec in specs(new)}
    return set(answer.restarted), set(answer.started), set(answer.stopped)


def with_actors(**actors):
    return {"actors": {**OLD.actors, **actors}}


@pytest.mark.parametrize(
    ("tables", "restarted"),
    [
        ({}, set()),
        (with_actors(mic={"frame_ms": 40}), {"mic"}),
        (with_actors(mic={"frame_ms": 20}), set()),  # written out, and still the default
        (with_actors(speaker={"device": "USB"}), {"speaker"}),
        (with_actors(parrot={"voice": "tones"}), {"parrot"}),
        ({"session": SessionTable(duplex="headset")}, {"session", "mic", "speaker"}),
        ({"session": SessionTable(post_output_audio_delay=1.0)}, {"session"}),
        ({"model": ModelTable(provider="parrot", voice="Kore")}, {"session"}),
        ({"supervision": SupervisionTable(max_restarts=9)}, set()),
    ],
)
def test_only_those_are_restarted_whose_settings_changed(tables, restarted):
    assert changes(**tables) == (restarted, set(), set())


def test_what_is_new_is_started_and_what_is_gone_is_stopped():
    actors = {name: table for name, table in OLD.actors.items() if name != "mic"}
    assert changes(actors=actors | {"kitchen": {"kind": "speaker"}}) == (set(), {"kitchen"}, {"mic"})


def test_an_actor_that_is_switched_off_is_stopped():
    assert changes(**with_actors(speaker={"enabled": False})) == (set(), set(), {"speaker"})


def test_another_model_stops_the_parrot_and_spares_the_devices():
    restarted, started, stopped = changes(model=ModelTable(provider="gemini"))
    assert (restarted, started, stopped) == ({"session", "console"}, set(), {"parrot"})


def test_the_gate_minds_only_the_actors_on_other_machines():
    kitchen = {"kitchen": {"kind": "speaker", "on": "pi"}}
    before = msgspec.structs.replace(OLD, actors=OLD.actors | kitchen)
    local = msgspec.structs.replace(before, actors=before.actors | {"mic": {"frame_ms": 40}})
    remote = msgspec.structs.replace(before, actors=before.actors | {"bath": {"kind": "speaker", "on": "pi"}})
    assert compare(before, local, specs(before), specs(local)).restarted == ["mic"]
    assert compare(before, remote, specs(before), specs(remote)).restarted == ["gate"]


def test_a_recording_is_begun_and_ended_by_its_setting():
    assert changes(session=SessionTable(record="/tmp/x"))[1] == {"recorder"}


def test_a_running_conversation_keeps_its_name():
    new = msgspec.structs.replace(OLD, session=SessionTable(name="other"))
    answer = compare(OLD, new, specs(OLD), specs(new))
    assert answer.problems == ["session.name: a running conversation keeps its name (default)"]
    assert answer.restarted == answer.started == answer.stopped == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_that_an_actor_reads_stands_in_the_table(kind):
    source = ROOT / (KINDS[kind].target.partition(":")[0].replace(".", "/") + ".py")
    read = re.findall(r"settings\.(session|model|gate|host)\b(?:\.(\w+))?", source.read_text())
    reads = KINDS[kind].reads
    assert [found for found in read if found[0] not in reads and ".".join(found) not in reads] == []
