"""`supervisor start`: from a configuration to a running tree, in the foreground or detached."""

import contextlib
import logging
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable

import psutil

from actors.settings import Settings
from supervisor import logs
from supervisor.birth import birth_of
from supervisor.child import Surroundings
from supervisor.instance import Holder, Instance, log_root, private_directory
from supervisor.logbook import Logbook
from supervisor.outer import Outer
from supervisor.plan import Source, make_plan, model_of
from supervisor.spec import Stdio
from supervisor.status import survivors
from supervisor.tree import ENDING_SIGNALS, Outcome, Tree

READY_WORD = b"ready\n"


def run(settings: Settings, source: Source, *, ready_fd: int | None) -> int:
    """Run a tree to its end and return the exit code. With `ready_fd`: we are the detached half."""
    stdio = Stdio.of_this_process(detached=ready_fd is not None)
    on_ready = None if ready_fd is None else lambda: _say_ready(ready_fd)
    outcome = conduct(settings, str(source.config), stdio, _say, on_ready, source, Outer.take(os.environ))
    if outcome.code not in {0, 130}:
        print(f"supervisor: {outcome.why}", file=sys.stderr)
    return outcome.code


def conduct(
    settings: Settings,
    config: str,
    stdio: Stdio,
    say: Callable[[str], None],
    on_ready: Callable[[], None] | None = None,
    source: Source | None = None,
    outer: Outer | None = None,
) -> Outcome:
    """Run a tree to its end. `config` is where the settings came from, `say` takes what the user should know.

    With `source` they can be read again while it runs. `outer` is told how it goes: by default nobody, as a program that
    embeds a conversation speaks for itself.

    Raises `NoCredentialsError`, `AlreadyRunningError`, and `OSError` when it cannot start.
    """
    outer = outer or Outer()
    resource.setrlimit(
        resource.RLIMIT_CORE, (0, 0)
    )  # a core has the environment in it; every actor inherits this
    plan = make_plan(settings, os.environ, stdio)
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)  # until the tree can end in order
    instance = Instance(settings.session.name)
    instance.acquire(Holder(os.getpid(), birth_of(os.getpid()) or 0.0))
    try:
        log_dir = private_directory(log_root() / instance.name)
        logbook = Logbook(log_dir)
        _log_to(logbook.open("supervisor"))
        end_survivors(instance)
        instance.clean()
        for line in plan.said:
            say(line)
        reader, writer = os.pipe2(os.O_CLOEXEC)
        around = Surroundings(
            plan.settings, instance.directory, instance.notify_address, reader, plan.secrets
        )
        tree = Tree(instance, config, around, plan, stdio, logbook, outer, source)
        tree.on_ready = on_ready
        outcome = tree.run()
        os.close(writer)
    finally:
        instance.release()
        outer.close()
    return outcome


def detach(settings: Settings, arguments: list[str]) -> int:
    """Start the same in the background and return when it is ready, or with its exit code when it fails."""
    model_of(settings, os.environ)
    log_dir = private_directory(log_root() / settings.session.name)
    log = Logbook(log_dir).open("start")
    reader, writer = os.pipe2(os.O_CLOEXEC)
    process = subprocess.Popen(
        [sys.executable, "-m", "supervisor", *arguments, "--ready-fd", str(writer)],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=[writer],
        start_new_session=True,
    )
    os.close(writer)
    os.close(log)
    with os.fdopen(reader, "rb") as pipe:
        is_ready = pipe.read() == READY_WORD
    said = logs.last_lines(log_dir / "start.log", 20)
    print("\n".join(said), file=sys.stderr)
    if is_ready:
        word = "running" if settings.host.address else "ready"  # its host may be away
        print(
            f"{settings.session.name} is {word}, pid {process.pid}; end it with `supervisor stop {settings.session.name}`"
        )
        process.returncode = 0  # it goes on without us: no warning about that
        return 0
    return process.wait()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _say_ready(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        os.write(descriptor, READY_WORD)
    os.close(descriptor)


def _log_to(descriptor: int) -> None:
    stream = os.fdopen(descriptor, "a")
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s supervisor %(name)s: %(message)s", stream=stream, force=True
    )
    logging.raiseExceptions = False  # a full disk must not end the supervisor


def end_survivors(instance: Instance) -> None:
    """End what a killed supervisor left running: recognised by pid *and* birth, so nobody else is ever hit."""
    left = survivors(instance.name)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs(left, timeout=2)
