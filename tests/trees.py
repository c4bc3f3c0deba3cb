"""Real trees for the system tests: isolated directories, one `supervisor` process, and what status and the parrot say of it."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

PATIENCE_S = 30.0
"""For a loaded machine; nothing waits this long when all is well."""

CONFIG = """
[session]
name = "test"
[model]
provider = "parrot"
[actors.keyboard]
[actors.console]
[actors.parrot]
voice = "tones"
audio_speed = 0
max_turns = 100000
journal = "{journal}"
script = "{script}"
[supervision]
max_restarts = 10000
"""


def wait_for(condition: Callable[[], Any], what: str, within_s: float = PATIENCE_S) -> Any:
    """Return the condition's first true value; fail saying what did not happen."""
    give_up_s = time.monotonic() + within_s
    while time.monotonic() < give_up_s:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {within_s:g} s: {what}")


@contextlib.contextmanager
def hanging(pid: int) -> Iterator[None]:
    """Keep a process from running for a while, again and again: being asked to end wakes a stopped one."""
    is_over = threading.Event()

    def stop() -> None:
        with contextlib.suppress(ProcessLookupError):
            while not is_over.wait(0.002):
                os.kill(pid, signal.SIGSTOP)
            os.kill(pid, signal.SIGCONT)

    stopper = threading.Thread(target=stop)
    stopper.start()
    try:
        yield
    finally:
        is_over.set()
        stopper.join()


class Tree:
    """One conversation with its own runtime and log directories."""

    def __init__(
        self,
        directory: Path,
        config: str = CONFIG,
        environment: dict[str, str] | None = None,
        rules: list[dict[str, Any]] | None = None,
    ) -> None:
        self.directory = directory
        self.run_root = directory / "run"
        self.log_root = directory / "log"
        self.temporary = directory / "tmp"
        self.temporary.mkdir()
        self.journal = directory / "journal.jsonl"
        script = directory / "script.json"
        script.write_text(json.dumps(rules or []))
        self.config = directory / "test.toml"
        self.config.write_text(config.format(journal=self.journal, script=script, directory=directory))
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.endswith("_API_KEY")},
            "ANTIPHON_RUNTIME_DIR": str(self.run_root),
            "ANTIPHON_LOG_DIR": str(self.log_root),
            "TMPDIR": str(self.temporary),
            **(environment or {}),
        }
        self.prefix: list[str] = []
        """Words before every command: where it runs."""
        self.process: subprocess.Popen[bytes] | None = None
        self._events: list[dict[str, Any]] = []
        self._read_bytes = 0

    @property
    def run_dir(self) -> Path:
        return self.run_root / "test"

    def command(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a `supervisor` command to its end."""
        return subprocess.run(
            [*self.prefix, sys.executable, "-m", "supervisor", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            **options,
        )

    def converse(self, lines: str, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a whole conversation whose user's side comes through a pipe."""
        return self.command("start", str(self.config), *words, input=lines, **options)

    def start(self, *words: str, **options: Any) -> "subprocess.Popen[bytes]":
        """Start in the foreground, with pipes unless told otherwise."""
        self._close_pipes()  # of an earlier one
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(
            [*self.prefix, sys.executable, "-m", "supervisor", "start", str(self.config), *words],
            env=self.environment,
            **(pipes | options),
        )
        return self.process

    def start_ready(self, *words: str, **options: Any) -> "subprocess.Popen[bytes]":
        process = self.start(*words, **options)
        self.wait_ready()
        return process

    def wait_ready(self) -> dict[str, Any]:
        return wait_for(self._ready, f"ready; {self.logs()}")

    def _ready(self) -> dict[str, Any] | None:
        if self._report()["state"] != "ready":
            return None  # to ask for the whole status costs 100 times as much
        status = self.status()
        return status if status.get("state") == "ready" else None

    def status(self) -> dict[str, Any]:
        """Return the state of the tree as `status --json` shows it, without starting a process for it."""
        from supervisor import status

        with environment(self.environment):
            return status.look("test").document

    def row(self, name: str) -> dict[str, Any]:
        """Return what the supervisor last wrote about an actor; {} when there is nothing."""
        return next((row for row in self._report()["actors"] if row["name"] == name), {})

    def _report(self) -> dict[str, Any]:
        """Return what the supervisor last wrote."""
        with contextlib.suppress(OSError, ValueError):
            return dict(json.loads((self.run_dir / "state.json").read_bytes()))
        return {"state": "", "actors": []}

    def pid(self, name: str) -> int | None:
        """Return an actor's pid, read from the state file at once."""
        return self.row(name).get("pid")

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to an actor that is there."""
        pid = wait_for(lambda: self.pid(name), f"{name} is running")
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        return int(pid)

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return what the parrot wrote down."""
        if self.journal.exists():
            with self.journal.open("rb") as file:
                file.seek(self._read_bytes)
                whole = file.read().rpartition(b"\n")[0]
            self._read_bytes += len(whole) + 1 if whole else 0
            self._events += [json.loads(line) for line in whole.splitlines()]
        return [event for event in self._events if kind in {None, event.get("event")}]

    def context(self) -> dict[str, int]:
        """Return what the model's context holds of the user, and how often, after the last turn that is over."""
        return dict(self.events("turn_complete")[-1]["texts"])

    def actors(self) -> list[psutil.Process]:
        """Return every living actor process of this tree, whoever its parent is."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                environ = process.environ() if "actors.runtime.boot" in process.cmdline() else {}
                if environ.get("NOTIFY_SOCKET", "").startswith(str(self.run_root)):
                    found.append(process)
        return found

    def leftovers(self) -> list[str]:
        """Return what must not be there when a conversation is over: processes, sockets, files outside of the logs."""
        processes = [f"{process.pid} {process.name()}" for process in self.actors()]
        files = [path for root in (self.run_root, self.temporary) for path in sorted(root.rglob("*"))]
        return processes + [str(path.relative_to(self.directory)) for path in files]

    def logs(self) -> str:
        """Return the ends of all logs, for failure messages."""
        files = sorted((self.log_root / "test").glob("*.log"))
        return "\n".join(f"--- {file.name}\n{file.read_text()[-1500:]}" for file in files)

    def _close_pipes(self) -> None:
        if self.process is not None:
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()

    def end(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self._close_pipes()
        if self.process is not None:
            self.process.wait()
        for process in self.actors():
            with contextlib.suppress(psutil.Error):
                process.kill()


@contextlib.contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Have these variables in this process for a while."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def tree(
    config: str = CONFIG,
    environment: dict[str, str] | None = None,
    rules: list[dict[str, Any]] | None = None,
) -> Iterator[Tree]:
    """Make a tree in a directory with a short name (sockets allow no long ones), and remove everything after."""
    directory = Path(tempfile.mkdtemp(prefix="at-", dir="/tmp"))
    made = Tree(directory, config, environment, rules)
    try:
        yield made
    finally:
        made.end()
        shutil.rmtree(directory, ignore_errors=True)
