"""Programs of users of the Python API: streamers of their own, the parrot as the model, and what must not be left behind."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from trees import PATIENCE_S, environment

from actors import BaseInputStreamer, BaseOutputStreamer, GoogleRealtimeSession

PARROT: dict[str, Any] = {"model": {"provider": "parrot"}, "actors": {"parrot": {"voice": "tones"}}}
MODEL = "gemini-2.5-flash-native-audio-preview-12-2025"


class Home:
    """Directories of one test's own, in which its conversations run."""

    def __init__(self, directory: Path) -> None:
        self.run_root = directory / "run"
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.endswith("_API_KEY")},
            "ANTIPHON_RUNTIME_DIR": str(self.run_root),
            "ANTIPHON_LOG_DIR": str(directory / "log"),
        }

    def processes(self) -> list[psutil.Process]:
        """Every process of a conversation here, whoever its parent is."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                is_ours = process.environ().get("ANTIPHON_RUNTIME_DIR") == str(self.run_root) or (
                    process.environ().get("NOTIFY_SOCKET", "").startswith(str(self.run_root))
                )
                words = " ".join(process.cmdline())
                if is_ours and ("supervisor.embedding" in words or "actors.runtime.boot" in words):
                    found.append(process)
        return found

    def leftovers(self) -> list[str]:
        """What must not be there when a conversation is over."""
        files = [str(path) for path in self.run_root.rglob("*")] if self.run_root.exists() else []
        return [str(process) for process in self.processes()] + files

    def run(self, program: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        return subprocess.run(
            [sys.executable, "-c", program],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            **options,
        )

    def start(self, program: str, **options: Any) -> "subprocess.Popen[str]":
        """Start a program."""
        return subprocess.Popen(
            [sys.executable, "-c", program],
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            **options,
        )


@contextlib.contextmanager
def home(directory: Path) -> Iterator[Home]:
    """Let conversations of this process run here; nothing of them may be left when it is over."""
    made = Home(directory)
    with environment(made.environment):
        os.environ.pop("GOOGLE_API_KEY", None)
        os.environ.pop("GEMINI_API_KEY", None)
        yield made
    for process in made.processes():
        with contextlib.suppress(psutil.Error):
            process.kill()


class Says(BaseInputStreamer):
    """Puts these items on the queue, and then waits for the end, noting every state."""

    def __init__(self, *items: dict[str, Any]) -> None:
        self.items = items
        self.states: list[tuple[float, bool, str]] = []
        self.calls: list[str] = []

    async def initialize(self, state: Any, input_queue: Any) -> None:
        self.calls.append("initialize")
        await super().initialize(state, input_queue)

    async def stream_input(self) -> None:
        self.calls.append("stream_input")
        assert self.input_queue is not None
        for item in self.items:
            await self.input_queue.put(item)
        await self.note_states()

    async def note_states(self) -> None:
        """Look at the attributes, which follow each other as the changes did: the last look is after the end."""
        assert self.state is not None
        is_over = False
        while not is_over:
            is_over = await self.state.get_terminated()
            now = (self.state.is_streaming_output, self.state.console_mode)
            if not self.states or self.states[-1][1:] != now:
                self.states.append((time.monotonic(), *now))
            await asyncio.sleep(0.005)

    async def close(self) -> None:
        self.calls.append("close")


class Hears(BaseOutputStreamer):
    """Keeps what it is given, and ends the conversation after so many turns are over and heard."""

    def __init__(self, turns: int = 1) -> None:
        self.turns = turns
        self.got: list[tuple[float, dict[str, Any]]] = []
        self.calls: list[str] = []
        self._ending: asyncio.Task[None] | None = None

    async def initialize(self, state: Any) -> None:
        self.calls.append("initialize")
        await super().initialize(state)

    async def handle(self, data: dict[str, Any]) -> None:
        self.got.append((time.monotonic(), data))
        if len(self.of("text_complete")) == self.turns and self._ending is None:
            self._ending = asyncio.create_task(self._end())

    async def _end(self) -> None:
        assert self.state is not None
        while await self.state.get_streaming_output():  # noqa: ASYNC110 - as the original's users do
            await asyncio.sleep(0.01)
        await self.state.set_terminated(True)

    async def close(self) -> None:
        self.calls.append("close")

    def of(self, key: str) -> list[Any]:
        """Return what came under this key, in order."""
        return [data[key] for _, data in self.got if key in data]

    def times(self, key: str) -> list[float]:
        """Return when that came."""
        return [at for at, data in self.got if key in data]

    @property
    def seconds(self) -> float:
        """How much audio came."""
        return sum(len(pcm) for pcm in self.of("audio")) / 48_000


def session(**options: Any) -> GoogleRealtimeSession:
    """Make a session with the parrot."""
    return GoogleRealtimeSession(MODEL, **({"config": PARROT} | options))


def converse(inputs: Any, outputs: Any, **options: Any) -> None:
    """Run one conversation to its end."""

    async def run() -> None:
        async with asyncio.timeout(PATIENCE_S * 2):
            await session(**options).start(inputs, outputs)

    asyncio.run(run())
