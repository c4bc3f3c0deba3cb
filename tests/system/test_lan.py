"""Finding the host by what it announces in the local network: two namespaces on one cable, with somebody there who lies."""

import contextlib
import os
import subprocess
import sys
from dataclasses import replace

import namespaces
import pytest
from namespaces import HOST_ADDRESS, being_in, cable, inside
from paired import machine, pair
from trees import wait_for

from actors.runtime import keyring
from actors.runtime.lan import announced
from actors.runtime.sighting import badge_of
from supervisor.config import load
from supervisor.remote.invitation import Invitation

pytestmark = pytest.mark.skipif(bool(namespaces.why_not()), reason=namespaces.why_not() or "it can run")

LIAR_PORT = 7350
NOBODY, ELSEWHERE = "10.78.0.99", "10.78.0.7"
CONVERSATION = """
[session]
name = "test"
[model]
provider = "parrot"
[actors.console]
[actors.parrot]
voice = "tones"
audio_speed = 0
[actors.kitchen-speaker]
kind = "speaker"
on = "kitchen"
enabled = true
[gate]
announce = true
"""


class Machine:
    """A namespace, and a configuration directory of its own."""

    def __init__(self, namespace, directory):
        self.prefix = [*inside(namespace), sys.executable, "-m", "supervisor"]
        self.directory = directory
        self.environment = {**os.environ, "ANTIPHON_CONFIG_DIR": str(directory)}

    def join(self, line):
        return subprocess.run(
            [*self.prefix, "join", "-"],
            env=self.environment,
            input=line,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    @contextlib.contextmanager
    def pairing(self, *words):
        """Run `pair kitchen-pi`; gives its line and the process."""
        process = subprocess.Popen(
            [*self.prefix, "pair", "kitchen-pi", "--yes", *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        try:
            yield process.stdout.readline(), process
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def register(self):
        return keyring.read_register(self.directory / "devices.toml")


@pytest.fixture
def lan(tmp_path):
    with cable() as wires:
        host, thief = (Machine(wires.host, tmp_path / name) for name in ("host", "thief"))
        yield wires, host, thief, Machine(wires.device, tmp_path / "device")


def test_a_device_joins_by_a_line_without_an_address_and_what_is_announced_names_nothing(lan):
    wires, host, _, device = lan
    with wires.overheard() as ear, host.pairing("--lan") as (line, pairing):
        joined = device.join(line)
        assert (joined.returncode, pairing.wait(30)) == (0, 0), joined.stderr
        frames = list(ear.frames)
    assert line.count(":") == 2
    assert load(device.directory / "device.toml").host.address == HOST_ADDRESS
    assert list(host.register()) == ["kitchen-pi"]
    announcements = b"".join(frame for frame in frames if frame[23] == 17)
    names = ["kitchen", os.uname().nodename, *line.strip().split(":")[1:]]
    assert badge_of(keyring.own_keys(host.directory / "host.key").public).encode() in announcements
    assert [name for name in names if name.encode() in announcements] == []


def test_whoever_wears_the_badge_without_the_key_is_refused_and_does_not_keep_the_device_from_its_host(lan):
    wires, host, thief, device = lan
    with thief.pairing("--port", str(LIAR_PORT), "--address", HOST_ADDRESS) as (trap, waiting):
        assert trap
        with host.pairing("--address", HOST_ADDRESS) as (line, _):
            placeless = str(replace(Invitation.parse(line), address="", port=0))
            key = Invitation.parse(line).host_key
            with being_in(wires.host), announced(LIAR_PORT, key):
                refused = device.join(placeless)
        with being_in(wires.host):
            lie = announced(LIAR_PORT, key)
        with lie, host.pairing("--lan") as (line, pairing):
            joined = device.join(line)
            assert (joined.returncode, pairing.wait(30)) == (0, 0), joined.stderr
        assert waiting.poll() is None
    assert refused.returncode == 1
    assert f"{HOST_ADDRESS} port {LIAR_PORT}, but nobody has the host's key there" in refused.stderr
    assert "fingerprint" not in refused.stderr
    assert (list(host.register()), thief.register()) == (["kitchen-pi"], {})


def test_a_device_whose_line_has_an_address_that_leads_nowhere_finds_the_host_all_the_same(lan):
    _, host, _, device = lan
    with host.pairing("--lan", "--address", NOBODY) as (line, pairing):
        joined = device.join(line)
        assert (joined.returncode, pairing.wait(30)) == (0, 0), joined.stderr
    assert f"No answer from {NOBODY} yet" in joined.stderr
    assert load(device.directory / "device.toml").host.address == HOST_ADDRESS


def test_an_announcement_ends_with_its_invitation_and_then_nobody_is_found(lan):
    _, host, _, device = lan
    with host.pairing("--lan") as (line, pairing):
        pairing.terminate()
        pairing.wait(30)
    ended = device.join(line)
    assert ended.returncode == 1
    assert "nobody announces the host in this network" in ended.stderr


# A host that moves.


def test_a_device_finds_its_host_again_when_that_has_another_address():
    quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    with (
        cable() as wires,
        machine(wires.host, CONVERSATION) as host,
        machine(wires.device, "") as device,
    ):
        pair(host, device, "kitchen", "speaker")
        written = (device.directory / "config" / "device.toml").read_text()
        assert "search = true" in written
        heard = f'device = "file:{device.directory}/heard.wav"'
        device.config.write_text(
            written.replace('name = "kitchen"', 'name = "test"').replace('device = ""', heard)
        )
        host.start(**quiet)
        device.start(**quiet)
        host.wait_ready()
        wait_for(lambda: serves(device) == (f"{HOST_ADDRESS}:7341", True), "they have found each other")
        wires.move_host(ELSEWHERE)
        wait_for(lambda: serves(device) == (f"{ELSEWHERE}:7341", True), f"it is found; {device.logs()}", 60)
        host.wait_ready()
        restarts = {row["name"]: row["restarts"] for row in host.status()["actors"]}
        assert set(restarts.values()) == {0}, restarts
        assert f"announced at {ELSEWHERE}" in host.command("status", "test").stdout


def serves(device):
    host = device.status()["conversation_host"]
    return host["address"], host["is_connected"]
