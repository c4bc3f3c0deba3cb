"""From streamers and a configuration to a tree: what becomes a process, and what stays with the caller."""

import pytest

from actors import (
    BaseInputStreamer,
    BaseOutputStreamer,
    ConsoleOutputStreamer,
    FileInputStreamer,
    FileOutputStreamer,
    KeyboardInputStreamer,
    LinuxMicInputStreamer,
    LinuxSpeakerOutputStreamer,
)
from supervisor.embedding.plan import plan

PARROT = {"model": {"provider": "parrot"}}


class OwnInput(BaseInputStreamer):
    async def stream_input(self):
        pass


class OwnOutput(BaseOutputStreamer):
    async def handle(self, data):
        pass


def test_built_in_streamers_become_actors_with_their_options():
    made = plan(
        PARROT, [KeyboardInputStreamer("/bye"), LinuxMicInputStreamer()], [ConsoleOutputStreamer()], 0.5
    )

    assert made.settings.actors == {
        "keyboard": {"enabled": True, "kind": "keyboard", "quit": "/bye"},
        "mic": {"enabled": True, "kind": "mic", "device": ""},
        "console": {"enabled": True, "kind": "console"},
    }
    assert (made.inputs, made.outputs, made.has_keyboard, made.has_console) == ([], [], True, True)


def test_the_callers_own_streamers_stay_with_the_caller():
    mine, yours = OwnInput(), OwnOutput()
    made = plan(PARROT, [mine], [yours], 0.5)

    assert (made.inputs, made.outputs, made.settings.actors) == ([mine], [yours], {})
    assert (made.has_keyboard, made.has_console, made.are_all_inputs_ours) == (False, False, True)


def test_a_subclass_of_a_built_in_streamer_does_things_of_its_own_so_it_stays_too():
    class Loud(ConsoleOutputStreamer):
        pass

    loud = Loud()

    assert plan(PARROT, [KeyboardInputStreamer()], [loud], 0.5).outputs == [loud]


@pytest.mark.parametrize("name", ["keyboard", "mic"])
def test_a_source_among_the_actors_can_still_say_something_when_the_callers_are_exhausted(name):
    config = PARROT | {"actors": {name: {}}}

    assert not plan(config, [OwnInput()], [OwnOutput()], 0.5).are_all_inputs_ours


def test_the_configuration_says_more_about_an_actor_and_adds_others():
    config = PARROT | {"actors": {"mic": {"device": "USB"}, "parrot": {"voice": "tones"}}}
    made = plan(config, [LinuxMicInputStreamer()], [OwnOutput()], 0.5)

    assert made.settings.actors["mic"]["device"] == "USB"
    assert made.settings.actors["parrot"] == {"voice": "tones"}


def test_files_are_microphones_and_loudspeakers_beside_the_real_ones(tmp_path):
    (tmp_path / "in.wav").touch()
    made = plan(
        PARROT,
        [LinuxMicInputStreamer(), FileInputStreamer(tmp_path / "in.wav")],
        [LinuxSpeakerOutputStreamer(), FileOutputStreamer(tmp_path / "out.wav")],
        0.5,
    )

    assert made.settings.actors["mic-2"]["device"] == f"file:{tmp_path}/in.wav"
    assert made.settings.actors["speaker-2"]["device"] == f"file:{tmp_path}/out.wav"


def test_there_is_one_terminal():
    with pytest.raises(ValueError, match="only one keyboard"):
        plan(PARROT, [KeyboardInputStreamer(), KeyboardInputStreamer()], [OwnOutput()], 0.5)


def test_a_name_is_the_users_or_found():
    assert not plan(PARROT, [], [], 0.5).has_fixed_name
    made = plan(PARROT | {"session": {"name": "kitchen"}}, [], [], 0.5)
    assert (made.has_fixed_name, made.settings.session.name) == (True, "kitchen")


def test_the_delay_is_the_one_of_the_call():
    assert plan(PARROT, [], [], 1.25).settings.session.post_output_audio_delay == 1.25


def test_everything_wrong_with_the_configuration_is_named_at_once():
    config = {"model": {"provider": "parot", "voise": "Kore"}, "actors": {"mic": {"frame_ms": 1}}}

    with pytest.raises(ValueError, match="provider") as caught:
        plan(config, [], [], 0.5)

    assert "voise" in str(caught.value)
    assert "config:actors.mic.frame_ms" in str(caught.value)


def test_what_is_given_is_not_changed():
    config = {"model": {"provider": "parrot"}, "actors": {"mic": {"device": "USB"}}}
    plan(config, [LinuxMicInputStreamer()], [OwnOutput()], 0.5)

    assert config == {"model": {"provider": "parrot"}, "actors": {"mic": {"device": "USB"}}}
