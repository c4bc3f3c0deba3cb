"""The list of processes a configuration asks for."""

import importlib

import pytest

from actors.runtime.actor import Actor
from actors.settings import GateTable, ModelTable, SessionTable, Settings
from supervisor.spec import KINDS, Stdio, children

AT_TERMINAL = Stdio(has_input=True, is_input_terminal=True)
DETACHED = Stdio(has_input=False, is_input_terminal=False)
PARROT = ModelTable(provider="parrot")
GEMINI = ModelTable(provider="gemini")


def names(settings, stdio=AT_TERMINAL):
    return [child.name for child in children(settings, stdio)[0]]


def test_a_conversation_has_a_session_and_a_coordinator_and_what_is_configured():
    assert names(Settings(model=GEMINI)) == ["session", "coordinator"]
    assert names(Settings(model=PARROT)) == ["session", "coordinator", "parrot"]
    settings = Settings(model=GEMINI, actors={"keyboard": {}, "console": {}, "mic": {}, "speaker": {}})
    assert names(settings) == ["session", "coordinator", "speaker", "mic", "console", "keyboard"]


def test_a_host_is_announced_only_where_devices_come_in_and_when_that_is_asked_for():
    kitchen = {"kitchen": {"kind": "mic", "on": "pi"}}
    loud = GateTable(announce=True)
    assert names(Settings(model=GEMINI, actors=kitchen)) == ["session", "coordinator", "gate"]
    assert names(Settings(model=GEMINI, gate=loud)) == ["session", "coordinator"]
    assert names(Settings(model=GEMINI, gate=loud, actors=kitchen)) == [
        "session",
        "coordinator",
        "gate",
        "beacon",
    ]


def test_tools_and_recorder_run_only_where_there_is_work_for_them():
    assert names(Settings(model=ModelTable(provider="gemini", tools=["a:b"]))) == [
        "session",
        "coordinator",
        "tools",
    ]
    assert names(Settings(model=GEMINI, session=SessionTable(record="r"))) == [
        "session",
        "coordinator",
        "recorder",
    ]


def test_an_actor_of_another_name_is_of_the_kind_it_says():
    chosen, _ = children(Settings(model=GEMINI, actors={"kitchen": {"kind": "speaker"}}), AT_TERMINAL)
    assert (chosen[-1].name, chosen[-1].kind, chosen[-1].how) == ("kitchen", "speaker", KINDS["speaker"])


def test_an_actor_that_is_not_enabled_does_not_run():
    assert names(Settings(model=GEMINI, actors={"mic": {"enabled": False}})) == ["session", "coordinator"]


@pytest.mark.parametrize(
    ("table", "is_optional"), [({}, True), ({"enabled": "auto"}, True), ({"enabled": True}, False)]
)
def test_a_device_may_be_missing_unless_it_was_asked_for(table, is_optional):
    chosen, _ = children(Settings(model=GEMINI, actors={"mic": table}), AT_TERMINAL)
    assert chosen[-1].is_optional is is_optional


def test_the_parrots_table_alone_does_not_run_a_parrot():
    assert names(Settings(model=GEMINI, actors={"parrot": {"voice": "tones"}})) == ["session", "coordinator"]


def test_nobody_types_into_a_detached_conversation_and_the_user_is_told():
    chosen, said = children(Settings(model=GEMINI, actors={"keyboard": {}, "console": {}}), DETACHED)
    assert [child.name for child in chosen] == ["session", "coordinator", "console"]
    assert said == ["keyboard: off, as nobody can type into a detached conversation; use `supervisor say`"]


def test_whoever_is_waited_for_is_started_before():
    order = list(KINDS)
    for kind, how in KINDS.items():
        assert all(order.index(other) < order.index(kind) for other in how.after), kind


def test_inputs_stop_before_the_session_and_the_coordinator_stops_last():
    last = max(how.stop_order for how in KINDS.values())
    assert KINDS["mic"].stop_order == KINDS["keyboard"].stop_order < KINDS["session"].stop_order
    assert KINDS["session"].stop_order < KINDS["speaker"].stop_order == KINDS["console"].stop_order < last
    assert KINDS["coordinator"].stop_order == last


def test_an_ordered_stop_fits_into_eight_seconds_even_if_everybody_hangs():
    groups = {}
    for how in KINDS.values():
        groups[how.stop_order] = max(groups.get(how.stop_order, 0.0), how.stop_within_s)
    assert sum(groups.values()) <= 8.0


@pytest.mark.parametrize("kind", KINDS)
def test_every_target_is_an_actor_of_the_loop_it_is_given(kind):
    module, _, name = KINDS[kind].target.partition(":")
    actor = getattr(importlib.import_module(module), name)
    assert issubclass(actor, Actor)
    assert KINDS[kind].loop in {"poll", "asyncio"}
