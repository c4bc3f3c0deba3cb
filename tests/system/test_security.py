"""The key reaches the session and nobody else: no argument list, log, file, answer, or environment of another process."""

import asyncio
import contextlib
import re
import threading
from pathlib import Path

import psutil
import pytest
from trees import CONFIG, tree, wait_for

from actors.model.parrot.options import ParrotOptions
from actors.model.parrot.server import Parrot

CANARY = "AIzaSyCANARYcanaryCANARYcanaryCANARY123"
GEMINI = """
[session]
name = "test"
[model]
provider = "gemini"
base_url = "{base_url}"
ca_file = "{ca_file}"
[actors.keyboard]
[actors.console]
"""


@contextlib.contextmanager
def service(key):
    """A stand-in for the real service, in this process, that lets in who has the key."""
    parrot, loop = Parrot(ParrotOptions(voice="tones", audio_speed=0), key=key), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(parrot.start(), loop).result(20)
    try:
        yield parrot
    finally:
        asyncio.run_coroutine_threadsafe(parrot.stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def gemini_config(parrot):
    return GEMINI.format(base_url=parrot.base_url, ca_file=parrot.ca_file)


def holders(conversation):
    """The actors in whose environment the key is, by name."""
    names = {row["pid"]: row["name"] for row in conversation.status()["actors"]}
    return {names[actor.pid] for actor in conversation.actors() if CANARY in str(actor.environ())}


def places(conversation):
    """Where the key is to be read: argument lists, files of the conversation, answers of commands."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            found += [f"argv of {process.pid}"] if CANARY in " ".join(process.cmdline()) else []
    for file in conversation.directory.rglob("*"):
        if file.is_file() and CANARY.encode() in file.read_bytes():
            found.append(str(file))
    for words in (("status",), ("status", "--json"), ("logs",), ("check", str(conversation.config))):
        answer = conversation.command(*words)
        found += [" ".join(words)] if CANARY in answer.stdout + answer.stderr else []
    return found


def test_with_the_parrot_a_key_in_the_environment_reaches_no_process_at_all():
    with tree(environment={"GOOGLE_API_KEY": CANARY, "MY_PASSWORD": CANARY}) as conversation:
        process = conversation.start_ready()
        process.stdin.write(b"hello\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"You said: hello\n"
        assert holders(conversation) == set()
        assert places(conversation) == []
        process.stdin.close()
        assert process.wait(30) == 0
        assert CANARY.encode() not in process.stderr.read()


def test_with_gemini_only_the_session_has_the_key_also_when_it_is_restarted_or_crashes():
    with service(CANARY) as parrot, tree(gemini_config(parrot), {"GOOGLE_API_KEY": CANARY}) as conversation:
        process = conversation.start_ready()
        for word in ("one", "two"):
            process.stdin.write(f"{word}\n".encode())
            process.stdin.flush()
            assert process.stdout.readline() == f"You said: {word}\n".encode()
            assert holders(conversation) == {"session"}
            assert places(conversation) == []
            if word == "one":
                wait_for(lambda: parrot.journal.named("handle"), "a handle")
                killed = conversation.kill("session", 6)  # SIGABRT: its stacks go to the log
                wait_for(
                    lambda killed=killed: conversation.pid("session") not in {None, killed}, "another session"
                )
        assert "Fatal Python error: Aborted" in conversation.command("logs", "session").stdout
        process.stdin.close()
        assert process.wait(30) == 0
        assert CANARY.encode() not in process.stderr.read()
        assert places(conversation) == []


def test_a_refused_key_ends_with_6_and_the_name_of_its_variable_but_not_the_key():
    with (
        service("another key") as parrot,
        tree(gemini_config(parrot), {"GOOGLE_API_KEY": CANARY}) as conversation,
    ):
        ended = conversation.converse("hello\n")
        assert ended.returncode == 6
        assert "the API key was refused" in ended.stderr
        assert "model.api_key_env" in ended.stderr
        assert CANARY not in ended.stdout + ended.stderr
        assert places(conversation) == []


@pytest.mark.parametrize(
    "setting",
    [
        f'api_key = "{CANARY}"',
        f'token = "{CANARY}"',
        f'api_key_env = "{CANARY}"',
        f'api_key_env = "{CANARY}-"',
    ],
)
def test_a_key_in_a_file_is_refused_and_not_repeated(setting):
    with tree(CONFIG.replace("[model]\n", f"[model]\n{setting}\n")) as conversation:
        ended = conversation.converse("hello\n")
        assert ended.returncode == 6
        assert str(conversation.config) in ended.stderr
        assert CANARY not in ended.stderr


@pytest.fixture(scope="module")
def running():
    """A conversation whose user has a careless umask."""
    with tree() as conversation:
        conversation.start_ready(umask=0)
        yield conversation


def test_everything_a_conversation_puts_down_is_for_its_owner_alone(running):
    files = [
        path for root in (running.run_dir, running.log_root / "test") for path in [root, *root.rglob("*")]
    ]
    assert len(files) > 10
    assert {str(path): oct(path.stat().st_mode) for path in files if path.stat().st_mode & 0o077} == {}


def test_nothing_listens_but_the_parrot_and_that_on_loopback_only(running):
    names = {row["pid"]: row["name"] for row in running.status()["actors"]}
    listening = {
        (names[actor.pid], socket.laddr.ip)
        for actor in running.actors()
        for socket in actor.net_connections("inet")
        if socket.status == psutil.CONN_LISTEN or not socket.raddr
    }
    assert listening == {("parrot", "127.0.0.1")}


def test_no_actor_may_leave_a_core_file_in_which_a_key_could_be_read(running):
    limits = [Path(f"/proc/{actor.pid}/limits").read_text() for actor in running.actors()]
    assert [bool(re.search(r"Max core file size\s+0\s+0\s", text)) for text in limits] == [True] * 5
