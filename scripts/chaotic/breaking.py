"""How each fault is done. Each returns when it is done; whether all is well again is for others to see."""

import contextlib
import os
import signal
import time

from trees import wait_for

from scripts.chaotic.plan import Fault
from scripts.chaotic.scene import Scene
from supervisor import client

GONE_S = 2.5
SLEPT_S = 3.0
SETTLED_S = 0.7
"""What was on its way when the microphone was muted has arrived by then."""


class BrokenPromiseError(Exception):
    """What must never be was."""


def do(fault: Fault, scene: Scene) -> None:
    """Do it. Raises `BrokenPromiseError` for what shows only meanwhile."""
    match fault.kind:
        case "kill" | "kill two":
            for target in fault.targets:
                scene.tree.kill(target)
        case "stop 1 s":
            _stop_for_a_second(fault.targets[0], scene)
        case "stop":
            before = scene.tree.kill(fault.targets[0], signal.SIGSTOP)
            wait_for(lambda: scene.tree.pid(fault.targets[0]) != before, "it is given up", within_s=12)
        case "cut":
            scene.type(f"cut {fault.number}")
        case "sleep":
            _sleep(scene)
        case "unplug":
            _unplug(fault.targets[0], scene)
        case "mute":
            _mute(fault.targets[0], scene)
        case "interrupt":
            _interrupt(fault, scene)


def _stop_for_a_second(target: str, scene: Scene) -> None:
    pid = scene.tree.kill(target, signal.SIGSTOP)
    time.sleep(1)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
    time.sleep(0.6)  # a look of the supervisor
    if scene.tree.pid(target) != pid:
        raise BrokenPromiseError(f"{target} stood still for one second and was replaced")


def _sleep(scene: Scene) -> None:
    pids = {row["name"]: row["pid"] for row in scene.tree.status()["actors"]}
    scene.screen.signal(signal.SIGSTOP)
    time.sleep(SLEPT_S)
    scene.screen.signal(signal.SIGCONT)
    time.sleep(1.2)
    now = {row["name"]: row["pid"] for row in scene.tree.status()["actors"]}
    if pids != now:
        raise BrokenPromiseError(f"the supervisor slept and replaced somebody: {pids}, then {now}")


def _unplug(target: str, scene: Scene) -> None:
    scene.sound.unplug(target)
    if scene.sound.must_kill:
        scene.tree.kill(target)
    try:
        wait_for(lambda: scene.tree.row(target).get("state") == "absent", f"{target} is absent")
        time.sleep(GONE_S)
    finally:
        scene.sound.plug(target)


def _mute(target: str, scene: Scene) -> None:
    scene.mute(is_muted=True)
    try:
        time.sleep(SETTLED_S)
        before = scene.heard_by_model()
        scene.tree.kill(target)
        time.sleep(0.3)
        wait_for(lambda: scene.tree.status()["state"] == "ready", f"{target} is back")
        time.sleep(SETTLED_S)
        sent = scene.heard_by_model() - before
    finally:
        scene.mute(is_muted=False)
    if sent:
        raise BrokenPromiseError(f"{sent} bytes of voice were sent while muted")
    since = scene.heard_by_model()
    wait_for(lambda: scene.heard_by_model() > since, "the voice after `unmute`", within_s=8)


def _interrupt(fault: Fault, scene: Scene) -> None:
    wait_for(lambda: not scene.is_talking(), "the end of the reply before")
    scene.type(f"speak at length {fault.number}")
    wait_for(scene.is_talking, "a long reply")
    time.sleep(0.5)
    if fault.targets[0] != "nobody":
        scene.tree.kill(fault.targets[0])
    scene.order(client.interrupt)
    wait_for(lambda: not scene.is_talking(), "silence")
    time.sleep(0.2)
    if not scene.sound.is_silent():  # whatever process plays now
        raise BrokenPromiseError("something of a reply was heard after it was cut")
