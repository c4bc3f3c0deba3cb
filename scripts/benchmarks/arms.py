"""The rivals: how each is started, where its load goes, how it ends."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.benchmarks import endpoint
from scripts.benchmarks.instruments import Server
from tests.trees import tree

SAID = {
    "antiphon": "Antiphon: the whole tree, the load in a process of its own, as tools are",
    "cookbook": "cookbook: Google's pattern, one asyncio process with blocking PyAudio calls in threads",
    "one process": "one process: Antiphon's devices and playout buffer in one asyncio process",
    "inside": "inside: Antiphon with the load inside its session process, where nothing should ever run",
}
ARMS = ("antiphon", "cookbook", "one process")
INSIDE_LOADS = ("threads", "c_call")
"""What can be put into the session process from outside."""
END_WITHIN_S = 3.0

Start = Callable[[str, int], None]
"""Starts a load, given its name and the bytes of JSON that a C call parses."""

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
enabled = true
[actors.speaker]
enabled = true
[actors.console]
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
def running(arm: str, server: Server, environment: dict[str, str], directory: Path) -> Iterator[Start]:
    """Run one rival; it is connected and hears the microphone some time after this."""
    if arm == "antiphon":
        with _antiphon(server, environment), _obedient("loads", environment, directory) as start:
            yield start
    elif arm == "inside":
        with _intruded(server, environment, directory) as start:
            yield start
    else:
        told = environment | {endpoint.URL: server.base_url, endpoint.CA_FILE: server.ca_file}
        with _obedient(arm.replace(" ", "_"), told, directory) as start:
            yield start


@contextlib.contextmanager
def _antiphon(server: Server, environment: dict[str, str]) -> Iterator[None]:
    config = CONFIG.format(model=endpoint.MODEL, base_url=server.base_url, ca_file=server.ca_file)
    with tree(config, environment) as started:
        started.start_ready(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        yield


@contextlib.contextmanager
def _intruded(server: Server, environment: dict[str, str], directory: Path) -> Iterator[Start]:
    (directory / "sitecustomize.py").write_text(INTRUDER)

    def start(load: str, json_bytes: int) -> None:
        fresh = directory / "order.new"
        fresh.write_text(f"{load} {json_bytes}")
        fresh.replace(directory / "order")

    with _antiphon(server, environment | {"PYTHONPATH": str(directory)}):
        yield start


@contextlib.contextmanager
def _obedient(module: str, environment: dict[str, str], directory: Path) -> Iterator[Start]:
    """Run a module of ours that obeys its stdin."""
    command = [sys.executable, "-m", f"scripts.benchmarks.{module}"]
    with (directory / f"{module}.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            text=True,
            start_new_session=True,  # Ctrl-C is ours to handle
        )
    pipe = process.stdin
    assert pipe is not None

    def start(load: str, json_bytes: int) -> None:
        pipe.write(f"{load} {json_bytes}\n")
        pipe.flush()

    try:
        yield start
    finally:
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
        _end(process)


def _end(process: "subprocess.Popen[str]") -> None:
    try:
        process.wait(END_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def plain_environment(sound_env: dict[str, str], key: str) -> dict[str, str]:
    """Return an environment with these devices and this key, and nothing of the user's that could reach a network."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.endswith("_API_KEY") and not name.lower().endswith("_proxy")
    } | {**sound_env, "GOOGLE_API_KEY": key}
