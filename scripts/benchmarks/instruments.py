"""The measuring side of a run: recorders, the server's process, and their right to run before what is measured."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil

from scripts.benchmarks.server import ServerSound
from tests.virtual_audio import Recording, VirtualAudio

PRIORITY = 5
"""SCHED_RR, what PulseAudio asks rtkit for on a desktop."""
END_WITHIN_S = 10.0
SINK_BLOCK_MS = 2
"""A null sink makes what is new wait for its next block, which is as long as the least patient of its clients wants; a sound
card mixes it in at once. So that nobody gains or loses by what his device holds, the recorder wants the shortest."""


@contextlib.contextmanager
def recording(sound: VirtualAudio, source: str, rate_hz: int, block_ms: int = 10) -> Iterator[Recording]:
    """Record a PulseAudio source in such blocks or shorter, int16 mono."""
    command = ["parec", "--raw", "-d", source, f"--latency-msec={block_ms}", "--format=s16le", "--channels=1"]
    recorder = subprocess.Popen(
        [*command, f"--rate={rate_hz}"],
        env=os.environ | sound.env,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert recorder.stdout is not None
    taken = Recording(recorder.stdout.fileno())
    try:
        yield taken
    finally:
        recorder.kill()
        recorder.wait()
        taken.thread.join()
        recorder.stdout.close()


class Server:
    """The parrot's process, seen from outside."""

    def __init__(self, directory: Path, process: "subprocess.Popen[str]") -> None:
        self.directory = directory
        self.process = process
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError("the server did not start; what it said is above")
        self.base_url = f"https://localhost:{port}"
        self.ca_file = str(directory / "ca.pem")

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """Return what the parrot wrote down so far."""
        lines = (self.directory / "journal.jsonl").read_bytes().rpartition(b"\n")[0].splitlines()
        events = [msgspec.json.decode(line) for line in lines]
        return [event for event in events if kind in {"", event["event"]}]

    def finish(self) -> ServerSound:
        """End the server and return what it heard."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(END_WITHIN_S)
        written = (self.directory / "sound.msgpack").read_bytes()
        return msgspec.msgpack.decode(written, type=ServerSound)


@contextlib.contextmanager
def serving(directory: Path, rules: list[dict[str, Any]], environment: dict[str, str]) -> Iterator[Server]:
    """Run the parrot with these rules."""
    (directory / "script.json").write_bytes(msgspec.json.encode(rules))
    command = [sys.executable, "-m", "scripts.benchmarks.server", str(directory)]
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield Server(directory, process)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def put_first(server: Server) -> bool:
    """Let the sound server, the recorders and the model's side run at once when they have to; say whether we may."""
    ours = [child for child in psutil.Process().children() if child.name() in {"pulseaudio", "parec"}]
    try:
        for process in [*ours, psutil.Process(server.process.pid)]:
            for thread in process.threads():
                os.sched_setscheduler(thread.id, os.SCHED_RR, os.sched_param(PRIORITY))
    except PermissionError:
        return False
    return True
