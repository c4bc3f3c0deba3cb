"""What a rival costs: processor time and memory of all its processes, one conversation with sound or many with text."""

import contextlib
import secrets
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil

from scripts.benchmarks.arms import plain_environment, running
from scripts.benchmarks.instruments import Server, serving
from scripts.benchmarks.rival import Rival
from scripts.benchmarks.scene import CHUNK_BYTES, SYLLABLE_S, await_connection, wait
from scripts.benchmarks.sound import LETTER_S
from tests.virtual_audio import SINK_RATE_HZ as FEED_RATE_HZ
from tests.virtual_audio import VirtualAudio, speech_like, write_wav

SETTLED_AFTER_S = 3.0
SPEAKS_WITHIN_S = 5.0
MANY_FOR_S = 5.0
ANSWERED_WITHIN_S = 30.0


class Usage(msgspec.Struct, frozen=True):
    """The use of a set of processes over a while."""

    cpu_percent: float
    """Of one core."""
    pss_mib: float
    """Memory, shared pages counted by share."""
    processes: int
    each: dict[str, tuple[float, float]] = {}
    """By name: CPU percent and PSS in MiB."""


class Alone(msgspec.Struct, frozen=True):
    """One conversation with sound."""

    idle: Usage
    talking: Usage


class Many(msgspec.Struct, frozen=True):
    """Some text conversations at once."""

    conversations: int
    started_s: float
    """From the first process to the last connection."""
    idle: Usage
    answered_s: float | None
    """From the first typed line to the end of the last reply, a short one; None when one never came."""


def alone(arm: str, over_s: float) -> Alone:
    """Measure one conversation, idle and talking. Raises CannotError, RuntimeError or AssertionError."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ab-", dir="/tmp")))
        sound = stack.enter_context(VirtualAudio())
        environment = plain_environment(sound.env, secrets.token_urlsafe(16))
        text = "i" * round((over_s + 3) / LETTER_S)
        server = stack.enter_context(serving(directory, _script(text), environment))
        rival = stack.enter_context(running(arm, server, environment, directory))
        await_connection(arm, server, directory)
        time.sleep(SETTLED_AFTER_S)
        idle = usage(rival.processes, over_s)
        speech = speech_like(SYLLABLE_S, FEED_RATE_HZ)
        pause = np.zeros(FEED_RATE_HZ // 5, np.int16)
        wav = write_wav(directory / "syllable.wav", np.concatenate([pause, speech, pause]), FEED_RATE_HZ)
        with sound.speaking(wav):
            pass
        if not wait(lambda: server.events("speech"), SPEAKS_WITHIN_S):
            raise RuntimeError(f"{arm} did not bring the user's speech to the model")
        return Alone(idle, usage(rival.processes, over_s))


def many(arm: str, conversations: int, within_s: float) -> Many:
    """Measure so many text conversations. Raises RuntimeError when they are not connected in time."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ab-", dir="/tmp")))
        environment = plain_environment({}, secrets.token_urlsafe(16))
        server = stack.enter_context(serving(directory, _script("i" * 5), environment))
        began_s = time.monotonic()
        rivals = [
            stack.enter_context(running(arm, server, environment, directory, sound=False))
            for _ in range(conversations)
        ]
        if not wait(lambda: len(server.events("setup")) >= conversations, within_s):
            connected = len(server.events("setup"))
            raise RuntimeError(f"{connected} of {conversations} were connected after {within_s:.0f} s")
        started_s = time.monotonic() - began_s
        time.sleep(SETTLED_AFTER_S)
        idle = usage(lambda: [each for rival in rivals for each in rival.processes()], MANY_FOR_S)
        return Many(conversations, round(started_s, 1), idle, _all_answered_s(rivals, server))


def _all_answered_s(rivals: list[Rival], server: Server) -> float | None:
    before = len(server.events("turn_complete"))
    began_s = time.monotonic()
    for rival in rivals:
        with contextlib.suppress(Exception):  # what cannot be said is not answered, and measured so
            rival.say("hello")
    is_done = wait(lambda: len(server.events("turn_complete")) >= before + len(rivals), ANSWERED_WITHIN_S)
    return round(time.monotonic() - began_s, 1) if is_done else None


def _script(text: str) -> list[dict[str, Any]]:
    reply = {"reply": {"text": text, "chunk_bytes": CHUNK_BYTES}}
    return [{"when": {"contains": ""}, "do": reply}]


def usage(processes: Any, over_s: float) -> Usage:
    """Watch processes for a while; `processes()` lists them."""
    before, began_s = _cpu_s(processes()), time.monotonic()
    time.sleep(over_s)
    last = processes()
    after, took_s = _cpu_s(last), time.monotonic() - began_s
    percent = {pid: 100 * (now - before.get(pid, 0.0)) / took_s for pid, now in after.items()}
    pss = {process.pid: _pss_mib(process.pid) for process in last}
    return Usage(
        round(sum(percent.values()), 2),
        round(sum(pss.values()), 1),
        len(last),
        {_name(each): (round(percent.get(each.pid, 0.0), 2), round(pss[each.pid], 1)) for each in last}
        if len(last) <= 16
        else {},
    )


def _cpu_s(processes: Iterable[psutil.Process]) -> dict[int, float]:
    found = {}
    for process in processes:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            found[process.pid] = times.user + times.system
    return found


def _pss_mib(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _name(process: psutil.Process) -> str:
    """Return the actor's name, or the program's with its pid."""
    with contextlib.suppress(psutil.Error, IndexError):
        words = process.cmdline()
        if "actors.runtime.boot" in words:
            return words[words.index("actors.runtime.boot") + 1]
        if "supervisor" in words:
            return "supervisor"
    with contextlib.suppress(psutil.Error):
        return f"{process.name()} {process.pid}"
    return str(process.pid)
