"""Microphone and loudspeaker on another machine: a namespace of its own, joined by a cable that somebody listens to."""

import contextlib
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import namespaces
import numpy as np
import pytest
import zmq
from namespaces import HOST_ADDRESS, Cable, being_in, cable, inside
from paired import machine, pair
from trees import Tree, environment, wait_for
from virtual_audio import speech_like, write_wav
from voices import MIC_HZ, REPLY_HZ, Arrivals, Talk, compare, says_wav, tell

from actors import wire
from actors.runtime import keyring

pytestmark = pytest.mark.skipif(bool(namespaces.why_not()), reason=namespaces.why_not() or "it can run")

CONTROL, MEDIA = (f"tcp://{HOST_ADDRESS}:{port}" for port in (7341, 7342))
REPLY = "antiphony"
HOST = """
[session]
name = "test"
duplex = "headset"
[model]
provider = "parrot"
[model.live.realtime_input_config]
automatic_activity_detection = {{disabled = true}}
[actors.console]
[actors.parrot]
voice = "tones"
journal = "{journal}"
script = "{script}"
keep_audio = "{directory}/tmp"
[actors.kitchen-mic]
kind = "mic"
on = "kitchen"
enabled = true
[actors.kitchen-speaker]
kind = "speaker"
on = "kitchen"
enabled = true
[actors.attic-mic]
kind = "mic"
on = "attic"
[supervision]
max_restarts = 10000
"""


@dataclass
class Remote:
    """Two paired machines in conversation."""

    cable: Cable
    host: Tree
    device: Tree
    talk: Talk
    voice: np.ndarray
    reply: np.ndarray

    def row(self, name):
        return next(row for row in self.host.status()["actors"] if row["name"] == name)

    def dropped(self, reason):
        return self.row("gate")["dropped"].get(reason, 0)

    def restarts(self):
        return {
            row["name"]: row["restarts"] for one in (self.host, self.device) for row in one.status()["actors"]
        }

    def gate_log(self):
        return (self.host.log_root / "test" / "gate.log").read_text()

    def speaks(self, text=REPLY):
        """Ask for a reply; gives what the remote loudspeaker has recorded since."""
        before = len(self.heard())
        self.talk.say(text)
        wait_for(
            lambda: len(np.flatnonzero(self.heard()[before:])) > 0.95 * np.count_nonzero(self.reply),
            "the reply is heard",
        )
        wait_for(lambda: not self.heard()[-REPLY_HZ // 4 :].any(), "the reply is over")
        return self.heard()[before:]

    def heard(self):
        pcm = (self.device.directory / "heard.wav").read_bytes()[44:]
        return np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype=np.int16)


@pytest.fixture(scope="module")
def remote(tmp_path_factory):
    path = tmp_path_factory.mktemp("remote")
    voice, reply = speech_like(4, MIC_HZ), speech_like(3, REPLY_HZ)
    write_wav(path / "voice.wav", np.concatenate([np.zeros(MIC_HZ * 2, np.int16), voice]), MIC_HZ)
    with (
        cable() as wires,
        machine(wires.host, HOST, [says_wav(path, REPLY, reply)]) as host,
        machine(wires.device, "") as device,
    ):
        pair(host, device, "kitchen", "mic,speaker")
        written = (device.directory / "config" / "device.toml").read_text()
        for old, new in (
            ('name = "kitchen"', 'name = "test"'),
            ('kind = "mic"\ndevice = ""', f'kind = "mic"\ndevice = "file:{path}/voice.wav"'),
            (
                'kind = "speaker"\ndevice = ""',
                f'kind = "speaker"\ndevice = "file:{device.directory}/heard.wav"',
            ),
            ('duplex = "half"', 'duplex = "headset"'),
        ):
            assert old in written
            written = written.replace(old, new, 1)
        device.config.write_text(written)
        host.start(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: host.row("gate").get("ready"), f"the gate is ready; {host.logs()}")
        with wires.overheard() as ear:
            device.start(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            device.wait_ready()
            host.wait_ready()
            made = Remote(wires, host, device, Talk(host), voice, reply)
            made.first = made.speaks()
            wait_for(lambda: len(made.talk.at_model()) > 7 * MIC_HZ, "the voice has arrived")
            made.payload = ear.payload
        yield made


def test_the_reply_is_heard_on_the_other_machine_as_the_model_sent_it(remote):
    alike, broken = compare(remote.first, remote.reply, REPLY_HZ)
    tell(correlation=alike, broken=broken, row=remote.row("kitchen-speaker")["remote"])
    assert alike > 0.99
    assert broken <= 2


def test_the_voice_of_the_other_machine_arrives_at_the_model_as_it_was_spoken(remote):
    alike, broken = compare(remote.talk.at_model(), remote.voice, MIC_HZ)
    assert alike > 0.99
    assert broken <= 2


def test_whoever_listens_to_the_cable_gets_neither_sound_nor_words(remote):
    pieces = [
        samples[at : at + 16].tobytes()
        for samples in (remote.voice, remote.reply)
        for at in range(0, len(samples) - 16, 400)
    ]
    words = [b"MicChunk", b"SpeechChunk", b"Hello", b"kitchen", b"parrot", REPLY.encode()]
    assert len(remote.payload) > (remote.voice.nbytes + remote.reply.nbytes) * 0.9
    assert [piece for piece in [*pieces, *words] if any(piece) and piece in remote.payload] == []


def test_status_tells_on_the_host_who_is_remote_and_on_the_device_whom_it_serves(remote):
    link = remote.row("kitchen-mic")["remote"]
    assert (link["device"], link["address"], link["connected"]) == (
        "kitchen",
        namespaces.DEVICE_ADDRESS,
        True,
    )
    assert link["last_seen_s"] < 5
    assert re.fullmatch(r"[a-z2-7]{8}", link["fingerprint"])
    assert remote.row("attic-mic")["state"] == "absent"
    host = remote.device.status()["conversation_host"]
    assert (host["address"], host["device"], host["is_connected"]) == (
        f"{HOST_ADDRESS}:7341",
        "kitchen",
        True,
    )
    for one, words in (
        (remote.host, f"on kitchen ({namespaces.DEVICE_ADDRESS}, key "),
        (remote.device, f"host: {HOST_ADDRESS}:7341"),
    ):
        with environment(one.environment):
            assert words in one.command("status", "test").stdout


# Attacks: by strangers, and by the holder of a paired microphone's key.


@dataclass
class Attacker:
    """A socket with no manners of ours, in the device's namespace."""

    socket: zmq.Socket
    boot_id: int = 0
    seq: int = 0

    def say(self, body, sender="attic-mic", **fields):
        self.seq += 1
        envelope = wire.Envelope(wire.VERSION, sender, self.boot_id, fields.get("seq", self.seq), 0, 1, body)
        with contextlib.suppress(zmq.Again):  # nobody lets it in
            self.socket.send(wire.encode(envelope), zmq.DONTWAIT)

    def hears(self, within_s=1.0):
        """Everything that comes in that time, as message names."""
        heard = []
        give_up_s = time.monotonic() + within_s
        while (left_s := give_up_s - time.monotonic()) > 0:
            if self.socket.poll(left_s * 1000):
                heard.append(type(wire.decode(self.socket.recv()).body).__name__)
        return heard


@contextlib.contextmanager
def attacker(remote, address, keys=None, host_key=None, boot_id=0):
    with being_in(remote.cable.device):
        context = zmq.Context()
        dealer = context.socket(zmq.DEALER)  # its I/O thread is born in this namespace, and stays in it
    dealer.set(zmq.LINGER, 0)
    dealer.set(zmq.PROBE_ROUTER, 1)
    if keys is not None:
        dealer.set(zmq.CURVE_PUBLICKEY, keys.public.encode())
        dealer.set(zmq.CURVE_SECRETKEY, keys.secret.encode())
        dealer.set(zmq.CURVE_SERVERKEY, host_key.encode())
    dealer.connect(address)
    try:
        yield Attacker(dealer, boot_id or time.monotonic_ns())
    finally:
        context.destroy(linger=0)


@pytest.fixture(scope="module")
def keys(remote):
    """The attic's keys, in the wrong hands; and the host's public one."""
    attic = keyring.own_keys(remote.device.directory / "attic.key", make=True)
    register = remote.host.directory / "config" / "devices.toml"
    device = keyring.Device(attic.public, ["mic"], "2026-01-01T00:00:00+00:00")
    keyring.write_register(register, keyring.read_register(register) | {"attic": device})
    host = keyring.own_keys(remote.host.directory / "config" / "host.key").public
    wait_for(lambda: "devices.toml has changed: 2 devices" in remote.gate_log(), "the gate knows the attic")
    return attic, host


@pytest.mark.parametrize("address", [CONTROL, MEDIA], ids=["control", "media"])
def test_a_stranger_gets_nothing_and_is_logged_once(remote, keys, address):
    before = remote.dropped("unknown_key")
    stranger = keyring.own_keys(remote.device.directory / f"stranger{address[-1]}.key", make=True)
    with attacker(remote, address, stranger, keys[1]) as unknown, attacker(remote, address) as plain:
        assert unknown.hears(1.0) == plain.hears(0.5) == []
    wait_for(lambda: remote.dropped("unknown_key") > before, "it is counted")
    assert remote.gate_log().count("(unknown_key)") == 1


def test_a_stolen_microphone_key_can_say_only_what_a_microphone_says_and_three_lies_shut_it_out(remote, keys):
    lines_before = len(remote.host.events("text"))
    with attacker(remote, MEDIA, *keys) as thief:
        assert thief.hears() == ["WhoIsThere"]
        thief.say(wire.Hello("mic", 1))
        assert "Welcome" in thief.hears()
        thief.say(wire.TextLine(wire.LineId("x", 1), "obey me"))
        thief.say(wire.Hello("speaker", 1), "kitchen-speaker")
        wait_for(lambda: remote.dropped("role") and remote.dropped("forged"), "both are counted")
        thief.say(wire.MicPaused(), seq=1)
        wait_for(lambda: remote.dropped("banned"), "it is shut out")
        thief.hears(0.5)
        thief.say(wire.MicPaused())
        assert thief.hears(1.0) == []
    log = remote.gate_log()
    assert [
        log.count(f"refused attic ({reason})") for reason in ("role", "forged", "replayed", "banned")
    ] == [1, 1, 1, 1]
    assert len(remote.host.events("text")) == lines_before
    assert remote.row("kitchen-speaker")["remote"]["connected"]
    assert remote.restarts() == dict.fromkeys(remote.restarts(), 0)


# What becomes of a device.


def is_connected(remote):
    return (
        remote.row("kitchen-mic")["remote"]["connected"]
        and remote.row("kitchen-speaker")["remote"]["connected"]
    )


def test_a_gate_that_is_killed_is_replaced_and_the_device_is_back_by_itself(remote):
    remote.host.kill("gate")
    wait_for(lambda: remote.row("gate")["restarts"] == 1 and is_connected(remote), "the device is back")
    remote.device.wait_ready()
    assert {row["restarts"] for row in remote.device.status()["actors"]} == {0}
    assert compare(remote.speaks(), remote.reply, REPLY_HZ)[0] > 0.99


def test_a_revoked_device_is_cut_off_within_a_second_and_stays_out_until_it_is_let_in_again(remote):
    arrivals = Arrivals(remote.talk.ear)
    register = remote.host.directory / "config" / "devices.toml"
    paired = keyring.read_register(register)
    assert remote.host.command("revoke", "kitchen").returncode == 0
    revoked_s = time.monotonic()
    wait_for(lambda: "refuses our key" in remote.device.logs(), "it has tried to come back")
    wait_for(lambda: not remote.row("kitchen-mic")["remote"]["connected"], "the host shows it")
    arrivals.stop()
    cut_after_s = max(came_s for came_s, _ in arrivals.seen) - revoked_s
    tell(cut_after_s=cut_after_s)
    assert cut_after_s < 1.0
    assert not remote.row("kitchen-speaker")["remote"]["connected"]
    wait_for(lambda: not remote.device.status()["conversation_host"]["is_connected"], "so does the device")
    found = remote.device.status()
    assert (found["state"], found["why"]) == ("degraded", f"no connection to {HOST_ADDRESS}:7341")
    keyring.write_register(register, paired)
    wait_for(lambda: is_connected(remote), "it is let in again")
    assert {row["restarts"] for row in remote.device.status()["actors"]} == {0}


def test_what_was_recorded_on_the_cable_opens_nothing_when_it_is_played_again(remote):
    with remote.cable.overheard() as ear:
        assert remote.device.command("restart", "kitchen-mic").returncode == 0
        samples = remote.talk.samples_at_model()
        wait_for(lambda: remote.talk.samples_at_model() > samples + MIC_HZ, "it speaks")
    recorded = connections_in(ear.frames)
    assert {port for port, _ in recorded} == {7341, 7342}
    remote.device.process.terminate()
    assert remote.device.process.wait(30) == 0
    wait_for(lambda: not remote.row("kitchen-mic")["remote"]["connected"], "it is gone")
    samples, frames = remote.talk.samples_at_model(), remote.talk.row("gate")["frames_in"]
    for port, payload in recorded:
        play_again(remote.cable, port, payload)
    assert remote.talk.samples_at_model() == samples
    assert remote.talk.row("gate")["frames_in"] == frames
    assert remote.row("gate")["state"] == "ready"


def play_again(wires, port, payload):
    with being_in(wires.device):
        replay = socket.create_connection((HOST_ADDRESS, port), timeout=5)
    with replay, contextlib.suppress(OSError):
        replay.sendall(payload)
        while replay.recv(4096):  # until it is hung up on
            pass


def connections_in(frames):
    """What each connection that began on the cable sent to the gate, by the gate's port."""
    found = {}
    for frame in frames:
        if frame[12:14] != b"\x08\x00" or frame[23] != 6:
            continue
        at = 14 + (frame[14] & 15) * 4
        source, port = (
            int.from_bytes(frame[at : at + 2], "big"),
            int.from_bytes(frame[at + 2 : at + 4], "big"),
        )
        if port in {7341, 7342} and frame[at + 13] & 2:
            found[source] = (port, [])
        elif source in found:
            found[source][1].append(namespaces._tcp_payload(frame))
    return [(port, b"".join(parts)) for port, parts in found.values()]


# An attack on the door, and the conversation inside.

IDLE = 500
ATTEMPTS = 3
"""The machine may be busy with something else in one half of a comparison."""
LOCAL = """
[session]
name = "test"
duplex = "headset"
[model]
provider = "parrot"
[model.live.realtime_input_config]
automatic_activity_detection = {{disabled = true}}
[actors.mic]
device = "file:{directory}/silence.wav"
[actors.console]
[actors.parrot]
voice = "tones"
[actors.kitchen-speaker]
kind = "speaker"
on = "kitchen"
"""


def test_500_idle_connections_do_not_slow_the_voice_of_a_local_microphone_nor_the_device():
    with cable() as wires, machine(wires.host, LOCAL) as host:
        write_wav(host.directory / "silence.wav", np.zeros(MIC_HZ, np.int16), MIC_HZ)
        keys = keyring.own_keys(host.directory / "kitchen.key", make=True)
        config = host.directory / "config"
        config.mkdir(mode=0o700)
        device = keyring.Device(keys.public, ["speaker"], "2026-01-01T00:00:00+00:00")
        keyring.write_register(config / "devices.toml", {"kitchen": device})
        host_key = keyring.own_keys(config / "host.key", make=True).public
        host.start(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        host.wait_ready()
        remote = Remote(wires, host, host, Talk(host), np.zeros(0), np.zeros(0))
        with attacker(remote, CONTROL, keys, host_key) as kitchen:
            kitchen.say(wire.Hello("speaker", 1), "kitchen-speaker")
            assert "Snapshot" in kitchen.hears()
            for _ in range(ATTEMPTS):
                calm = latency_after(remote, 5.0, kitchen)
                with idle_connections(wires):
                    wait_for(lambda: remote.row("gate")["fds"] > 100, "the gate holds connections")
                    attacked = latency_after(remote, 8.0, kitchen)
                tell(calm=calm, attacked=attacked)
                if attacked["p50"] < 1.2 * calm["p50"]:
                    break
            assert attacked["p50"] < 1.2 * calm["p50"]
            assert remote.row("gate")["restarts"] == 0


def latency_after(remote, seconds, kitchen):
    """The latency of the local voice while the device is asked for its clock, and answers, all the time."""
    asked = 0
    give_up_s = time.monotonic() + seconds
    while time.monotonic() < give_up_s:
        asked += kitchen.hears(0.5).count("ClockAsk")
    assert asked >= seconds / 4
    return remote.host.status()["latency_ms"]["mic_to_send"]


@contextlib.contextmanager
def idle_connections(wires):
    """Hold 500 connections that say nothing, and make them anew when they are hung up on."""
    script = Path(__file__).parent.parent / "idle_connections.py"
    process = subprocess.Popen(
        [*inside(wires.device), sys.executable, str(script), HOST_ADDRESS, "7341", "7342", str(IDLE)],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"there\n"
        yield
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
