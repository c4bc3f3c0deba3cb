"""Each example of the Python API does what it says."""

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import websockets
from programs import PARROT, home
from virtual_audio import VirtualAudio, why_not

from actors.runtime import keyring
from actors.runtime.bus.curve import new_keys

EXAMPLES = Path(__file__).resolve().parents[2] / "scripts" / "examples"


@pytest.fixture(autouse=True)
def here(short_dir):
    with home(short_dir) as made:
        yield made
        assert made.leftovers() == []


def run(here, name, *words, said="hello\n", **options):
    return subprocess.run(
        [sys.executable, str(EXAMPLES / name), *words],
        env=here.environment,
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


def test_every_example_is_run_here():
    mine = Path(__file__).read_text()
    assert [path.name for path in EXAMPLES.glob("*.py") if path.stem not in mine] == []


def test_basic(here):
    ended = run(here, "basic.py")
    assert (ended.stdout, ended.returncode, ended.stderr) == ("You said: hello\n", 0, "")


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_voice(here):
    with VirtualAudio() as sound:
        here.environment |= sound.env
        ended = run(here, "voice.py")
    assert (ended.stdout, ended.returncode) == ("You said: hello\n", 0)


def test_authentication_says_what_is_wrong_with_a_service_account(here, tmp_path):
    file = tmp_path / "account.json"
    file.write_text(json.dumps({"client_email": "me"}))
    ended = run(here, "authentication.py", str(file))
    assert ended.returncode == 1
    assert "private_key" in ended.stderr


def test_own_streamers(here, tmp_path):
    ended = run(here, "own_streamers.py", str(tmp_path / "said.txt"))
    assert ended.returncode == 0
    assert "You said: one" in ended.stdout
    assert "You said: one" in (tmp_path / "said.txt").read_text()


def test_lamp(here, tmp_path):
    script = tmp_path / "script.json"
    call = {"name": "switch_lamp", "args": {"room": "kitchen", "is_on": True}}
    script.write_text(json.dumps([{"when": {"contains": "lamp"}, "do": {"tool_call": call}}]))
    config = PARROT | {"actors": {"parrot": {"voice": "tones", "script": str(script)}}}
    program = f"import asyncio, lamp; asyncio.run(lamp.main({config!r}))"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=here.environment,
        cwd=EXAMPLES,
        input="the lamp please\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "the lamp in the kitchen is on" in ended.stdout


def test_web_server(here):
    async def visit(port):
        async with websockets.connect(f"ws://localhost:{port}/talk") as socket:
            await socket.send("hello")
            said, pcm = "", 0
            async for message in socket:
                event = {} if isinstance(message, bytes) else json.loads(message)
                pcm += len(message) if isinstance(message, bytes) else 0
                said += event.get("output_text", "")
                if "text_complete" in event:
                    break
            return said, pcm

    async def visit_twice(port):
        return await asyncio.gather(visit(port), visit(port))

    with running(here, "web_server.py", "0") as server:
        port = server.stdout.readline().strip().rpartition(":")[2]
        with urllib.request.urlopen(f"http://localhost:{port}/") as answer:
            assert b"<title>Antiphon</title>" in answer.read()
        answers = asyncio.run(asyncio.wait_for(visit_twice(port), 60))

    assert [said for said, _ in answers] == ["You said: hello"] * 2
    assert all(pcm > 10_000 for _, pcm in answers)


@contextlib.contextmanager
def running(here, name, *words):
    """Run an example until the block is left, as if by Ctrl-C."""
    with subprocess.Popen(
        [sys.executable, str(EXAMPLES / name), *words],
        env=here.environment,
        text=True,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(2)
            process.wait(30)


def test_remote_speaker_says_that_it_has_to_be_paired_first(here, tmp_path):
    here.environment["ANTIPHON_CONFIG_DIR"] = str(tmp_path)
    ended = run(here, "remote_speaker.py")
    assert ended.returncode == 6
    assert "pair this machine first" in ended.stderr


def test_remote_speaker_talks_while_the_device_is_away(here, tmp_path):
    keyring.own_keys(tmp_path / keyring.HOST_KEY, make=True)
    device = keyring.Device(new_keys().public, ["speaker"], "2026-01-01T00:00:00+00:00")
    keyring.write_register(tmp_path / keyring.REGISTER, {"kitchen-pi": device})
    here.environment["ANTIPHON_CONFIG_DIR"] = str(tmp_path)
    ports = [free_port(), free_port()]
    gate = f"address='127.0.0.1', control_port={ports[0]}, media_port={ports[1]}"
    program = f"import asyncio, remote_speaker; asyncio.run(remote_speaker.main('kitchen-pi', {gate}))"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=here.environment,
        cwd=EXAMPLES,
        input="hello\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout == "You said: hello\n"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
