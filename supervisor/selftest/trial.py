"""One real tree in a directory of its own, and what a user and an operator can do to it."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec
import psutil

from actors.wire import StateKey, Value
from supervisor import client, logs, status
from supervisor.instance import Instance
from supervisor.outer import VARIABLES
from supervisor.selftest import scenery

LOOK_EVERY_S = 0.02
STOP_WITHIN_S = 8.0

Found = TypeVar("Found")


class CheckFailedError(Exception):
    """What should have happened did not; says what was seen instead."""


class Trial:
    """Use as a context manager. All waiting ends when `time_s` is used up."""

    def __init__(self, directory: Path, time_s: float) -> None:
        self.directory = directory
        self.heard = directory / "heard.wav"
        self.lines: list[str] = []
        """What was typed into the pipe."""
        self.replies: list[str] = []
        self._give_up_s = time.monotonic() + time_s
        self._config = scenery.build(directory)
        self._logs = directory / "log" / scenery.NAME
        self._journal: list[dict[str, Any]] = []
        self._journal_bytes = 0

    def __enter__(self) -> Self:
        os.environ["ANTIPHON_RUNTIME_DIR"] = str(self.directory / "run")
        os.environ["ANTIPHON_LOG_DIR"] = str(self.directory / "log")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "supervisor", "start", str(self._config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={key: value for key, value in os.environ.items() if not _is_ours(key)},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_WITHIN_S)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    @property
    def is_alive(self) -> bool:
        """Whether the conversation goes on."""
        return self.process.poll() is None

    def wait(self, condition: Callable[[], Found], what: str, within_s: float = 15.0) -> Found:
        """Return the first true value. Raises `CheckFailedError` saying what did not come."""
        began_s = time.monotonic()
        give_up_s = min(began_s + within_s, self._give_up_s)
        while time.monotonic() < give_up_s:
            if value := condition():
                return value
            if not self.is_alive:
                raise CheckFailedError(f"the conversation ended with exit code {self.process.returncode}")
            time.sleep(LOOK_EVERY_S)
        found = status.look(scenery.NAME).document
        waited_s = time.monotonic() - began_s
        raise CheckFailedError(
            f"not within {waited_s:.0f} s: {what} ({found['state']} {found['why']})".replace(" )", ")")
        )

    # What can be done to it.

    def type(self, line: str) -> None:
        """Type a line into its pipe."""
        assert self.process.stdin is not None
        self.lines.append(line)
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(f"{line}\n".encode())
            self.process.stdin.flush()

    def converse(self, line: str, within_s: float = 15.0) -> float:
        """Type a line and wait until the answer is printed. Returns how many seconds that took."""
        began_s = time.monotonic()
        self.type(line)
        self.wait(lambda: f"You said: {line}" in self.replies, f'the answer to "{line}"', within_s)
        return time.monotonic() - began_s

    def end_input(self) -> None:
        """Say that nothing more will be typed: the conversation then ends by itself."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def kill(self, name: str) -> float:
        """Kill an actor and wait until all are ready again. Returns how many seconds that took."""
        before = self.row(name)["pid"]
        began_s = time.monotonic()
        os.kill(before, signal.SIGKILL)
        self.wait(lambda: self.row(name)["pid"] not in {None, before}, f"another {name}")
        self.wait_ready()
        return time.monotonic() - began_s

    def act(self, act: Callable[[Instance], None]) -> None:
        """Do what the command line can. Raises `CheckFailedError` when there is no answer."""
        try:
            act(Instance(scenery.NAME))
        except client.NoAnswerError as error:
            raise CheckFailedError(str(error)) from error

    def set(self, key: StateKey, value: Value) -> None:
        """Set a shared value."""
        self.act(lambda instance: client.set_state(instance, key, value))

    # What can be seen of it.

    def wait_ready(self) -> None:
        """Wait until every actor is ready."""
        self.wait(lambda: status.look(scenery.NAME).code == status.READY, "every actor ready")

    def row(self, name: str) -> dict[str, Any]:
        """Return an actor's row of `status --json`."""
        rows = status.look(scenery.NAME).document["actors"]
        return next((row for row in rows if row["name"] == name), {"pid": None})

    def pids(self) -> dict[str, int]:
        """Return the running actors."""
        rows = status.look(scenery.NAME).document["actors"]
        return {row["name"]: row["pid"] for row in rows if row["pid"] is not None}

    def wait_beats(self, name: str, count: int) -> None:
        """Wait until an actor has said so often that it is alive."""
        for _ in range(count):
            before_s = self.row(name)["uptime_s"] - self.row(name)["heartbeat_age_s"]
            self.wait(partial(self._beaten_since, name, before_s + 0.2), f"a heartbeat of the {name}")

    def _beaten_since(self, name: str, uptime_s: float) -> bool:
        row = self.row(name)
        return bool(
            row["pid"]
            and row["heartbeat_age_s"] is not None
            and row["uptime_s"] - row["heartbeat_age_s"] > uptime_s
        )

    def is_speaking(self) -> bool:
        """Whether a reply is being heard."""
        return bool(status.look(scenery.NAME).document["conversation"]["is_streaming_output"])

    def latency_ms(self, way: str) -> float | None:
        """Return the median of one of the measured ways, None before the first."""
        found = status.look(scenery.NAME).document["latency_ms"].get(way)
        return None if found is None else float(found["p50"])

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return what the model wrote down of that kind."""
        path = self.directory / "journal.jsonl"
        if path.exists():
            with path.open("rb") as file:
                file.seek(self._journal_bytes)
                whole = file.read().rpartition(b"\n")[0]
            self._journal_bytes += len(whole) + 1 if whole else 0
            self._journal += [msgspec.json.decode(line) for line in whole.splitlines()]
        return [event for event in self._journal if event["event"] == kind]

    def processes(self) -> list[psutil.Process]:
        """Return every process of the tree."""
        with contextlib.suppress(psutil.Error):
            return psutil.Process(self.process.pid).children(recursive=True)
        return []

    def last_words(self) -> list[str]:
        """Return what the supervisor logged last."""
        return logs.last_lines(self._logs / "supervisor.log", 5)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.replies.append(line.decode(errors="replace").rstrip("\n"))


def _is_ours(key: str) -> bool:
    """Whether a variable is not for the trial: a secret, or what our own supervisor gave us."""
    return key.endswith("_API_KEY") or key in VARIABLES
