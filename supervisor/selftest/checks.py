"""The checks, in order. Each does one thing to the running conversation and returns its measure, or raises why it failed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import psutil

from supervisor import client
from supervisor.selftest.scenery import is_loud
from supervisor.selftest.trial import CheckFailedError, Trial


@dataclass(frozen=True, slots=True)
class Check:
    """What is promised, and how it is tried."""

    promise: str
    trial: Callable[[Trial], str]


def starts(trial: Trial) -> str:
    """Every actor says that it can work."""
    began_s = time.monotonic()
    trial.wait_ready()
    return f"{time.monotonic() - began_s:.1f} s"


def is_heard(trial: Trial) -> str:
    """The voice in the microphone's file reaches the model, and its answer the loudspeaker's file."""
    trial.wait(lambda: trial.events("speech"), "the model hears the voice")  # it is ready, and may have
    trial.wait(lambda: is_loud(trial.heard), "the answer in the loudspeaker's file")
    trial.wait(lambda: not trial.is_speaking(), "the end of the answer")
    return f"{trial.row('speaker')['underruns']} underruns"


def answers(trial: Trial) -> str:
    """A typed line is answered on stdout."""
    return _ms(trial.converse("hello"))


def is_interrupted(trial: Trial) -> str:
    """A long reply is cut, and nothing of it is heard afterwards."""
    trial.wait(lambda: not trial.is_speaking(), "the end of the answer before")
    trial.act(lambda instance: client.say(instance, "talk at length"))
    trial.wait(trial.is_speaking, "a long reply")
    trial.act(client.interrupt)
    trial.wait(lambda: not trial.is_speaking(), "silence")
    trial.wait(lambda: trial.latency_ms("flush_to_silence") is not None, "the measure of it")
    size = trial.heard.stat().st_size
    trial.wait(lambda: trial.heard.stat().st_size > size + 10_000, "the loudspeaker goes on")
    if is_loud(trial.heard, size):
        raise CheckFailedError("something of the reply was heard after it was cut")
    return f"{trial.latency_ms('flush_to_silence'):.1f} ms from the order to silence"


def survives(line: str, trial: Trial) -> str:
    """The model breaks off at this line: it is answered all the same, and no process was restarted for it."""
    before = trial.pids()
    took_s = trial.converse(line)
    if trial.pids() != before:
        raise CheckFailedError("a process was restarted for it")
    return _ms(took_s)


def heals(name: str, trial: Trial) -> str:
    """A killed actor is replaced, and the conversation goes on."""
    took_s = trial.kill(name)
    trial.converse(f"after the {name}")
    return f"{took_s:.1f} s"


def stays_muted(trial: Trial) -> str:
    """A muted microphone that is killed captures nothing afterwards; unmuted, it is heard again."""
    trial.set("muted", True)
    trial.kill("mic")
    trial.wait_beats("mic", 1)  # what it says at its birth (who it is, that it pauses) is sent
    at_first = trial.row("mic")["frames_out"]
    trial.wait_beats("mic", 2)
    sent = trial.row("mic")["frames_out"] - at_first
    before = len(trial.events("speech"))
    trial.set("muted", False)
    trial.wait(lambda: len(trial.events("speech")) > before, "the voice after `unmute`")
    if sent:
        raise CheckFailedError(f"{sent} frames were sent while muted")
    trial.wait(lambda: not trial.is_speaking(), "the end of the answer")
    return "0 frames sent"


def nothing_was_lost(trial: Trial) -> str:
    """Every typed line is in the model's context exactly once."""
    held = trial.events("turn_complete")[-1]["texts"]
    odd = {line: held.get(line, 0) for line in trial.lines if held.get(line) != 1}
    if odd:
        raise CheckFailedError(f"how often lines are in the model's context: {odd}")
    return f"{len(trial.lines)} lines"


def ends(trial: Trial) -> str:
    """At the end of the input it ends by itself and leaves no process, socket or file behind."""
    processes = trial.processes()
    began_s = time.monotonic()
    trial.end_input()
    try:
        code = trial.process.wait(10)
    except psutil.TimeoutExpired:
        code = None
    took_s = time.monotonic() - began_s
    left = [f"process {process.pid}" for process in psutil.wait_procs(processes, timeout=2)[1]]
    left += [str(path) for path in (trial.directory / "run").rglob("*")]
    if code != 0 or left:
        raise CheckFailedError(f"exit code {code}, left over: {', '.join(left) or 'nothing'}")
    return f"{took_s:.1f} s"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


CHECKS = (
    Check("all actors are ready", starts),
    Check("a voice is heard and answered", is_heard),
    Check("a typed line is answered", answers),
    Check("a long reply is cut short", is_interrupted),
    Check("a cut connection and a refused one are replaced", partial(survives, "cut me off")),
    Check("the model may ask us to reconnect", partial(survives, "go away")),
    Check("an internal error of the model is survived", partial(survives, "close with an error")),
    Check("a stalled model is waited for", partial(survives, "wait a second")),
    Check("nonsense from the model is ignored", partial(survives, "talk nonsense")),
    Check("a killed mic stays muted, and is heard when unmuted", stays_muted),
    *(
        Check(f"a killed {name} is replaced", partial(heals, name))
        for name in ("speaker", "session", "coordinator", "console", "keyboard")
    ),
    Check("no line was lost or doubled", nothing_was_lost),
    Check("it ends, and leaves nothing behind", ends),
)
