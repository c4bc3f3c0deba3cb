"""A conversation whose connection is cut again and again while the user talks, types and has functions called.

The parrot runs in the test and speaks as Vertex AI, which says what each handle holds: so it can be checked to the sample.
"""

import asyncio
import contextlib
import itertools
import json
import random
import re
import secrets
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from services import parrot, service_account, token_server
from trees import Tree, tree, wait_for
from virtual_audio import Samples, write_wav
from voices import MIC_HZ, WAV_HEADER_BYTES

from actors.model.parrot.script import Do, GoAway, Reply, Rule, ToolCall, When
from actors.model.parrot.server import Parrot

TESTS = Path(__file__).parent
CONFIG = """
[session]
name = "test"
duplex = "headset"
[model]
credentials_path = "{directory}/account.json"
tools = ["sample_tools:note"]
[model.vad]
interrupts = false
[actors.keyboard]
reply_within_s = 300
[actors.console]
[actors.mic]
enabled = true
device = "file:{directory}/spoken.wav"
[actors.speaker]
enabled = true
device = "file:{directory}/heard.wav"
[supervision]
max_restarts = 10000
"""
KINDS = ("go_away", "reset", "half_open", "kill")
FRAME = MIC_HZ // 50
SPEAKS_S, PAUSES_S = 1.5, 1.2


def spoken(seconds: float) -> Samples:
    """Noise that is loud and soft by turns, and the same nowhere twice."""
    rng = np.random.default_rng(5)
    at_s = np.arange(int(seconds * MIC_HZ)) / MIC_HZ
    is_loud = at_s % (SPEAKS_S + PAUSES_S) < SPEAKS_S
    return (rng.standard_normal(len(at_s)) * np.where(is_loud, 4000, 8)).clip(-32_000, 32_000).astype("int16")


@dataclass
class Cut:
    """One cut, and what came of it."""

    kind: str
    at_s: float
    gap_s: float = 0.0
    """From the cut to the first sound at the next connection."""


@dataclass
class Talk:
    """The running conversation."""

    tree: Tree
    server: Parrot
    process: "subprocess.Popen[bytes]"
    words: list[str]
    cuts: list[Cut] = field(default_factory=list)

    def cut(self, kind: str) -> None:
        """Cut once, and wait until the user is heard again."""
        before = max(event["connection"] for event in self.events("audio"))
        at_ns = time.monotonic_ns()
        if kind == "kill":
            self.tree.kill("session")
        else:
            do = {
                "go_away": Do(go_away=GoAway(time_left_s=2.5)),
                "reset": Do(reset=True),
                "half_open": Do(half_open=True),
            }[kind]
            self.inject(do, before)
        heard = wait_for(
            lambda: [event for event in self.events("audio") if event["connection"] > before],
            f"the user is heard after {kind}; {self.tree.logs()}",
        )
        since_ns = max(at_ns, self._last_heard_ns(before)) if kind == "go_away" else at_ns
        self.cuts.append(Cut(kind, at_ns / 1e9, (heard[0]["at_ns"] - since_ns) / 1e9))

    def inject(self, do: Do, connection: int) -> None:
        """Do something to a connection, in the parrot's thread."""
        loop = self.server.loop  # type: ignore[attr-defined]
        asyncio.run_coroutine_threadsafe(self.server.inject(do, connection), loop).result(10)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """What the parrot wrote down."""
        return self.tree.events(kind)

    def pids(self) -> dict[str, int | None]:
        """All processes but the session."""
        names = ("coordinator", "mic", "speaker", "keyboard", "console", "tools")
        return {name: self.tree.pid(name) for name in names}

    def lineage(self) -> Samples:
        """The user's voice as the model's context holds it: from connection to connection, cut where each handle cut it."""
        setups = {event["connection"]: event for event in self.events("setup")}
        handles = {event["handle"]: event for event in self.events("handle")}
        number = max(setups)
        pieces = [self._at(number)]
        while handle := setups[number]["resumed"]:
            number = handles[handle]["connection"]
            pieces.append(self._at(number)[: handles[handle]["samples"]])
        return np.concatenate(pieces[::-1])

    def late_slices(self) -> int:
        """How many slices were left out, and counted, as this machine stood still for too long to send them live."""
        log = (self.tree.log_root / "test" / "session.log").read_text()
        told = sum(int(number) for number in re.findall(r"(\d+) slices of the voice came too late", log))
        return told + self.tree.row("mic")["health"].get("dropped", {}).get("stale", 0)

    def _at(self, connection: int) -> Samples:
        path = self.tree.directory / "ears" / f"connection-{connection}.wav"
        pcm = path.read_bytes()[WAV_HEADER_BYTES:] if path.exists() else b""
        return np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype=np.int16)

    def _last_heard_ns(self, connection: int) -> int:
        closed = [event for event in self.events("closed") if event["connection"] == connection]
        return int(closed[0]["at_ns"]) if closed else 0


@contextlib.contextmanager
def talking(words: list[str], seconds: float) -> Iterator[Talk]:
    """Speak for so long, type these words one after the other, and let each be noted by a function."""
    token = secrets.token_urlsafe(20)
    with tree(CONFIG) as running, token_server(token) as uri:
        written = str(running.directory / "written")
        short = Reply(seconds=0.4, speed=1)
        rules = [
            Rule(
                when=When(text=word),
                do=Do(tool_call=ToolCall(name="note", args={"path": written, "word": word}), reply=short),
            )
            for word in words
        ]
        rules.append(Rule(when=When(contains="s of speech"), do=Do(reply=short)))
        options = {
            "journal": str(running.journal),
            "keep_audio": str(running.directory / "ears"),
            "hold": "never",
        }
        with parrot(
            key=secrets.token_urlsafe(20), bearer=token, rules=rules, max_turns=100_000, **options
        ) as server:
            where = ("--set", f"model.base_url={server.base_url}", "--set", f"model.ca_file={server.ca_file}")
            service_account(running.directory / "account.json", uri)
            write_wav(running.directory / "spoken.wav", spoken(seconds), MIC_HZ)
            said = (running.directory / "said.txt").open("wb")
            with said:
                process = running.start_ready(*where, cwd=TESTS, stdout=said, stderr=subprocess.STDOUT)
                yield Talk(running, server, process, words)


class Typist:
    """Types the words, a little apart, as long as it is let."""

    def __init__(self, talk: Talk, apart_s: float) -> None:
        self._talk = talk
        self._apart_s = apart_s
        self.is_over = threading.Event()
        self.typed: list[str] = []
        self._thread = threading.Thread(target=self._type)
        self._thread.start()

    def stop(self) -> None:
        """Type no more."""
        self.is_over.set()
        self._thread.join()

    def _type(self) -> None:
        pipe = self._talk.process.stdin
        assert pipe is not None
        for word in self._talk.words:
            if self.is_over.wait(self._apart_s):
                return
            pipe.write(f"{word}\n".encode())
            pipe.flush()
            self.typed.append(word)


def steps(heard: Samples, voice: Samples) -> list[tuple[float, int]]:
    """Where what was heard is not the voice, slice by slice: (second, by how many slices it goes on elsewhere)."""
    number_of = {voice[at : at + FRAME].tobytes(): at // FRAME for at in range(0, len(voice), FRAME)}
    whole = len(heard) - len(heard) % FRAME
    numbers = [-1, *(number_of[heard[at : at + FRAME].tobytes()] for at in range(0, whole, FRAME))]
    return [
        (at * FRAME / MIC_HZ, after - before - 1)
        for at, (before, after) in enumerate(itertools.pairwise(numbers))
        if after != before + 1
    ]


def kinds(count: int, seed: int) -> list[str]:
    """So many cuts, each kind as often, in an order of chance."""
    chosen = [KINDS[number % len(KINDS)] for number in range(count)]
    random.Random(seed).shuffle(chosen)
    return chosen


def summary(cuts: list[Cut]) -> str:
    """What to print: per kind how often, and the longest and the middle gap."""
    told = {}
    for kind in KINDS:
        gaps = sorted(cut.gap_s for cut in cuts if cut.kind == kind)
        if gaps:
            told[kind] = {
                "n": len(gaps),
                "gap_s_p50": round(gaps[len(gaps) // 2], 2),
                "gap_s_max": round(gaps[-1], 2),
            }
    return json.dumps(told)
