"""What the documentation of the original's `GoogleRealtimeSession` promises, and nothing else, with one changed import.

The model is the parrot: its key is the only thing here that the original does not have.
"""

import asyncio
import inspect
import itertools
import logging
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pytest
from programs import MODEL, PARROT, Hears, Says, home
from ptys import terminal
from talkers import talker

from actors import (
    BaseInputStreamer,
    BaseOutputStreamer,
    ConsoleOutputStreamer,
    GoogleIOStreamer,
    GoogleIOStreamerState,
    GoogleRealtimeSession,
    KeyboardInputStreamer,
    LinuxMicInputStreamer,
    LinuxSpeakerOutputStreamer,
)

DELAY_S = 0.4
FRAME_BYTES = 640
FRAME_S = 0.02
LATE_S = 1.5
"""So much later than promised is a loaded machine, not a broken promise."""


@pytest.fixture(scope="module", autouse=True)
def here():
    directory = Path(tempfile.mkdtemp(prefix="af-", dir="/tmp"))
    with home(directory) as made:
        yield made
        assert made.leftovers() == []
    shutil.rmtree(directory, ignore_errors=True)


def talk(inputs, outputs, **options):
    """Run one conversation to its end."""
    asyncio.run(asyncio.wait_for(session().start(inputs, outputs, **options), 60))


def session():
    return GoogleRealtimeSession(model_name=MODEL, config=PARROT)


# Names, signatures, defaults.


def names_and_defaults(function):
    parameters = list(inspect.signature(function).parameters.values())
    return {p.name: p.default for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"}


NOTHING = inspect.Parameter.empty


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (
            GoogleRealtimeSession.__init__,
            {
                "model_name": NOTHING,
                "api_key": None,
                "credentials_path": None,
                "project_id": None,
                "location": "us-central1",
            },
        ),
        (
            GoogleRealtimeSession.start,
            {"input_streamers": None, "output_streamers": None, "post_output_audio_delay": 0.5},
        ),
        (
            GoogleRealtimeSession.invoke,
            {"input_streamers": None, "output_streamers": None, "post_output_audio_delay": 0.5},
        ),
        (
            GoogleIOStreamer.__init__,
            dict.fromkeys(
                [
                    "session",
                    "task_group",
                    "input_queue",
                    "output_queue",
                    "input_streamers",
                    "output_streamers",
                    "post_output_audio_delay",
                    "logger",
                ],
                NOTHING,
            ),
        ),
        (GoogleIOStreamer.start, {}),
        (GoogleIOStreamerState.get_console_mode, {}),
        (GoogleIOStreamerState.set_console_mode, {"value": NOTHING}),
        (GoogleIOStreamerState.get_streaming_output, {}),
        (GoogleIOStreamerState.set_streaming_output, {"value": NOTHING}),
        (GoogleIOStreamerState.get_terminated, {}),
        (GoogleIOStreamerState.set_terminated, {"value": NOTHING}),
        (BaseInputStreamer.initialize, {"state": NOTHING, "input_queue": NOTHING}),
        (BaseInputStreamer.stream_input, {}),
        (BaseInputStreamer.close, {}),
        (BaseOutputStreamer.initialize, {"state": NOTHING}),
        (BaseOutputStreamer.handle, {"data": NOTHING}),
        (BaseOutputStreamer.close, {}),
        (KeyboardInputStreamer.__init__, {"quit_cmd": "/quit"}),
        (LinuxMicInputStreamer.__init__, {}),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_parameters_have_the_originals_names_order_and_defaults(function, expected):
    assert list(names_and_defaults(function).items()) == list(expected.items())


@pytest.mark.parametrize(
    "method",
    [
        GoogleRealtimeSession.start,
        GoogleRealtimeSession.invoke,
        GoogleIOStreamer.start,
        BaseInputStreamer.stream_input,
        BaseOutputStreamer.handle,
    ],
)
def test_what_was_to_be_awaited_still_is(method):
    assert inspect.iscoroutinefunction(method)


def test_a_session_has_the_name_of_its_model_and_the_parameters_of_its_client():
    by_variable = GoogleRealtimeSession(model_name="some-model")
    by_key = GoogleRealtimeSession(model_name="some-model", api_key="some-key")
    assert (by_variable.model_name, by_variable.client_params) == ("some-model", {})
    assert by_key.client_params == {"api_key": "some-key"}


def test_a_state_has_the_originals_defaults_and_refuses_another_mode():
    state = GoogleIOStreamerState()
    assert (state.is_streaming_output, state.console_mode, state.terminated) == (False, "input", False)
    with pytest.raises(ValueError, match="console_mode"):
        GoogleIOStreamerState(console_mode="nobody")


def test_base_streamers_are_abstract_and_empty_before_they_are_initialized():
    for base in (BaseInputStreamer, BaseOutputStreamer):
        with pytest.raises(TypeError, match="abstract"):
            base()
    assert (KeyboardInputStreamer().state, KeyboardInputStreamer().input_queue) == (None, None)
    assert ConsoleOutputStreamer().state is None


def test_a_streamer_that_is_initialized_has_what_it_was_given():
    async def scenario():
        keyboard, console = KeyboardInputStreamer(), ConsoleOutputStreamer()
        state, queue = GoogleIOStreamerState(), asyncio.Queue()
        await keyboard.initialize(state, queue)
        await console.initialize(state)
        return keyboard.state is console.state is state, keyboard.input_queue is queue

    assert asyncio.run(scenario()) == (True, True)


# Errors.


def test_a_key_and_credentials_together_are_refused():
    with pytest.raises(ValueError, match=r"api_key.*credentials_path"):
        GoogleRealtimeSession("some-model", api_key="some-key", credentials_path="/some/file.json")


@pytest.mark.parametrize("name", ["input_streamers", "output_streamers"])
def test_an_empty_list_of_streamers_is_refused(name):
    with pytest.raises(ValueError, match=name):
        asyncio.run(session().start(**{name: []}))


@pytest.mark.parametrize("delay", [0, -1, -0.001])
def test_a_delay_that_is_not_greater_than_0_is_refused(delay):
    with pytest.raises(ValueError, match="post_output_audio_delay"):
        asyncio.run(session().start(post_output_audio_delay=delay))


@pytest.mark.parametrize("system", ["Darwin", "Windows"])
def test_linux_devices_raise_oserror_elsewhere(monkeypatch, system):
    speaker = LinuxSpeakerOutputStreamer()
    monkeypatch.setattr(platform, "system", lambda: system)
    with pytest.raises(OSError, match="Linux"):
        LinuxMicInputStreamer()
    with pytest.raises(OSError, match="Linux"):
        asyncio.run(speaker.initialize(GoogleIOStreamerState()))


def test_a_conversation_that_fails_raises():
    broken = GoogleRealtimeSession(MODEL, config={"model": {"provider": "gemini"}})
    with pytest.raises(Exception, match="key"):
        asyncio.run(broken.start([Says()], [Hears()]))


# A typed turn.


@pytest.fixture(scope="module")
def typed(here):
    says, hears = Says({"text": "hello there"}), Hears()
    talk([says], [hears], post_output_audio_delay=DELAY_S)
    return says, hears


def test_a_typed_turn_is_answered_in_text_and_audio_to_a_streamer_of_ones_own(typed):
    _, hears = typed
    assert "".join(hears.of("output_text")) == "You said: hello there"
    assert all(isinstance(pcm, bytes) and len(pcm) % 2 == 0 for pcm in hears.of("audio"))
    assert hears.of("text_complete") == [True]
    assert {key for _, data in hears.got for key in data} == {"output_text", "audio", "text_complete"}


def test_the_state_of_a_typed_turn_goes_from_input_to_streaming_and_back(typed):
    says, _ = typed
    assert [streaming for _, streaming, _ in says.states] == [False, True, False]


def test_streaming_ends_a_delay_after_the_audio_was_heard(typed):
    says, hears = typed
    began, ended = says.states[1][0], says.states[2][0]
    heard = hears.times("audio")[0] + hears.seconds
    assert began <= hears.times("audio")[0] + LATE_S
    assert heard + DELAY_S - 0.1 <= ended <= heard + DELAY_S + LATE_S


def test_each_streamer_is_initialized_run_and_closed_once(typed):
    says, hears = typed
    assert says.calls == ["initialize", "stream_input", "close"]
    assert hears.calls == ["initialize", "close"]


# A spoken turn.


class Speaks(Says):
    """A microphone of one's own: says something for 1.5 s, and then is silent; as the original's, it sends nothing in a reply."""

    def __init__(self):
        super().__init__()
        self.sent_while_streaming = 0

    async def stream_input(self):
        noting = asyncio.create_task(self.note_states())
        voice = talker(1.5, 16_000).tobytes()
        frames = itertools.chain(
            (voice[at : at + FRAME_BYTES] for at in range(0, len(voice), FRAME_BYTES)),
            itertools.repeat(bytes(FRAME_BYTES)),
        )
        began = time.monotonic()
        for number, frame in enumerate(frames):
            if await self.state.get_terminated():
                break
            if not await self.state.get_streaming_output():
                await self.input_queue.put({"audio": {"data": frame, "mime_type": "audio/pcm;rate=16000"}})
            await asyncio.sleep(max(0.0, began + (number + 1) * FRAME_S - time.monotonic()))
        await noting


def test_a_spoken_turn_is_understood_and_answered_and_the_state_follows(here):
    speaks, hears = Speaks(), Hears()

    talk([speaks], [hears], post_output_audio_delay=DELAY_S)

    kinds = [next(iter(data)) for _, data in hears.got]
    assert "input_text" in kinds
    assert kinds.index("input_text") < kinds.index("audio")
    assert 0.8 < hears.seconds < 3, "the parrot repeats what it heard"
    assert [streaming for _, streaming, _ in speaks.states] == [False, True, False]


# The end.


def test_set_terminated_ends_the_conversation(here):
    class Ends(Says):
        async def stream_input(self):
            await self.state.set_terminated(True)

    began = time.monotonic()
    source = Ends()
    talk([source], [Hears()])
    assert source.calls[-1] == "close"
    assert time.monotonic() - began < 30


PROGRAM = f"""
import asyncio
from actors import *
session = GoogleRealtimeSession(model_name={MODEL!r}, config={PARROT!r})
CALL
print("the call has returned")
"""
BASIC = "asyncio.run(session.invoke())"
WITH_STREAMERS = "asyncio.run(session.start(input_streamers=[KeyboardInputStreamer('/bye')], output_streamers=[ConsoleOutputStreamer()]))"


def test_without_streamers_it_is_a_conversation_by_keyboard_and_console_until_quit(here):
    with terminal([sys.executable, "-c", PROGRAM.replace("CALL", BASIC)], here.environment) as user:
        user.wait_for("You: ?")
        user.type("hello\r")
        user.wait_for(r"Parrot: You said: hello")
        user.type("/quit\r")
        user.wait_for("the call has returned")
        assert user.wait() == 0


def test_the_quit_command_can_be_another_one(here):
    ended = here.run(PROGRAM.replace("CALL", WITH_STREAMERS), input="hello\n/bye\nnever said\n")

    assert ended.stdout == "You said: hello\nthe call has returned\n"
    assert ended.returncode == 0


def test_a_logger_is_all_an_io_streamer_says_things_to():
    made = GoogleIOStreamer(None, None, 1, 2, [], [], 0.5, logging.getLogger("mine"))

    assert (made.input_queue, made.output_queue, made.post_output_audio_delay) == (1, 2, 0.5)
    assert isinstance(made.state, GoogleIOStreamerState)
