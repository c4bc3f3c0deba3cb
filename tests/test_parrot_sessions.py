"""Coming in, being refused, and coming back: the parrot's sessions through the real SDK and through a plain WebSocket."""

import asyncio
import contextlib
import functools
import json
import ssl
import subprocess
import sys

import psutil
import pytest
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from actors.model.parrot.options import ParrotOptions
from actors.model.parrot.script import Do, Reply, Rule, When
from actors.model.parrot.server import MAX_CONNECTIONS, Parrot

KEY = "sesame"
PATH = "//ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
RESUMABLE = {"session_resumption": {}}


def live(test):
    """Run an async test, with a deadline."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 30))

    return run


def parrot_with(*rules, **options):
    settings = ParrotOptions(**{"voice": "tones", "audio_speed": 0, **options})
    return Parrot(settings, key=KEY, bearer="pass", rules=rules)


def trust(parrot):
    return ssl.create_default_context(cafile=str(parrot.ca_file))


def session(parrot, config=None, *, key=KEY, model="some-model"):
    http = types.HttpOptions(
        base_url=parrot.base_url, api_version="v1beta", async_client_args={"ssl": trust(parrot)}
    )
    return genai.Client(api_key=key, http_options=http).aio.live.connect(model=model, config=config or {})


def plain(parrot, path=PATH, **headers):
    """A WebSocket without the SDK, with the key unless other headers are given."""
    uri = parrot.base_url.replace("https", "wss") + path
    return connect(uri, ssl=trust(parrot), additional_headers=headers or {"x-goog-api-key": KEY}, proxy=None)


async def drain(socket):
    while True:
        await socket.recv()


async def close_of(socket):
    """Return the close code and reason with which the server ends this."""
    with contextlib.suppress(ConnectionClosed):
        await drain(socket)
    return socket.close_code, socket.close_reason


async def say(live_session, text):
    """Say it, and return the handle that comes after the end of the turn."""
    await live_session.send_realtime_input(text=text)
    seen = []
    while True:
        message = await live_session._receive()
        update = message.session_resumption_update
        if message.server_content and message.server_content.turn_complete:
            seen.append("turn_complete")
        if update:
            seen.append("handle" if update.new_handle else "not resumable")
        if update and update.new_handle:
            assert update.resumable
            assert seen == ["not resumable", "turn_complete", "handle"]
            return update.new_handle


@live
async def test_a_handle_comes_after_each_turn_and_restores_exactly_its_moment():
    async with parrot_with() as parrot:
        async with session(parrot, RESUMABLE) as first:
            early = await say(first, "one")
            late = await say(first, "two")
        async with session(parrot, {"session_resumption": {"handle": early}}) as second:
            assert [turn.text for turn in parrot.history()] == ["one", "You said: one"]
            await say(second, "three")
        async with session(parrot, {"session_resumption": {"handle": late}}):
            assert [turn.text for turn in parrot.history()][::2] == ["one", "two"]
        resumed = parrot.journal.named("setup", resumed=early)[0]
        assert resumed["texts"] == {"one": 1}
        assert parrot.journal.named("turn_complete", connection=2)[0]["texts"] == {"one": 1, "three": 1}


@live
async def test_a_session_without_a_handle_begins_anew():
    async with parrot_with() as parrot:
        async with session(parrot, RESUMABLE) as first:
            await say(first, "one")
        async with session(parrot):
            assert parrot.history() == ()


@live
async def test_what_was_cut_off_is_not_in_the_handle_before_it():
    long = Rule(when=When(text="long"), do=Do(reply=Reply(seconds=30)))
    async with parrot_with(long, audio_speed=1) as parrot:
        async with session(parrot, RESUMABLE) as first:
            handle = await say(first, "one")
            await first.send_realtime_input(text="long")
            await parrot.journal.wait_for("text", text="long")
        await parrot.journal.wait_for("closed", connection=1)
        async with session(parrot, {"session_resumption": {"handle": handle}}):
            assert "long" not in [turn.text for turn in parrot.history()]


@live
async def test_no_handle_is_given_to_who_did_not_ask():
    async with parrot_with() as parrot:
        async with session(parrot) as only:
            await only.send_realtime_input(text="one")
            messages = [message async for message in only.receive()]
        await parrot.journal.wait_for("closed")
    assert not any(message.session_resumption_update for message in messages)
    assert parrot.journal.named("handle") == []


@live
async def test_the_first_handle_can_be_had_before_the_first_turn():
    async with parrot_with(resume_early=True) as parrot, session(parrot, RESUMABLE) as only:
        assert (await only._receive()).session_resumption_update.new_handle


async def refusal(parrot, config=None, **how):
    with pytest.raises(errors.APIError) as refused:
        async with session(parrot, config, **how):
            pass
    return refused.value.code, refused.value.details


@live
async def test_a_stale_handle_a_bad_key_and_a_missing_model_are_refused_as_by_the_service():
    async with parrot_with(missing_models=("gone",)) as parrot:
        stale = await refusal(parrot, {"session_resumption": {"handle": "made up"}})
        bad_key = await refusal(parrot, key="wrong")
        missing = await refusal(parrot, model="gone")
    assert stale == (1008, "BidiGenerateContent session not found")
    assert bad_key == (1007, "API key not valid. Please pass a valid API key.")
    assert missing[0] == 1008
    assert missing[1].startswith("models/gone is not found for API version v1beta")


@live
async def test_a_handle_lives_only_as_long_as_it_may():
    async with parrot_with(handle_lifetime_s=0.001) as parrot:
        async with session(parrot, RESUMABLE) as first:
            handle = await say(first, "one")
        code, reason = await refusal(parrot, {"session_resumption": {"handle": handle}})
    assert (code, reason) == (1008, "BidiGenerateContent session not found")


@live
async def test_without_any_key_the_refusal_comes_after_the_open_and_fits_the_frame():
    async with parrot_with() as parrot, plain(parrot, **{"x-nothing": "1"}) as socket:
        await socket.send('{"setup": {"model": "m"}}')
        code, reason = await close_of(socket)
    assert code == 1008
    assert reason.startswith("Method doesn't allow unregistered callers")
    assert len(reason) == 123


@live
@pytest.mark.parametrize(
    ("frames", "code", "words"),
    [
        (['{"setup": {"model": "m", "bogus": 1}}'], 1007, "Unknown name \"bogus\" at 'setup'"),
        (['{"realtimeInput": {"text": "hi"}}'], 1007, "setup must be the first message"),
        (['{"setup": {"model": "m"}}'] * 2, 1007, "setup must be the first message"),
        (["no json"], 1007, "Invalid JSON payload"),
        ([b"\xff\xff"], 1007, "Invalid JSON payload"),
        (["x" * (1 << 20) + "xx"], 1009, ""),
    ],
)
async def test_a_client_that_breaks_the_rules_is_told_so_and_harms_nobody(frames, code, words):
    async with parrot_with() as parrot, session(parrot, RESUMABLE) as other:
        async with plain(parrot) as socket:
            for frame in frames:
                await socket.send(frame)
            ended = await close_of(socket)
        assert ended[0] == code
        assert words in ended[1]
        assert await say(other, "still here")
    assert parrot.journal.named("failed") == []


@live
async def test_a_client_that_vanishes_in_the_middle_of_a_reply_harms_nobody():
    long = Rule(when=When(text="long"), do=Do(reply=Reply(seconds=60)))
    async with parrot_with(long) as parrot, session(parrot, RESUMABLE) as other:
        socket = await plain(parrot)
        await socket.send('{"setup": {"model": "m"}}')
        await socket.send('{"realtimeInput": {"text": "long"}}')
        await socket.recv()
        socket.transport.abort()
        await parrot.journal.wait_for("closed", connection=2)
        assert await say(other, "still here")
        assert parrot.open_connections == [1]


@live
async def test_garbage_instead_of_tls_harms_nobody():
    async with parrot_with() as parrot, session(parrot, RESUMABLE) as other:
        reader, writer = await asyncio.open_connection("127.0.0.1", parrot.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await reader.read()
        writer.close()
        assert await say(other, "still here")


def hang_espeak(monkeypatch, directory):
    program = directory / "espeak-ng"
    program.write_text("#!/bin/sh\ntouch $0.started\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:/bin:/usr/bin")


@live
async def test_who_leaves_while_speech_is_made_leaves_no_process_behind(monkeypatch, tmp_path):
    hang_espeak(monkeypatch, tmp_path)
    async with parrot_with(voice="auto") as parrot:
        async with session(parrot) as it:
            await it.send_realtime_input(text="hello")
            while not (tmp_path / "espeak-ng.started").exists():  # noqa: ASYNC110  another process can only leave a file
                await asyncio.sleep(0.01)
        await parrot.journal.wait_for("closed")
        assert psutil.Process().children() == []


@live
async def test_a_fault_of_the_parrot_ends_one_connection_with_an_internal_error(monkeypatch, tmp_path):
    hang_espeak(monkeypatch, tmp_path)
    monkeypatch.setattr("actors.model.parrot.speech.ESPEAK_TIMEOUT_S", 0.1)
    async with parrot_with(voice="espeak") as parrot, session(parrot) as it, session(parrot):
        await it.send_realtime_input(text="hello")
        with pytest.raises(errors.APIError) as ended:
            await it._receive()
        assert (ended.value.code, ended.value.details) == (1011, "Internal error encountered.")
        await parrot.journal.wait_for("closed", connection=1)
        assert parrot.open_connections == [2]
    assert "took longer" in parrot.journal.named("failed")[0]["why"]


def test_importing_the_parrot_costs_no_numpy():
    program = "import sys, actors.model.parrot.server; assert not {'numpy', 'soxr', 'google.genai'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


@live
async def test_a_reset_is_an_rst_on_the_wire():
    async with parrot_with(Rule(do=Do(reset=True))) as parrot, plain(parrot) as socket:
        await socket.send('{"setup": {"model": "m"}}')
        with pytest.raises(ConnectionClosed) as ended:
            await drain(socket)
    assert isinstance(ended.value.__cause__, ConnectionResetError)


@live
async def test_frames_are_binary_indented_json():
    async with parrot_with() as parrot, plain(parrot) as socket:
        await socket.send('{"setup": {"model": "m"}}')
        assert await socket.recv() == b'{\n  "setupComplete": {}\n}\n'


@live
async def test_live_is_served_nowhere_else():
    async with parrot_with() as parrot:
        with pytest.raises(InvalidStatus) as refused:
            await plain(parrot, "/v1beta/models")
    assert refused.value.response.status_code == 404


@live
async def test_there_is_a_limit_to_connections():
    async with parrot_with() as parrot, contextlib.AsyncExitStack() as stack:
        for _ in range(MAX_CONNECTIONS):
            await stack.enter_async_context(plain(parrot))
        with pytest.raises(InvalidStatus) as refused:
            await plain(parrot)
    assert refused.value.response.status_code == 503


@live
async def test_vertex_is_served_with_a_token_and_names_its_session():
    async with parrot_with() as parrot:
        client = genai.Client(
            vertexai=True,
            project="p",
            location="l",
            credentials=Credentials(token="pass"),
            http_options=types.HttpOptions(
                base_url=parrot.base_url, api_version="v1beta1", async_client_args={"ssl": trust(parrot)}
            ),
        )
        async with client.aio.live.connect(model="gemini-3.8-live", config={}) as vertex:
            assert vertex.session_id == "session-1"
            await vertex.send_realtime_input(text="hello")
            last = [message async for message in vertex.receive()][-1]
    assert last.usage_metadata.response_token_count
    assert parrot.journal.named("setup")[0]["model"].endswith("publishers/google/models/gemini-3.8-live")


@live
async def test_the_constrained_door_takes_a_token():
    path = PATH.replace("v1beta", "v1alpha") + f"Constrained?access_token={KEY}"
    async with parrot_with() as parrot, plain(parrot, path, **{"x-nothing": "1"}) as socket:
        await socket.send('{"setup": {"model": "m"}}')
        assert b"setupComplete" in await socket.recv()
    assert KEY not in json.dumps(list(parrot.journal.events))


@live
async def test_a_stopped_parrot_says_good_bye_and_can_be_started_again_on_its_port():
    parrot = parrot_with()
    await parrot.start()
    port = parrot.port
    socket = await plain(parrot)
    await parrot.stop()
    assert await close_of(socket) == (1001, "")
    again = parrot_with()
    await again.start(port=port)
    assert again.port == port
    await again.stop()
    await again.stop()


@live
async def test_the_parrot_listens_on_loopback_only_and_wants_a_key():
    with pytest.raises(ValueError, match="loopback only"):
        await parrot_with().start("0.0.0.0")
    with pytest.raises(ValueError, match="needs a key"):
        Parrot(key="")
