"""Whole conversations with a voice: a tree on virtual devices, a parrot that says what a test gives it, and what was heard."""

import contextlib
import itertools
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from trees import Tree, environment, tree, wait_for
from virtual_audio import (
    SINK_RATE_HZ,
    Recording,
    Samples,
    VirtualAudio,
    broken_blocks,
    correlation,
    is_sound,
    write_wav,
)

from supervisor import client
from supervisor.instance import Instance

MIC_HZ = 16_000
REPLY_HZ = 24_000
WAV_HEADER_BYTES = 44

CONFIG = """
[session]
name = "test"
duplex = "{duplex}"
[model]
provider = "parrot"
{model}
[actors.keyboard]
[actors.console]
[actors.mic]
enabled = {enabled}
device = "{mic}"
[actors.speaker]
enabled = {enabled}
device = "{speaker}"
[actors.parrot]
voice = "tones"
journal = "{{journal}}"
script = "{{script}}"
keep_audio = "{{directory}}/tmp"
[supervision]
max_restarts = 10000
"""
DEAF = """[model.live.realtime_input_config]
automatic_activity_detection = {{disabled = true}}
"""
"""The model takes the user's voice without looking for turns in it."""


def config(
    duplex: str = "headset", *, is_deaf: bool = False, mic: str = "", speaker: str = "", enabled: str = "true"
) -> str:
    """Make a configuration for `trees.tree`."""
    model = DEAF if is_deaf else ""
    return CONFIG.format(duplex=duplex, model=model, mic=mic, speaker=speaker, enabled=enabled)


def says(text: str, **reply: Any) -> dict[str, Any]:
    """Make a rule: this is answered like that (see `parrot/script.py`)."""
    return {"when": {"text": text}, "do": {"reply": {"text": text, **reply}}}


def says_wav(path: Path, text: str, pcm: Samples, **reply: Any) -> dict[str, Any]:
    """Make a rule: this is answered with exactly these samples, 24 kHz."""
    return says(text, wav=str(write_wav(path / f"{text}.wav", pcm, REPLY_HZ)), **reply)


class Talk:
    """A running tree, and what a user would do with it."""

    def __init__(self, running: Tree) -> None:
        self.tree = running

    def say(self, text: str) -> None:
        """Type a line; returns when the model has it."""
        with environment(self.tree.environment):
            client.say(Instance("test"), text)

    def interrupt(self) -> None:
        """Press the key that cuts the reply short."""
        with environment(self.tree.environment):
            client.interrupt(Instance("test"))

    def set(self, key: Any, value: Any) -> None:
        """Set a shared value, as `supervisor mute` does."""
        with environment(self.tree.environment):
            client.set_state(Instance("test"), key, value)

    def state(self, key: str) -> Any:
        """Read a shared value from the state file; it is at most one heartbeat old."""
        return self.tree.status()["conversation"][key]

    def row(self, name: str) -> dict[str, Any]:
        """Read an actor's row of the status."""
        return next(row for row in self.tree.status()["actors"] if row["name"] == name)

    def wait_turn(self, text: str, count: int = 1) -> dict[str, Any]:
        """Wait until the turn with this text is over at the model, for the count-th time."""
        return wait_for(
            lambda: self.turns(text)[count - 1 : count],
            f"the turn {text!r} is over; {self.tree.logs()}",
            within_s=400,
        )[0]

    def turns(self, text: str) -> list[dict[str, Any]]:
        """Return the turns with this text that are over."""
        return [event for event in self.tree.events("turn_complete") if event["text"] == text]

    @property
    def ear(self) -> Path:
        """The file in which the parrot keeps what it hears."""
        return self.tree.temporary / "connection-1.wav"

    def at_model(self, connection: int = 1) -> Samples:
        """Everything of the user's voice that has arrived at the model."""
        path = self.ear.with_name(f"connection-{connection}.wav")
        pcm = path.read_bytes()[WAV_HEADER_BYTES:] if path.exists() else b""
        return np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype=np.int16)

    def samples_at_model(self) -> int:
        """How much of it there is, without reading it."""
        return max(0, self.ear.stat().st_size - WAV_HEADER_BYTES) // 2 if self.ear.exists() else 0

    def said(self) -> str:
        """Everything the console has printed."""
        return (self.tree.directory / "said.txt").read_text()

    def flow(self) -> dict[str, dict[str, Any]]:
        """What status says of both directions, for the output of a test."""
        keys = ("state", "restarts", "underruns", "overruns", "dropped", "queue_ms")
        return {name: {key: self.row(name)[key] for key in keys} for name in ("mic", "speaker", "session")}


@contextlib.contextmanager
def talking(
    sound_env: dict[str, str], rules: list[dict[str, Any]] | None = None, toml: str | None = None
) -> Iterator[Talk]:
    """Run a tree on these devices until the block is left."""
    with tree(toml or config(), sound_env, rules) as running:
        with (running.directory / "said.txt").open("wb") as said:
            running.start_ready(stdout=said, stderr=subprocess.DEVNULL)
        yield Talk(running)


ASOUND = """\
pcm.mouth {{ type pulse server "unix:{mouth}/native" hint {{ show on description "mouth" }} }}
pcm.ear {{ type pulse server "unix:{ear}/native" hint {{ show on description "ear" }} }}
pcm.!default {{ type null }}
ctl.!default {{ type null }}
"""


@contextlib.contextmanager
def two_servers() -> Iterator[tuple[VirtualAudio, VirtualAudio, dict[str, str]]]:
    """Run a sound server per direction; gives the one of the loudspeaker ("mouth"), of the microphone ("ear"), and `env`.

    With one server for both nothing ever vanishes alone: it moves the stream to whatever device is left.
    """
    with VirtualAudio(has_mic=False) as mouth, VirtualAudio(has_speaker=False) as ear:
        both = mouth.dir / "both.conf"
        both.write_text(ASOUND.format(mouth=mouth.dir, ear=ear.dir))
        yield mouth, ear, mouth.env | {"ALSA_CONFIG_PATH": str(both)}


def compare(
    heard: Samples, sent: Samples, rate_hz: int, begins_within_s: float | None = None
) -> tuple[float, int]:
    """Return the correlation of what was heard with what was sent, and how many blocks of 20 ms are not what was sent."""
    first = sent[: 5 * rate_hz]
    searched = len(heard) if begins_within_s is None else len(first) + int(begins_within_s * rate_hz)
    start = index_of(heard[:searched], first)
    there = heard[start : start + len(sent)]
    assert len(there) == len(sent), f"only {len(there)} of {len(sent)} samples were recorded"
    return correlation(there, sent), broken_blocks(there, sent, rate_hz)


def index_of(heard: Samples, sent: Samples) -> int:
    """Where the first sample of what was sent stands in what was heard."""
    size = 1 << (len(heard) + len(sent)).bit_length()
    product = np.fft.rfft(heard.astype(float), size) * np.conj(np.fft.rfft(sent.astype(float), size))
    return int(np.argmax(np.fft.irfft(product, size)[: len(heard)]))


def silences(heard: Samples, rate_hz: int, at_least_ms: int = 5) -> list[tuple[float, float]]:
    """Return (start, length) in seconds of the silences between the first and the last sound."""
    loud = np.flatnonzero(np.abs(heard.astype(int)) > 2)
    steps = np.diff(loud)
    long = np.flatnonzero(steps > at_least_ms * rate_hz // 1000)
    return [(float(loud[at] / rate_hz), float(steps[at] / rate_hz)) for at in long]


def silent_s(recording: Recording, rate_hz: int = SINK_RATE_HZ) -> float:
    """How long it has been silent, by the recorder's samples: a recorder that is late is not taken for silence."""
    tail = itertools.takewhile(lambda came: not is_sound(came[1]), reversed(list(recording.blocks)))
    return sum(len(pcm) for _, pcm in tail) / (2 * rate_hz)


def wait_played(recording: Recording, since_s: float, within_s: float = 30.0, quiet_s: float = 0.8) -> None:
    """Wait until something has sounded since then, and nothing for a while."""

    def is_over() -> bool:
        return recording.last_sound() > since_s and silent_s(recording) > quiet_s

    wait_for(is_over, "a reply is played to its end", within_s)


class Arrivals:
    """Watches a file grow: when each sample came. Looks every millisecond."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_over = threading.Event()
        self.seen: list[tuple[float, int]] = []
        """(monotonic s, samples in the file from then on)"""
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        before = -1
        while not self._is_over.wait(0.001):
            samples = (self._path.stat().st_size - WAV_HEADER_BYTES) // 2 if self._path.exists() else 0
            if samples != before:
                self.seen.append((time.monotonic(), samples))
                before = samples


def first_at(recording: Recording, index: int, rate_hz: int) -> float:
    """When the sample of that index was played, on the monotonic clock.

    A block comes when its last sample is there, and later on a busy machine: the promptest of the seconds around tells.
    """
    passed, began_s = 0, []
    for came_s, block in recording.blocks:
        passed += len(block) // 2
        if abs(passed - index) < 2 * rate_hz:
            began_s.append(came_s - passed / rate_hz)
    assert passed > index, f"only {passed} samples were recorded, {index} is not among them"
    return min(began_s) + index / rate_hz


def percentile(values: list[float], share: float) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[max(0, int(np.ceil(share * len(ordered))) - 1)]


def lags(talk: Talk) -> dict[str, float]:
    """How late the loops of this tree ran at worst in the last minute, in ms: what the machine did to it."""
    return {row["name"]: row["loop_lag_ms_p99"] for row in talk.tree.status()["actors"]}


def load() -> str:
    """The machine's load, to stand beside every number."""
    return f"load {Path('/proc/loadavg').read_text().split()[0]}"


def tell(**numbers: Any) -> None:
    """Print what was measured, in one line."""
    print(json.dumps(numbers | {"load": load()}, default=str))
