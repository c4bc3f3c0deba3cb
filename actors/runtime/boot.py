"""The child entry: `python -m actors.runtime.boot NAME`, with the spec in the environment.

Here a process becomes an actor: tied to its supervisor's life, deaf to Ctrl-C, its core never dumped, its stacks dumped to
the log when it is aborted, its end told as an exit code.
"""

import asyncio
import contextlib
import ctypes
import faulthandler
import importlib
import logging
import os
import resource
import signal
import sys
import threading
import time
from typing import NoReturn

import msgspec

from actors.runtime import exits
from actors.runtime.actor import Actor, ActorSpec
from actors.runtime.loop import AsyncLoop, Loop, PollLoop
from actors.runtime.notify import Notifier

PR_SET_PDEATHSIG = 1
GRACE_AFTER_LIFELINE_S = 2.0

log = logging.getLogger("boot")


def main() -> NoReturn:
    """Be the actor the environment describes, and exit with its code."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
    spec = msgspec.json.decode(os.environ.pop("ANTIPHON_SPEC"), type=ActorSpec)
    logging.basicConfig(
        level=logging.INFO, format=f"%(asctime)s {spec.name} %(name)s: %(message)s", stream=sys.stderr
    )
    logging.raiseExceptions = False  # a full disk must not end an actor
    die_with_parent(int(os.environ.get("ANTIPHON_SUPERVISOR_PID", "0")))
    notifier = Notifier.from_environment()
    code, why = _run(spec, notifier)
    log.log(logging.INFO if code == exits.DONE else logging.ERROR, "exit %d: %s", code, why)
    notifier.stopping(why)
    sys.exit(code)


def _run(spec: ActorSpec, notifier: Notifier) -> tuple[int, str]:
    try:
        actor_type = _resolve(spec.target)
        if spec.loop == "asyncio":
            asyncio.run(_serve_async(actor_type, spec, notifier))
        else:
            _serve(actor_type, spec, notifier)
    except exits.ActorExit as end:
        return end.code, str(end)
    except Exception as error:
        log.exception("crashed")
        return exits.CRASH, f"{type(error).__name__}: {error}"
    return exits.DONE, "stopped"


def _serve(actor_type: type[Actor], spec: ActorSpec, notifier: Notifier) -> None:
    loop = PollLoop()
    watch_signals(loop)
    actor = actor_type(spec, loop, notifier)
    try:
        actor.start()
        loop.run()
    finally:
        actor.stop()


async def _serve_async(actor_type: type[Actor], spec: ActorSpec, notifier: Notifier) -> None:
    running = asyncio.get_running_loop()
    loop = AsyncLoop(running)
    failures: list[BaseException] = []

    def crash(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        failures.append(
            error if isinstance(error, BaseException) else RuntimeError(str(context.get("message")))
        )
        loop.stop()

    running.set_exception_handler(crash)  # asyncio would log and go on with a broken actor
    watch_signals(loop)
    actor = actor_type(spec, loop, notifier)
    try:
        actor.start()
        await loop.stopped.wait()
        await actor.finish()
    finally:
        actor.stop()
    if failures:
        raise failures[0]


def _resolve(target: str) -> type[Actor]:
    module, _, name = target.partition(":")
    found = getattr(importlib.import_module(module), name)
    if not (isinstance(found, type) and issubclass(found, Actor)):
        raise exits.ActorExit(exits.USAGE, f"{target} is not an actor class")
    return found


def watch_signals(loop: Loop) -> None:
    """TERM stops the loop, INT is the supervisor's business, and a closed lifeline means that the supervisor is dead."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    def woken() -> None:
        with contextlib.suppress(BlockingIOError):
            if signal.SIGTERM in os.read(reader, 64):
                loop.stop()

    loop.watch(reader, woken)
    lifeline = os.environ.get("ANTIPHON_LIFELINE")
    if lifeline is not None:
        threading.Thread(target=_hold_lifeline, args=(int(lifeline),), name="lifeline", daemon=True).start()


def _hold_lifeline(fd: int) -> None:
    """Wait for the supervisor's end of the pipe to close: a graceful end first, then the hard one."""
    with contextlib.suppress(OSError):
        while os.read(fd, 1):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_AFTER_LIFELINE_S)
    os._exit(exits.TEMPORARY)


def die_with_parent(supervisor_pid: int) -> None:
    """Ask the kernel for SIGTERM when the supervisor dies, and look whether it has died already."""
    if not supervisor_pid:
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != supervisor_pid:
        sys.exit(exits.TEMPORARY)


if __name__ == "__main__":
    main()
