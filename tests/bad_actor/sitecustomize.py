"""Makes actors misbehave: first in PYTHONPATH of a tree, it is in every process of it, and waits for a file in its directory.

`hang`: every actor keeps the interpreter to itself in one long call into C. `stall`: file devices go on as if they worked, and
neither give nor take anything. Whoever is born later is well. `never-ready` names actors: those born while it is there have all
they need, and then never say so. `devour` names actors, too: those take memory until somebody ends that.
`leave` holds an exit code and names: whoever of them is born while it is there ends with that, before it is ready.
"""

import os
import re
import threading
import time
from pathlib import Path


def hold_the_interpreter():
    """Match for longer than the world has been there; the regex engine lets nobody else run."""
    re.match("(a+)+$", "a" * 64 + "b")


def stall_the_devices():
    """Their threads come round, and that is all."""
    from actors.devices import wav

    wav.WavInput._tick = wav.WavOutput._tick = lambda *_: None


def devour():
    """Take memory, and use it."""
    hoard = []
    while True:
        hoard.append(b"x" * (1 << 20))


def leave_with(code):
    """Let every actor of this process end like this where READY would be said."""
    from actors.runtime.actor import Actor
    from actors.runtime.exits import ActorExit

    def leave(actor):
        if code == 0:
            actor.loop.stop()
        else:
            raise ActorExit(code, "as told")

    Actor.ready = leave


def is_named(sign):
    """Whether a sign is there and means this actor."""
    return sign.exists() and bool(set(sign.read_text().encode().split()) & set(WORDS))


def never_get_ready(_):
    """Hang where READY would be said."""
    time.sleep(1e6)


def misbehave(directory):
    """Wait for a sign, and do what it says."""
    signs = {directory / "hang": hold_the_interpreter, directory / "stall": stall_the_devices}
    waiting = {sign: act for sign, act in signs.items() if not sign.exists()}
    is_greedy = not is_named(directory / "devour")
    while waiting:
        time.sleep(0.05)
        for sign in [sign for sign in waiting if sign.exists()]:
            waiting.pop(sign)()
        if is_greedy and is_named(directory / "devour"):
            devour()


WORDS = Path("/proc/self/cmdline").read_bytes().split(b"\0")
if b"actors.runtime.boot" in WORDS and b"parrot" not in WORDS:
    run_dir = os.environ["ANTIPHON_SPEC"].partition('"run_dir":"')[2].partition('"')[0]
    directory = Path(run_dir).parents[1]
    threading.Thread(target=misbehave, args=(directory,), daemon=True).start()
    if is_named(directory / "leave"):
        leave_with(int((directory / "leave").read_text().split()[0]))
    if is_named(directory / "never-ready"):
        from actors.runtime.actor import Actor

        Actor.ready = never_get_ready
