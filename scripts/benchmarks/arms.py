"""The rivals: how each is started, where its load goes, how it ends."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from scripts.benchmarks import venvs
from scripts.benchmarks.instruments import Server
from scripts.benchmarks.peers import MODEL, TEXT_ONLY, variables
from scripts.benchmarks.rival import Rival, obedient
from supervisor import client
from supervisor.instance import Instance
from tests.trees import Tree, tree
from tests.trees import environment as changed

SAID = {
    "antiphon": "Antiphon: the whole tree, the load in a process of its own, as tools are",
    "cookbook": "cookbook: Google's pattern, one asyncio process with blocking PyAudio calls in threads",
    "original": "original: gllm-inference-binary 0.5.120, GoogleRealtimeSession with its Linux streamers (arecord, aplay)",
    "pipecat": "pipecat: pipecat-ai 1.14.0, local transport and Gemini Live service",
    "livekit": "livekit: livekit-agents 1.8.9, console mode with its Gemini Live plugin, in a pseudo-terminal",
    "one process": "one process: Antiphon's devices and playout buffer in one asyncio process",
    "inside": "inside: Antiphon with the load inside its session process, where nothing should ever run",
}
PEERS = ("original", "pipecat", "livekit")
"""Those with an environment of their own."""
RIVALS = ("antiphon", "cookbook", *PEERS)
"""What a user can choose between."""
INSIDE_LOADS = ("threads", "c_call")
"""What can be put into the session process from outside."""
DEAF_WHILE_SPEAKING = ("original",)
"""Half duplex is all they have: a reply is cut by typed text, as the microphone is closed."""
FILTERS_VOICE = ("livekit",)
"""Their noise suppression cannot be switched off: what arrives cannot be compared with what was said."""

CONFIG = """
[session]
name = "test"
duplex = "headset"
[model]
provider = "gemini"
name = "{model}"
base_url = "{base_url}"
ca_file = "{ca_file}"
[actors.mic]
enabled = {sound}
[actors.speaker]
enabled = {sound}
[actors.console]
[supervision]
max_restarts = 100
"""

INTRUDER = """
import os, threading, time
from pathlib import Path

def intrude():
    order = Path(__file__).with_name("order")
    while not order.exists():
        time.sleep(0.05)
    from scripts.benchmarks import loads
    load, size = order.read_text().split()
    loads.begin(load, int(size))

if b"\\0session\\0--of\\0" in Path("/proc/self/cmdline").read_bytes():
    threading.Thread(target=intrude, daemon=True).start()
"""
"""A `sitecustomize` that brings a load into the session process and leaves every other process alone."""


@contextlib.contextmanager
def running(
    arm: str, server: Server, environment: dict[str, str], directory: Path, *, sound: bool = True
) -> Iterator[Rival]:
    """Run one rival; it is connected and hears the microphone some time after this. Raises `CannotError`."""
    if arm == "antiphon" and not sound:
        with _antiphon(server, environment, lambda _: None, sound=False) as rival:
            yield rival
    elif arm == "antiphon":
        loads = [sys.executable, "-m", "scripts.benchmarks.loads"]
        with (
            obedient(loads, directory / "loads.log", environment) as (_, order),
            _antiphon(server, environment, order, sound=sound) as rival,
        ):
            yield rival
    elif arm == "inside":
        with _intruded(server, environment, directory) as rival:
            yield rival
    else:
        with _single(arm, server, environment, directory, sound=sound) as rival:
            yield rival


@contextlib.contextmanager
def _antiphon(
    server: Server, environment: dict[str, str], order: Callable[[str], None], *, sound: bool = True
) -> Iterator[Rival]:
    config = CONFIG.format(
        model=MODEL, base_url=server.base_url, ca_file=server.ca_file, sound=str(sound).lower()
    )
    with tree(config, environment) as started:
        began_s = time.monotonic()
        process = started.start(stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        yield Rival(
            began_s,
            psutil.Process(process.pid),
            lambda load, size: order(f"{load} {size}"),
            lambda text: _say(started, text),
        )


def _say(started: Tree, text: str) -> None:
    with changed(started.environment):
        client.say(Instance("test"), text)


@contextlib.contextmanager
def _intruded(server: Server, environment: dict[str, str], directory: Path) -> Iterator[Rival]:
    (directory / "sitecustomize.py").write_text(INTRUDER)

    def order(line: str) -> None:
        fresh = directory / "order.new"
        fresh.write_text(line)
        fresh.replace(directory / "order")

    with _antiphon(server, environment | {"PYTHONPATH": str(directory)}, order) as rival:
        yield rival


@contextlib.contextmanager
def _single(
    arm: str, server: Server, environment: dict[str, str], directory: Path, *, sound: bool
) -> Iterator[Rival]:
    """Run a module of ours, or one in a peer's environment, as a process that obeys."""
    command = _command(arm)
    told = environment | variables(server.base_url, server.ca_file) | ({} if sound else {TEXT_ONLY: "1"})
    log = directory / f"{arm.replace(' ', '_')}.log"
    began_s = time.monotonic()
    with obedient(command, log, told, on_terminal=arm == "livekit") as (pid, order):
        yield Rival(
            began_s,
            psutil.Process(pid),
            lambda load, size: order(f"{load} {size}"),
            lambda text: order(f"say {text}"),
        )


def _command(arm: str) -> list[str]:
    if arm in PEERS:
        return [str(venvs.python_of(arm)), "-m", f"scripts.benchmarks.peers.{arm}_arm"]
    return [sys.executable, "-m", f"scripts.benchmarks.{arm.replace(' ', '_')}"]


def plain_environment(sound_env: dict[str, str], key: str) -> dict[str, str]:
    """Return an environment with these devices and this key, and nothing of the user's that could reach a network."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.endswith("_API_KEY") and not name.lower().endswith("_proxy")
    } | {**sound_env, "GOOGLE_API_KEY": key}
