"""`GoogleRealtimeSession.start` in a program: what runs where, and that nothing outlives the call, whatever ends it."""

import asyncio
import json
import os
import secrets
import signal
import sys
import threading
from pathlib import Path

import psutil
import pytest
from programs import MODEL, PARROT, Hears, Says, converse, home, session
from ptys import terminal
from services import parrot, service_account, token_server
from trees import wait_for

from actors import (
    BaseInputStreamer,
    BaseOutputStreamer,
    ConversationError,
    EventInputStreamer,
    EventOutputStreamer,
    GoogleRealtimeSession,
)

AT_A_TERMINAL = f"""
import asyncio
from actors import GoogleRealtimeSession
asyncio.run(GoogleRealtimeSession({MODEL!r}, config={PARROT!r}).start())
"""
SLOW = [{"when": {"contains": "slowly"}, "do": {"reply": {"seconds": 20, "delay_s": 0.1}}}]
WAITING = f"""
import asyncio, sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from programs import Hears, Says, session

class Tells(Says):
    async def stream_input(self):
        print("begun", flush=True)
        await super().stream_input()

asyncio.run(session().start([Tells()], [Hears()]))
"""


@pytest.fixture(autouse=True)
def here(short_dir):
    with home(short_dir) as made:
        yield made
        assert made.leftovers() == []


class Waits(BaseInputStreamer):
    """A source that never says anything."""

    def __init__(self):
        self.is_streaming = asyncio.Event()

    async def stream_input(self):
        self.is_streaming.set()
        await asyncio.Event().wait()


class Raises(BaseInputStreamer):
    async def stream_input(self):
        raise RuntimeError("the source is broken")


class Hangs(BaseOutputStreamer):
    """Never comes back."""

    async def handle(self, data):
        await asyncio.Event().wait()


class Fails(BaseOutputStreamer):
    async def handle(self, data):
        raise RuntimeError("the destination is broken")


def test_a_cancelled_conversation_is_gone_when_the_cancellation_comes_back(here):
    async def scenario():
        source = Waits()
        talking = asyncio.create_task(session().start([source], [Hears()]))
        await asyncio.wait_for(source.is_streaming.wait(), 30)
        before = len(here.processes())
        talking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await talking
        return before, here.leftovers()

    before, after = asyncio.run(scenario())
    assert before >= 4
    assert after == []


def test_a_conversation_cancelled_while_it_begins_leaves_nothing(here):
    async def scenario():
        for delay_s in (0.0, 0.05, 0.2, 0.4):
            talking = asyncio.create_task(session().start([Waits()], [Hears()]))
            await asyncio.sleep(delay_s)
            talking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await talking
            assert here.leftovers() == []

    asyncio.run(scenario())


def test_an_error_beside_it_in_a_task_group_ends_it(here):
    async def scenario():
        source = Waits()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(session().start([source], [Hears()]))
            await asyncio.wait_for(source.is_streaming.wait(), 30)
            raise KeyError("something else")

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(scenario())
    assert caught.group_contains(KeyError)


def test_a_program_that_is_killed_takes_its_conversation_with_it(here):
    with here.start(WAITING) as program:
        assert program.stdout.readline() == "begun\n"
        assert len(here.processes()) >= 4
        program.kill()
        program.wait()
        wait_for(lambda: not here.leftovers(), "everything is gone")


def test_a_child_that_the_program_forked_does_not_keep_its_conversation_alive(here):
    forks = WAITING.replace(
        'print("begun"', 'child = os.fork() or time.sleep(1000)\n        print(f"begun {child}"'
    ).replace("import asyncio, sys", "import asyncio, os, sys, time")
    with here.start(forks) as program:
        child = int(program.stdout.readline().removeprefix("begun "))
        try:
            program.kill()
            program.wait()
            wait_for(lambda: not here.leftovers(), "everything is gone")
            assert psutil.pid_exists(child)
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_killed_supervisor_is_an_error_that_says_so(here):
    async def scenario():
        source = Waits()
        talking = asyncio.create_task(session().start([source], [Hears()]))
        await asyncio.wait_for(source.is_streaming.wait(), 30)
        supervisors = [p for p in here.processes() if "supervisor.embedding" in " ".join(p.cmdline())]
        supervisors[0].kill()
        with pytest.raises(ConversationError, match="killed by signal 9"):
            await talking

    asyncio.run(scenario())
    wait_for(lambda: not here.processes(), "the actors are gone")
    converse([Says({"text": "again"})], [Hears()])  # and what it left does not stand in the way of the next


def test_ctrl_c_at_a_terminal_ends_the_conversation_in_order_and_restores_the_modes(here):
    with terminal([sys.executable, "-c", AT_A_TERMINAL], here.environment) as user:
        user.wait_for("You: ?")
        user.type("hello\r")
        user.wait_for("Parrot: You said: hello")
        user.type("\x03")
        assert user.wait() in {-signal.SIGINT, 130, 1}
        assert here.leftovers() == []
        assert user.modes() == user.modes_before


def test_the_quit_command_at_a_terminal_ends_the_call(here):
    with terminal([sys.executable, "-c", AT_A_TERMINAL], here.environment) as user:
        user.wait_for("You: ?")
        user.type("hello\r")
        user.wait_for("Parrot: You said: hello")
        user.type("/quit\r")
        assert user.wait() == 0
        assert user.modes() == user.modes_before


def test_without_any_key_it_says_what_to_do_and_starts_nothing():
    with pytest.raises(ConversationError, match="GOOGLE_API_KEY") as caught:
        asyncio.run(GoogleRealtimeSession(MODEL).start([Waits()], [Hears()]))
    assert caught.value.exit_code == 6


def test_two_conversations_run_side_by_side_in_one_program_also_in_threads():
    one, two = Hears(), Hears()
    thread = threading.Thread(target=converse, args=([Says({"text": "first"})], [one]))
    thread.start()
    converse([Says({"text": "second"})], [two])
    thread.join()
    assert ["".join(hears.of("output_text")) for hears in (one, two)] == [
        "You said: first",
        "You said: second",
    ]


def test_a_hanging_and_a_failing_streamer_take_nothing_from_the_others(caplog):
    hears = Hears()
    source = Says({"text": "hello"})

    converse([source, Raises()], [Hangs(), Fails(), hears])

    assert "".join(hears.of("output_text")) == "You said: hello"
    assert hears.seconds > 0.5
    messages = [record.message for record in caplog.records]
    assert sum("Raises.stream_input failed" in message for message in messages) == 1
    assert sum("Fails.handle failed" in message for message in messages) == 1


def test_when_every_source_has_failed_the_call_fails_with_its_error():
    with pytest.raises(ConversationError, match="the source is broken") as caught:
        converse([Raises()], [Hears()])
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_streamer_that_cannot_be_initialized_ends_the_call_with_its_error():
    class Cannot(Hears):
        async def initialize(self, state):
            raise OSError("no such device")

    with pytest.raises(ConversationError, match=r"Cannot.initialize failed.*no such device"):
        converse([Waits()], [Cannot()])


def test_when_every_source_is_exhausted_it_ends_after_the_last_reply_was_heard():
    class Short(Says):
        async def note_states(self):
            pass

    hears = Hears(turns=99)
    source = Short({"text": "one"}, {"text": "two"})
    converse([source], [hears])

    assert "".join(hears.of("output_text")).endswith("You said: two")
    assert (source.calls, hears.calls) == (["initialize", "stream_input", "close"], ["initialize", "close"])


def test_a_line_cuts_the_reply_before_it_and_a_streamer_is_told_to_fall_silent(tmp_path):
    class Interrupts(Says):
        async def stream_input(self):
            await self.input_queue.put({"text": "speak slowly"})
            while len(hears.of("audio")) < 3:  # noqa: ASYNC110 - what a user waits for
                await asyncio.sleep(0.01)
            await self.input_queue.put({"text": "stop"})
            await self.note_states()

    (tmp_path / "script.json").write_text(json.dumps(SLOW))
    config = PARROT | {"actors": {"parrot": {"voice": "tones", "script": str(tmp_path / "script.json")}}}
    hears = Hears(turns=2)
    converse([Interrupts()], [hears], config=config)

    kinds = [next(iter(data)) for _, data in hears.got]
    cut = kinds.index("interrupted")
    assert kinds.count("interrupted") == 1
    assert kinds[:cut].count("audio") >= 3
    said = "".join(data.get("output_text", "") for _, data in hears.got[cut:])
    assert said == "You said: stop"
    assert hears.seconds < 5, "of 20 s that the reply would have lasted"


def test_a_text_is_in_the_conversation_exactly_once_though_the_session_is_killed(here, tmp_path):
    journal = tmp_path / "journal.jsonl"
    config = PARROT | {"actors": {"parrot": {"voice": "tones", "audio_speed": 0, "journal": str(journal)}}}
    words = [f"line {number}" for number in range(6)]

    class Kills(Says):
        async def stream_input(self):
            for number, word in enumerate(words):
                await self.input_queue.put({"text": word})
                if number == 3:
                    sessions = [p for p in here.processes() if _name(p) == "session"]
                    sessions[0].kill()

    converse([Kills()], [Hears(turns=99)], config=config)

    turns = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [turn for turn in turns if turn["event"] == "turn_complete"][-1]["texts"] == dict.fromkeys(
        words, 1
    )


def test_events_can_be_pushed_and_read():
    async def scenario():
        says, hears = EventInputStreamer(), EventOutputStreamer()
        texts = []

        async def talk():
            await says.send_text("hello")
            async for event in hears.events():
                texts.append(event.get("output_text", ""))
                if "text_complete" in event:
                    await says.end()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(talk())
            tasks.create_task(session().start([says], [hears]))
        with pytest.raises(Exception, match="over"):
            await says.send_text("too late")
        return "".join(texts)

    assert asyncio.run(scenario()) == "You said: hello"


def test_a_key_is_in_the_environment_of_the_supervisor_and_the_session_alone(here):
    key = "k" + os.urandom(12).hex()
    nowhere = {"model": {"base_url": "https://localhost:9"}}

    async def scenario():
        source = Waits()
        talking = asyncio.create_task(session(api_key=key, config=nowhere).start([source], [Hears()]))
        await asyncio.wait_for(source.is_streaming.wait(), 30)
        owners = sorted(_name(process) for process in here.processes() if key in process.environ().values())
        told = [word for process in here.processes() for word in process.cmdline() if key in word]
        files = [path for path in here.run_root.parent.rglob("*") if path.is_file() and key in _text(path)]
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        return owners, told, files

    assert asyncio.run(scenario()) == (["session", "supervisor.embedding"], [], [])


def test_a_key_given_as_an_argument_opens_a_conversation_that_the_variable_would_not(monkeypatch):
    monkeypatch.setenv("GOOGLE_API_KEY", "another-key")
    key, hears = secrets.token_urlsafe(20), Hears()
    with parrot(key=key) as server:
        at = {"base_url": server.base_url, "ca_file": str(server.ca_file)}
        converse([Says({"text": "hello"})], [hears], api_key=key, config={"model": at})
    assert "".join(hears.of("output_text")) == "You said: hello"


def test_a_service_account_as_a_dictionary_opens_a_conversation_and_is_in_no_other_file(here, tmp_path):
    token, hears = secrets.token_urlsafe(20), Hears()
    with (
        parrot(key=secrets.token_urlsafe(20), bearer=token) as server,
        token_server(token) as token_uri,
    ):
        account = json.loads(service_account(tmp_path / "account.json", token_uri).read_text())
        at = {"base_url": server.base_url, "ca_file": str(server.ca_file)}
        says = Watches({"text": "hello"}, root=here.run_root, secret=account["private_key"].splitlines()[3])
        converse([says], [hears], credentials_info=account, config={"model": at})
    assert "".join(hears.of("output_text")) == "You said: hello"
    assert [(path.name, mode) for path, mode in says.found] == [("account.json", 0o600)]


class Watches(Says):
    """Looks, in the middle of the conversation, where a secret stands."""

    def __init__(self, *items, root, secret):
        super().__init__(*items)
        self.root, self.secret, self.found = root, secret, []

    async def note_states(self):
        files = [
            path for path in self.root.parent.rglob("*") if path.is_file() and self.secret in _text(path)
        ]
        self.found = [(path, path.stat().st_mode & 0o777) for path in files]
        await super().note_states()


def _name(process: psutil.Process) -> str:
    words = process.cmdline()
    return words[words.index("-m") + 1 + ("boot" in words[words.index("-m") + 1])]


def _text(path):
    return path.read_bytes().decode(errors="replace")
