"""Each fault of the script, as the real SDK sees it."""

import asyncio
import functools
import json
import ssl

import pytest
from google import genai
from google.genai import errors, types
from websockets.exceptions import InvalidStatus

from actors.model.parrot.options import ParrotOptions
from actors.model.parrot.script import Close, Do, GoAway, Raw, Refuse, Reply, Rule, Stall, When
from actors.model.parrot.server import Parrot

KEY = "sesame"
BYE = When(text="bye")
KEEPALIVE = {"ping_interval": 0.5, "ping_timeout": 0.8, "close_timeout": 0.2}


def live(test):
    """Run an async test, with a deadline."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 30))

    return run


def parrot_with(*rules, **options):
    settings = ParrotOptions(**{"voice": "tones", "audio_speed": 0, **options})
    return Parrot(settings, key=KEY, rules=rules)


def session(parrot, config=None, **transport):
    trust = ssl.create_default_context(cafile=str(parrot.ca_file))
    http = types.HttpOptions(
        base_url=parrot.base_url, api_version="v1beta", async_client_args={"ssl": trust, **transport}
    )
    config = config or {"output_audio_transcription": {}}
    return genai.Client(api_key=KEY, http_options=http).aio.live.connect(model="m", config=config)


async def end_of(live_session):
    """Return how many chunks of sound come, and how the session ends: close code and reason."""
    sound = []
    with pytest.raises(errors.APIError) as ended:
        await drain(live_session, sound)
    return len(sound), ended.value.code, ended.value.details


async def drain(live_session, sound):
    """Read on and on; collect the sound and the ends of turns."""
    while True:
        message = await live_session._receive()
        if message.data:
            sound.append(message.data)
        assert not (message.server_content and message.server_content.turn_complete)


async def answer(live_session, text):
    await live_session.send_realtime_input(text=text)
    said = [message.server_content async for message in live_session.receive() if message.server_content]
    return "".join(content.output_transcription.text for content in said if content.output_transcription)


@live
async def test_a_close_before_the_reply():
    rule = Rule(when=BYE, do=Do(close=Close(code=1011, reason="x" * 200)))
    async with parrot_with(rule) as parrot, session(parrot) as it:
        assert await answer(it, "hello") == "You said: hello"
        await it.send_realtime_input(text="bye")
        assert await end_of(it) == (0, 1011, "x" * 123)


@live
async def test_a_close_in_the_middle_of_a_reply():
    close = Do(close=Close(code=1008, reason="enough"))
    rules = (
        Rule(when=BYE, do=Do(reply=Reply(seconds=5))),
        Rule(when=When(text="bye", chunks=3), do=close),
    )
    async with parrot_with(*rules) as parrot, session(parrot) as it:
        await it.send_realtime_input(text="bye")
        assert await end_of(it) == (3, 1008, "enough")
    assert parrot.journal.named("turn_complete") == []


@live
async def test_a_reset_is_seen_as_a_lost_connection():
    async with parrot_with(Rule(when=BYE, do=Do(reset=True))) as parrot, session(parrot) as it:
        await it.send_realtime_input(text="bye")
        assert (await end_of(it))[:2] == (0, 1006)
        await parrot.journal.wait_for("closed", connection=1)


@live
async def test_a_fault_can_hit_right_after_setup_or_some_time_later():
    rules = (
        Rule(when=When(connection=1), do=Do(reset=True)),
        Rule(when=When(connection=2, after_s=0.05), do=Do(reset=True)),
    )
    async with parrot_with(*rules) as parrot:
        for _ in range(2):
            async with session(parrot) as it:
                assert (await end_of(it))[1] == 1006
        async with session(parrot) as it:
            assert await answer(it, "hello") == "You said: hello"


@live
async def test_a_stalled_server_stays_mute_but_alive():
    rules = (
        Rule(when=BYE, do=Do(reply=Reply(seconds=5))),
        Rule(when=When(text="bye", chunks=2), do=Do(stall=Stall())),
    )
    async with parrot_with(*rules) as parrot, session(parrot, **KEEPALIVE) as it:
        await it.send_realtime_input(text="bye")
        await parrot.journal.wait_for("turn_complete", text="bye")
        sound = []
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(drain(it, sound), 2)  # longer than the keepalive waits
        assert len(sound) == 2
        await it.send_realtime_input(text="are you there")
        await parrot.journal.wait_for("text", text="are you there")


@live
async def test_a_short_stall_delays_and_loses_nothing():
    rule = Rule(when=BYE, do=Do(stall=Stall(for_s=0.3)))
    async with parrot_with(rule) as parrot, session(parrot) as it:
        clock = asyncio.get_running_loop()
        began_s = clock.time()
        assert await answer(it, "bye") == "You said: bye"
        assert clock.time() - began_s >= 0.29


@live
async def test_a_half_open_connection_is_found_only_by_the_clients_keepalive():
    async with (
        parrot_with(Rule(when=BYE, do=Do(half_open=True))) as parrot,
        session(parrot, **KEEPALIVE) as it,
    ):
        await it.send_realtime_input(text="bye")
        assert (await end_of(it))[1] in {1006, 1011}
        assert parrot.open_connections == [1]


@live
async def test_a_connection_works_on_while_it_is_asked_to_go():
    async with parrot_with(Rule(do=Do(go_away=GoAway()))) as parrot, session(parrot) as it:
        assert (await it._receive()).go_away.time_left == "50s"
        assert await answer(it, "still here") == "You said: still here"


@live
async def test_who_does_not_go_is_thrown_out():
    async with parrot_with(Rule(do=Do(go_away=GoAway(time_left_s=0.2)))) as parrot, session(parrot) as it:
        _, code, reason = await end_of(it)
    assert code == 1008
    assert reason.startswith("Connection aborted because the client failed to close the connection after")
    assert len(reason) == 123


@live
async def test_raw_frames_arrive_as_they_are():
    rules = (
        Rule(when=When(text="cut"), do=Do(raw=Raw(text='{"serverContent": {'))),
        Rule(when=When(text="text"), do=Do(raw=Raw(text='{"goAway": {"timeLeft": "7s"}}', as_text=True))),
        Rule(when=When(text="bytes"), do=Do(raw=Raw(base64=b"\xff\xfe\xfd"))),
    )
    async with parrot_with(*rules) as parrot, session(parrot) as it:
        await it.send_realtime_input(text="cut")
        with pytest.raises(ValueError, match="Failed to parse"):
            await it._receive()
        assert [message async for message in it.receive()]
        await it.send_realtime_input(text="text")
        assert (await it._receive()).go_away.time_left == "7s"
        assert [message async for message in it.receive()]
        await it.send_realtime_input(text="bytes")
        with pytest.raises(UnicodeDecodeError):
            await it._receive()


@live
async def test_refusals_at_the_handshake_and_at_setup():
    rules = (
        Rule(when=When(connection=1), do=Do(refuse=Refuse(status=503, reason="overloaded"))),
        Rule(
            when=When(connection=2), do=Do(refuse=Refuse(code=1011, reason="You exceeded your current quota"))
        ),
    )
    async with parrot_with(*rules) as parrot:
        with pytest.raises(InvalidStatus) as refused:
            async with session(parrot):
                pass
        assert refused.value.response.status_code == 503
        with pytest.raises(errors.APIError) as closed:
            async with session(parrot):
                pass
        assert (closed.value.code, closed.value.details) == (1011, "You exceeded your current quota")
        async with session(parrot) as it:
            assert await answer(it, "hello") == "You said: hello"


@live
async def test_expired_handles_are_gone():
    config = {"session_resumption": {}}
    async with parrot_with(resume_early=True) as parrot:
        async with session(parrot, config) as it:
            handle = (await it._receive()).session_resumption_update.new_handle
        async with session(parrot) as it:
            assert await parrot.inject(Do(expire_handles=True)) == 1
        with pytest.raises(errors.APIError) as refused:
            async with session(parrot, {"session_resumption": {"handle": handle}}):
                pass
    assert refused.value.details == "BidiGenerateContent session not found"


@live
async def test_a_fault_can_be_injected_into_one_connection_at_any_time():
    async with parrot_with() as parrot, session(parrot) as first, session(parrot) as second:
        assert await parrot.inject(Do(close=Close(code=1011)), connection=1) == 1
        assert (await end_of(first))[1] == 1011
        assert await answer(second, "hello") == "You said: hello"
        assert await parrot.inject(Do(reset=True), connection=99) == 0
        with pytest.raises(ValueError, match="need a rule"):
            await parrot.inject(Do(reply=Reply()))


@live
async def test_script_and_journal_can_be_files(tmp_path):
    script, journal = tmp_path / "script.json", tmp_path / "journal.jsonl"
    script.write_text(json.dumps([{"when": {"text": "bye"}, "do": {"close": {"code": 1011}}, "times": 1}]))
    async with parrot_with(script=str(script), journal=str(journal)) as parrot:
        async with session(parrot) as it:
            await it.send_realtime_input(text="bye")
            assert (await end_of(it))[1] == 1011
        async with session(parrot) as it:
            assert await answer(it, "bye") == "You said: bye"
        await parrot.journal.wait_for("closed", connection=2)
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    assert events == [json.loads(json.dumps(event)) for event in parrot.journal.events]
    names = [event["event"] for event in events if event["connection"] == 2]
    assert names == ["opened", "setup", "text", "turn_complete", "closed"]


@live
async def test_stopping_does_not_wait_long_for_a_dead_peer():
    clock = asyncio.get_running_loop()
    parrot = parrot_with(Rule(do=Do(half_open=True)))
    await parrot.start()
    async with session(parrot, close_timeout=0.2):
        began_s = clock.time()
        await parrot.stop()
        assert clock.time() - began_s < 5
