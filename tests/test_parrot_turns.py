"""Conversations with the parrot through the real SDK, over TLS, in this process."""

import asyncio
import contextlib
import functools
import ssl
import wave

import numpy as np
import pytest
from google import genai
from google.genai import errors, types
from pictures import picture

from actors.model.parrot.options import ParrotOptions
from actors.model.parrot.script import Do, Reply, Rule, ToolCall, When
from actors.model.parrot.server import Parrot
from actors.model.parrot.tones import melody

KEY = "sesame"
TRANSCRIBED = {"input_audio_transcription": {}, "output_audio_transcription": {}}
LONG = Rule(when=When(text="long"), do=Do(reply=Reply(text="a long reply", seconds=30)))


def live(test):
    """Run an async test, with a deadline."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 30))

    return run


@contextlib.asynccontextmanager
async def talking(*rules, config=TRANSCRIBED, **options):
    settings = ParrotOptions(**{"voice": "tones", "audio_speed": 0, **options})
    async with Parrot(settings, key=KEY, rules=rules) as parrot:
        trust = ssl.create_default_context(cafile=str(parrot.ca_file))
        http = types.HttpOptions(
            base_url=parrot.base_url, api_version="v1beta", async_client_args={"ssl": trust}
        )
        client = genai.Client(api_key=KEY, http_options=http)
        async with client.aio.live.connect(model="some-model", config=config) as session:
            yield parrot, session


async def turn(session):
    return [message async for message in session.receive()]


async def until(session, wanted):
    """Read until a message for which `wanted` holds; return all up to it."""
    messages = []
    while not messages or not wanted(messages[-1]):
        messages.append(await session._receive())
    return messages


def sound(messages):
    return b"".join(message.data or b"" for message in messages)


def contents(messages):
    return [message.server_content for message in messages if message.server_content]


def transcript(messages, field="output_transcription"):
    spoken = [getattr(content, field) for content in contents(messages)]
    return "".join(piece.text for piece in spoken if piece)


def order(messages):
    """Name what matters about each message, repetitions once."""
    names = []
    for message in messages:
        content = message.server_content
        flags = ("interrupted", "generation_complete", "turn_complete") if content else ()
        name = next((flag for flag in flags if getattr(content, flag)), "")
        name = name or ("audio" if message.data else "handle" if message.session_resumption_update else "")
        if name and name not in names[-1:]:
            names.append(name)
    return names


def voice(length_s, rate_hz=16_000):
    """Something like speech: a gliding tone, so that a shifted copy does not look the same."""
    time_s = np.arange(round(length_s * rate_hz)) / rate_hz
    glide = 8000 * np.sin(2 * np.pi * (200 * time_s + 300 * time_s**2 / length_s))
    return glide.astype("<i2").tobytes()


async def speak(session, pcm, rate_hz=16_000):
    for start in range(0, len(pcm), rate_hz // 25):
        blob = types.Blob(data=pcm[start : start + rate_hz // 25], mime_type=f"audio/pcm;rate={rate_hz}")
        await session.send_realtime_input(audio=blob)


def similarity(pcm, copy):
    """The best correlation of the sound with any part of the copy (both 24 kHz)."""
    a, b = (np.frombuffer(it, dtype="<i2").astype(float) for it in (pcm, copy))
    energy = np.sqrt(np.convolve(b**2, np.ones(len(a)), "valid") * (a**2).sum())
    return (np.correlate(b, a, "valid") / energy).max()


@live
async def test_typed_text_is_answered_in_speech_and_transcript():
    async with talking() as (parrot, session):
        await session.send_realtime_input(text="hello")
        messages = await turn(session)
    assert sound(messages) == melody("You said: hello")
    assert transcript(messages) == "You said: hello"
    assert order(messages) == ["audio", "generation_complete", "turn_complete"]
    assert [t.text for t in parrot.history()] == ["hello", "You said: hello"]


@live
async def test_sound_comes_in_the_chunks_of_the_service():
    async with talking() as (_, session):
        await session.send_realtime_input(text="hello")
        sizes = [len(message.data) for message in await turn(session) if message.data]
    assert sizes[0] == 9600
    assert set(sizes[1:-1]) == {11520}


@live
async def test_the_bill_rides_along_with_the_end_of_the_turn():
    async with talking() as (_, session):
        await session.send_realtime_input(text="hello")
        last = (await turn(session))[-1]
    assert last.server_content.turn_complete
    assert last.usage_metadata.response_token_count >= 25
    usage = last.usage_metadata
    assert usage.total_token_count == usage.prompt_token_count + usage.response_token_count


@live
async def test_text_modality_is_answered_in_writing():
    config = {"response_modalities": ["TEXT"], **TRANSCRIBED}
    async with talking(config=config) as (_, session):
        await session.send_realtime_input(text="hello over there")
        messages = await turn(session)
    assert "".join(message.text or "" for message in messages) == "You said: hello over there"
    assert sound(messages) == b""
    assert transcript(messages) == ""


@live
async def test_transcripts_come_only_when_asked_for():
    async with talking(config={}) as (_, session):
        await session.send_realtime_input(text="hello")
        messages = await turn(session)
    assert transcript(messages) == ""
    assert sound(messages)


@live
async def test_content_with_history_is_remembered_and_its_last_turn_answered():
    def said(role, text):
        return types.Content(role=role, parts=[types.Part(text=text)])

    async with talking() as (parrot, session):
        await session.send_client_content(turns=[said("user", "one")], turn_complete=False)
        await session.send_client_content(turns=[said("model", "two"), said("user", "three")])
        messages = await turn(session)
    assert transcript(messages) == "You said: three"
    assert [(t.who, t.text) for t in parrot.history()] == [
        ("user", "one"),
        ("model", "two"),
        ("user", "three"),
        ("model", "You said: three"),
    ]


@live
@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
async def test_speech_is_repeated_back(rate_hz):
    async with talking(hold="never") as (parrot, session):
        await speak(session, bytes(rate_hz) + voice(1.4, rate_hz) + bytes(2 * rate_hz), rate_hz)
        messages = await turn(session)
    assert similarity(voice(1.4, 24_000), sound(messages)) > 0.99
    assert transcript(messages, "input_transcription") == transcript(messages) == "(1.4 s of speech)"
    ended = parrot.journal.named("speech_ended")[0]
    assert ended["voiced_s"] == pytest.approx(1.4, abs=0.05)


@live
async def test_the_end_of_the_stream_ends_speech():
    async with talking(hold="never") as (_, session):
        await speak(session, voice(0.5))
        await session.send_realtime_input(audio_stream_end=True)
        assert "s of speech" in transcript(await turn(session))


@live
async def test_with_detection_off_the_client_says_when_it_speaks():
    detection = {"automatic_activity_detection": {"disabled": True}}
    config = {"realtime_input_config": detection, **TRANSCRIBED}
    async with talking(config=config, hold="never") as (_, session):
        await speak(session, voice(1))
        await session.send_realtime_input(activity_start=types.ActivityStart())
        await speak(session, voice(0.6))
        await session.send_realtime_input(activity_end=types.ActivityEnd())
        assert transcript(await turn(session)) == "(0.6 s of speech)"


@live
async def test_pictures_are_counted_and_the_newest_belongs_to_the_turn_that_follows():
    async with talking() as (parrot, session):
        for size in ((64, 48), (320, 200)):
            await session.send_realtime_input(
                video=types.Blob(data=picture(size=size), mime_type="image/jpeg")
            )
        await session.send_realtime_input(text="hello")
        assert transcript(await turn(session)) == "You said: hello (I see a picture, 320x200)"
        await session.send_realtime_input(text="and now?")
        assert transcript(await turn(session)) == "You said: and now?"
    closed = await parrot.journal.wait_for("closed")
    assert (closed["images"], closed["chunks"]) == (2, 0)
    seen = [(event["mime"], event["width"], event["size_bytes"]) for event in parrot.journal.named("image")]
    assert seen == [
        ("image/jpeg", width, len(picture(size=size))) for width, size in ((64, (64, 48)), (320, (320, 200)))
    ]
    ((name, times),) = parrot.journal.named("turn_complete")[-1]["pictures"].items()
    assert (name[:18], times) == ("image/jpeg 320x200", 1)


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [
        (b"\xff\xd8", "image/jpeg"),
        (picture()[:300], "image/jpeg"),
        (picture("PNG"), "image/jpeg"),
        (b"", "image/png"),
    ],
)
@live
async def test_a_picture_that_is_broken_or_not_what_it_says_is_refused(data, mime_type):
    async with talking() as (_, session):
        await session.send_realtime_input(video=types.Blob(data=data, mime_type=mime_type))
        with pytest.raises(errors.APIError, match="Request contains an invalid argument"):
            await turn(session)


@live
async def test_text_interrupts_a_reply_and_the_rest_of_it_never_comes():
    config = {"session_resumption": {}, **TRANSCRIBED}
    async with talking(LONG, config=config, audio_speed=1) as (parrot, session):
        await session.send_realtime_input(text="long")
        await until(session, lambda message: message.data)
        await session.send_realtime_input(text="stop")
        messages = await until(
            session, lambda message: message.server_content and message.server_content.turn_complete
        )
        assert order(messages)[-2:] == ["interrupted", "turn_complete"]
        assert "generation_complete" not in order(messages)
        answer = await turn(session)
    assert transcript(answer) == "You said: stop"
    cut, user, reply = parrot.history()[1:]
    assert (cut.interrupted, user.text, reply.interrupted) == (True, "stop", False)
    assert 0 < cut.audio_s < 30
    assert "a long reply".startswith(cut.text)


@live
async def test_speech_interrupts_a_reply_that_was_sent_but_not_yet_heard():
    async with talking(LONG) as (parrot, session):
        await speak(session, bytes(320))
        await session.send_realtime_input(text="long")
        await until(
            session, lambda message: message.server_content and message.server_content.generation_complete
        )
        await speak(session, voice(0.5))
        messages = await turn(session)
    assert order(messages) == ["interrupted", "turn_complete"]
    assert (parrot.history()[1].audio_s, parrot.history()[1].interrupted) == (30, True)


@live
async def test_without_barge_in_the_reply_goes_on_and_the_next_turn_waits():
    handling = {"activity_handling": "NO_INTERRUPTION"}
    config = {"realtime_input_config": handling, **TRANSCRIBED}
    async with talking(config=config) as (_, session):
        await session.send_realtime_input(text="one")
        await session.send_realtime_input(text="two")
        assert transcript(await turn(session)) == "You said: one"
        assert transcript(await turn(session)) == "You said: two"


@live
async def test_two_texts_at_once_are_both_in_the_history_and_the_last_is_answered():
    async with talking(audio_speed=1) as (parrot, session):
        await session.send_realtime_input(text="one")
        await session.send_realtime_input(text="two")
        done = await parrot.journal.wait_for("turn_complete", turn=2)
    assert done["texts"] == {"one": 1, "two": 1}
    assert done["reply"] == "You said: two"
    assert parrot.journal.named("interrupted", turn=1)


@live
@pytest.mark.parametrize(("hold", "shortest_s"), [("always", 0.9), ("never", 0.0)])
async def test_a_held_turn_lasts_as_long_as_its_playback(hold, shortest_s):
    rule = Rule(when=When(text="tone"), do=Do(reply=Reply(seconds=1)))
    async with talking(rule, hold=hold) as (_, session):
        clock = asyncio.get_running_loop()
        await session.send_realtime_input(text="tone")
        await until(
            session, lambda message: message.server_content and message.server_content.generation_complete
        )
        generated_s = clock.time()
        await turn(session)
        assert clock.time() - generated_s >= shortest_s


@live
async def test_audio_is_paced_at_the_speed_that_is_set():
    rule = Rule(when=When(text="tone"), do=Do(reply=Reply(seconds=2)))
    async with talking(rule, audio_speed=4) as (_, session):
        clock = asyncio.get_running_loop()
        began_s = clock.time()
        await session.send_realtime_input(text="tone")
        await turn(session)
        assert clock.time() - began_s >= 0.49


@live
async def test_a_model_that_thinks_sends_nothing_before_it_has_thought():
    rule = Rule(when=When(text="tone"), do=Do(reply=Reply(seconds=0.1, wait_s=0.3)))
    async with talking(rule) as (_, session):
        clock = asyncio.get_running_loop()
        began_s = clock.time()
        await session.send_realtime_input(text="tone")
        async for message in session.receive():
            if message.data:
                break
        assert clock.time() - began_s >= 0.29


@live
async def test_a_scripted_reply_has_its_own_text_length_chunks_and_may_be_mute():
    rules = (
        Rule(
            when=When(text="tone"),
            do=Do(reply=Reply(text="la", seconds=0.1, chunk_bytes=1000, delay_s=0.001)),
        ),
        Rule(when=When(contains="mute"), do=Do(reply=Reply(seconds=0))),
    )
    async with talking(*rules) as (_, session):
        await session.send_realtime_input(text="tone")
        messages = await turn(session)
        assert [len(message.data) for message in messages if message.data] == [1000] * 4 + [800]
        assert transcript(messages) == "la"
        await session.send_realtime_input(text="be mute")
        messages = await turn(session)
        assert sound(messages) == b""
        assert transcript(messages) == "You said: be mute"


TOOL = Rule(when=When(text="time"), do=Do(tool_call=ToolCall(name="clock", args={"zone": "UTC"})))


@live
async def test_a_tool_is_called_and_its_result_is_in_the_reply():
    tools = [{"function_declarations": [{"name": "clock"}]}]
    async with talking(TOOL, config={"tools": tools, **TRANSCRIBED}) as (parrot, session):
        await session.send_realtime_input(text="time")
        (call,) = (await until(session, lambda message: message.tool_call))[-1].tool_call.function_calls
        assert (call.name, call.args) == ("clock", {"zone": "UTC"})
        result = types.FunctionResponse(id=call.id, name=call.name, response={"output": "noon"})
        await session.send_tool_response(function_responses=result)
        assert transcript(await turn(session)) == 'clock answered: {"output":"noon"}'
    assert parrot.journal.named("setup")[0]["tools"] == ["clock"]
    assert parrot.journal.named("tool_response", expected=True)[0]["response"] == {"output": "noon"}


@live
async def test_an_interruption_takes_back_the_open_tool_call():
    async with talking(TOOL) as (_, session):
        await session.send_realtime_input(text="time")
        (call,) = (await until(session, lambda message: message.tool_call))[-1].tool_call.function_calls
        await session.send_realtime_input(text="never mind")
        messages = await turn(session)
        assert messages[0].tool_call_cancellation.ids == [call.id]
        assert order(messages) == ["interrupted", "turn_complete"]
        assert transcript(await turn(session)) == "You said: never mind"


@live
async def test_a_script_can_take_back_a_tool_call_itself():
    async with talking(TOOL) as (parrot, session):
        await session.send_realtime_input(text="time")
        await until(session, lambda message: message.tool_call)
        assert await parrot.inject(Do(tool_cancel=True)) == 1
        messages = await turn(session)
    assert messages[0].tool_call_cancellation
    assert transcript(messages) == "clock was cancelled."


@live
async def test_what_was_heard_is_kept_in_a_file(tmp_path):
    async with talking(hold="never", keep_audio=str(tmp_path / "kept")) as (parrot, session):
        await speak(session, voice(0.2))
        await session.send_realtime_input(text="hello")
        await turn(session)
    closed = await parrot.journal.wait_for("closed")
    assert (closed["chunks"], closed["samples"]) == (10, 3200)
    assert (tmp_path / "kept" / "connection-1.wav").read_bytes().endswith(voice(0.2))


def recording(path, pcm):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 24_000, 0, "NONE", ""))
        file.writeframes(pcm)
    return str(path)


@live
async def test_a_recording_is_said_sample_by_sample_in_chunks_of_any_size(tmp_path):
    pcm = voice(1, 24_000)
    reply = Reply(wav=recording(tmp_path / "said.wav", pcm), chunk_bytes=4801)
    async with talking(Rule(when=When(text="hi"), do=Do(reply=reply))) as (_, session):
        await session.send_realtime_input(text="hi")
        messages = await turn(session)
    sizes = [len(message.data) for message in messages if message.data]
    assert sound(messages) == pcm
    assert set(sizes[:-1]) == {4801}


@live
async def test_a_reply_has_a_pace_of_its_own_after_what_comes_at_once(tmp_path):
    reply = Reply(
        wav=recording(tmp_path / "said.wav", voice(2, 24_000)), chunk_bytes=4800, speed=2, at_once_s=1
    )
    clock, came_s = asyncio.get_running_loop().time, []
    async with talking(Rule(when=When(text="hi"), do=Do(reply=reply))) as (_, session):
        await session.send_realtime_input(text="hi")
        async for message in session.receive():
            came_s += [clock()] if message.data else []
    early, late = came_s[9] - came_s[0], came_s[-1] - came_s[9]
    assert len(came_s) == 20
    assert late >= 0.4 > early
