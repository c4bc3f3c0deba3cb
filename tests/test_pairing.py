"""Pairing: one line carried by hand, good for one device and ten minutes; both users see the same fingerprint."""

import os
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from actors.runtime import keyring
from actors.runtime.bus.curve import new_keys
from supervisor.config import load
from supervisor.remote.invitation import Invitation, new_token
from supervisor.remote.window import MOST_WRONG, OPEN_S, Window

RIGHT, WRONG = b"r" * 16, b"w" * 16


@pytest.mark.parametrize("address", ["10.0.0.1", "fe80::1", "studio.local"])
def test_an_invitation_comes_out_as_it_went_in(address):
    sent = Invitation(address, 7340, new_keys().public, new_token())
    assert Invitation.parse(f"  {sent}\n") == sent
    assert re.fullmatch(r"[a-z0-9:.]+", str(sent))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-3],
        lambda text: text[20:],
        lambda _: "hello",
        lambda _: "",
        lambda text: text.replace(":7340:", ":0:"),
        lambda text: text.replace(":7340:", ":x:"),
        lambda text: text.replace("10.0.0.1", ""),
        lambda text: text[:-1] + "!",
    ],
)
def test_a_damaged_invitation_is_refused_and_not_repeated(spoil):
    whole = str(Invitation("10.0.0.1", 7340, new_keys().public, new_token()))
    with pytest.raises(ValueError, match="copy the whole line") as caught:
        Invitation.parse(spoil(whole))
    assert whole[-20:] not in str(caught.value)


def test_a_token_is_not_shown_by_accident():
    invitation = Invitation("10.0.0.1", 7340, new_keys().public, b"secret-secret-16")
    assert "secret" not in repr(invitation)


def test_a_token_is_right_once():
    window = Window(RIGHT, closes_s=OPEN_S)
    assert [window.judge(RIGHT, 1.0), window.judge(RIGHT, 2.0), window.judge(WRONG, 3.0)] == [
        "right",
        "over",
        "over",
    ]


def test_wrong_tokens_close_the_window():
    window = Window(RIGHT, closes_s=OPEN_S)
    assert [window.judge(WRONG, 1.0) for _ in range(MOST_WRONG)] == ["wrong"] * MOST_WRONG
    assert window.judge(RIGHT, 2.0) == "over"


def test_a_token_is_good_for_ten_minutes():
    window = Window(RIGHT, closes_s=OPEN_S)
    assert window.judge(RIGHT, OPEN_S) == "over"


# The commands, as two users on two machines run them.


class Machine:
    """A configuration directory of its own, and commands that see no other."""

    def __init__(self, directory):
        self.directory = directory
        self.environment = {**os.environ, "ANTIPHON_CONFIG_DIR": str(directory)}
        self.started = []

    def command(self, *words, **options):
        command = [sys.executable, "-m", "supervisor", *words]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, check=False, **options
        )

    def start(self, *words):
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [sys.executable, "-m", "supervisor", *words],
            env=self.environment,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )
        self.started.append(process)
        return process

    def register(self):
        return keyring.read_register(self.directory / "devices.toml")


@pytest.fixture
def machines(tmp_path):
    made = [Machine(tmp_path / name) for name in ("host", "device", "thief")]
    yield made
    for process in [process for machine in made for process in machine.started]:
        process.kill()
        process.communicate()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def fingerprint_in(text):
    return re.search(r"^ {4}((?:[a-z2-7]{4} ?){6})$", text, re.MULTILINE)[1]


def read_until(process, words):
    """What it has said on stderr, up to and with these words."""
    said = ""
    while words not in said:
        character = process.stderr.read(1)
        assert character, f"it ended without {words!r}, after {said!r}"
        said += character
    return said


def invite(host, *words):
    """Run `pair` up to its invitation."""
    pairing = host.start("pair", "kitchen-pi", "--address", "127.0.0.1", "--port", free_port(), *words)
    return pairing, pairing.stdout.readline()


def test_two_machines_are_paired_by_one_line_and_a_yes_and_show_the_same_fingerprint(machines):
    host, device, thief = machines
    pairing, line = invite(host, "--ttl", "2h")
    joining = device.start("join", "-")
    joining.stdin.write(line)
    joining.stdin.flush()
    said, asked = read_until(joining, "Waiting for its yes"), read_until(pairing, "[y/N]")
    late = thief.command("join", "-", input=line)  # it has read the line, too, but comes second
    pairing.communicate("y\n", timeout=30)
    joined, _ = joining.communicate(timeout=30)

    assert fingerprint_in(said) == fingerprint_in(asked)
    assert (pairing.returncode, joining.returncode) == (0, 0)
    assert (late.returncode, "used already" in late.stderr) == (1, True)
    entry = host.register()["kitchen-pi"]
    assert (entry.roles, entry.key) == (
        ["mic", "speaker"],
        keyring.own_keys(device.directory / "device.key").public,
    )
    assert timedelta(hours=1) < datetime.fromisoformat(entry.expires) - datetime.now(UTC) < timedelta(hours=2)
    settings = load(device.directory / "device.toml")
    assert joined == f"Paired. Start with: supervisor start {device.directory / 'device.toml'}\n"
    assert (settings.host.address, settings.host.device, set(settings.actors)) == (
        "127.0.0.1",
        "kitchen-pi",
        {"kitchen-pi-mic", "kitchen-pi-speaker"},
    )
    assert settings.host.public_key == keyring.own_keys(host.directory / "host.key").public
    files = [path for machine in (host, device) for path in machine.directory.iterdir()]
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}
    assert [path.name for path in thief.directory.iterdir()] == ["device.key"]


def test_a_device_that_the_user_does_not_want_is_not_entered(machines):
    host, device, _ = machines
    pairing, line = invite(host)
    joining = device.start("join", "-")
    joining.stdin.write(line)
    joining.stdin.flush()
    read_until(pairing, "[y/N]")
    _, said = pairing.communicate("\n", timeout=30)
    _, told = joining.communicate(timeout=30)
    assert (pairing.returncode, joining.returncode, host.register()) == (1, 1, {})
    assert "nobody was paired" in said
    assert "the host said no" in told
    assert not (device.directory / "device.toml").exists()


def test_wrong_tokens_are_told_and_after_five_the_invitation_is_void(machines):
    host, device, _ = machines
    pairing, line = invite(host, "--yes")
    whole = Invitation.parse(line)
    wrong = str(Invitation(whole.address, whole.port, whole.host_key, WRONG))
    tries = [device.command("join", "-", input=wrong) for _ in range(MOST_WRONG)]
    _, said = pairing.communicate(timeout=30)
    assert {attempt.returncode for attempt in tries} == {1}
    assert "the token is wrong" in tries[0].stderr
    assert (pairing.returncode, host.register()) == (1, {})
    assert f"{MOST_WRONG} wrong tokens" in said


def test_a_name_is_given_once_and_free_again_after_revoke(machines):
    host, device, _ = machines
    pairing, line = invite(host, "--yes", "--roles", "mic")
    assert device.command("join", "-", input=line).returncode == 0
    pairing.communicate(timeout=30)
    again = host.command("pair", "kitchen-pi", "--port", free_port())
    assert (again.returncode, "supervisor revoke kitchen-pi" in again.stderr) == (1, True)
    assert host.command("revoke", "kitchen-pi").returncode == 0
    assert host.register()["kitchen-pi"].revoked
    assert "kitchen-pi  (mic, " in (listed := host.command("devices").stdout)
    assert "revoked" in listed
    pairing, line = invite(host, "--yes")
    assert device.command("join", "-", input=line).returncode == 0
    pairing.communicate(timeout=30)
    assert not host.register()["kitchen-pi"].revoked
    assert (device.directory / "device.toml.before").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["pair", "a/b"], "at most 24 letters"),
        (["pair", "x" * 25], "at most 24"),
        (["pair", "pi", "--roles", "keyboard"], "mic and speaker"),
        (["pair", "pi", "--ttl", "soon"], "30m, 12h or 7d"),
        (["join", "antiphon1:x"], "invalid choice"),
    ],
)
def test_wrong_words_are_usage_errors(machines, words, told):
    ended = machines[0].command(*words)
    assert (ended.returncode, told in ended.stderr) == (2, True)


def test_revoking_somebody_who_is_not_there_says_who_is(machines):
    ended = machines[0].command("revoke", "attic")
    assert (ended.returncode, "there is none" in ended.stderr) == (1, True)
