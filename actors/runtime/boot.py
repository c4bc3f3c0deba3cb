"""The child entry: `python -m actors.runtime.boot NAME`, with the spec in the environment.

Here a process becomes an actor: tied to its supervisor's life, deaf to Ctrl-C, its core never dumped, its stacks dumped to
the log when it is aborted, its end told as an exit code.
"""

import faulthandler
import importlib
import logging
import os
import resource
import sys
from typing import NoReturn

import msgspec

from actors import wire
from actors.runtime import exits
from actors.runtime.actor import Actor, ActorSpec
from actors.runtime.flood import FloodHandler
from actors.runtime.loop import PollLoop
from actors.runtime.notify import Notifier
from actors.runtime.process import die_with_parent, watch_signals

log = logging.getLogger("boot")


def main() -> NoReturn:
    """Be the actor the environment describes, and exit with its code."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
    spec = msgspec.json.decode(os.environ.pop("ANTIPHON_SPEC"), type=ActorSpec)
    logging.basicConfig(
        level=logging.INFO,
        format=f"%(asctime)s {spec.name} %(name)s: %(message)s",
        handlers=[FloodHandler(sys.stderr)],
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
            from actors.runtime.asyncboot import serve  # 7 MiB that lean actors do without

            serve(actor_type, spec, notifier)
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
    except exits.ActorExit as end:
        if end.code == exits.DEVICE_ABSENT:  # nobody looks into a log while a microphone is just not there
            actor.control_link.send(wire.Notice(f"{spec.name}: {end}"))
        raise
    finally:
        actor.stop()


def _resolve(target: str) -> type[Actor]:
    module, _, name = target.partition(":")
    found = getattr(importlib.import_module(module), name)
    if not (isinstance(found, type) and issubclass(found, Actor)):
        raise exits.ActorExit(exits.USAGE, f"{target} is not an actor class")
    return found


if __name__ == "__main__":
    main()
