"""The tree: start in order, watch, restart, stop in reverse. One loop, no threads, no socket of the conversation."""

import functools
import logging
import os
import signal
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from actors.devices.terminal import Modes, restore_modes, saved_modes
from actors.runtime.loop import PollLoop, Timer
from actors.runtime.notify import parse
from actors.wire import ConversationState
from supervisor import logs, report
from supervisor.birth import birth_of
from supervisor.child import Child, Surroundings
from supervisor.instance import Instance
from supervisor.policy import Decision, History, Verdict, in_words
from supervisor.spec import ChildSpec, Stdio

TICK_S = 0.5
HUNG_S = 5.0
"""A ready actor without a heartbeat for so long does nothing any more: its stacks go to its log, and it is replaced."""
DUMP_WITHIN_S = 1.0
STOP_WITHIN_S = 8.0
MAX_DATAGRAM = 65_536
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

log = logging.getLogger("supervisor")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a tree ended, for the exit code and the last words."""

    code: int
    why: str


@dataclass(slots=True)
class _Ending:
    outcome: Outcome
    orders: list[int] = field(default_factory=list)
    timer: Timer | None = None


class Tree:
    """Runs the children of one conversation until it ends."""

    def __init__(
        self,
        instance: Instance,
        config: str,
        around: Surroundings,
        specs: list[ChildSpec],
        stdio: Stdio,
        log_dir: Path,
    ) -> None:
        self._instance = instance
        self._config = config
        self._around = around
        self._stdio = stdio
        self._loop = PollLoop()
        self._children = [self._place(spec, log_dir) for spec in specs]
        self._started_s = self._ticked_s = time.monotonic()
        self._conversation = ConversationState()
        self._ending: _Ending | None = None
        self._terminal: Modes | None = saved_modes(0) if stdio.is_input_terminal else None
        self._notice_fd = os.dup(2)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._birth_s = birth_of(os.getpid()) or 0.0
        self.on_ready: Callable[[], None] | None = None

    def run(self) -> Outcome:
        """Run to the end. Every child is gone and the terminal is as it was when this returns."""
        self._notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._notify.setblocking(False)
        self._notify.bind(self._around.notify_address)
        os.chmod(self._around.notify_address, 0o600)  # noqa: PTH101 - the address is a string everywhere else
        self._loop.watch(self._notify.fileno(), self._reported)
        self._watch_signals()
        self._start_what_can()
        self._tick()
        try:
            self._loop.run()
        finally:
            for child in self._children:
                child.kill()
            self._restore_terminal()
            self._notify.close()
            self._loop.close()
        assert self._ending is not None
        return self._ending.outcome

    # Start.

    def _place(self, spec: ChildSpec, log_dir: Path) -> Child:
        supervision = self._around.settings.supervision
        history = History(spec.how, supervision.max_restarts, supervision.within_s)
        return Child(spec, history, logs.open_fresh(log_dir, spec.name))

    def _start_what_can(self) -> None:
        """Start every child whose predecessors are ready, or have had their time."""
        if self._ending is not None:
            return
        for child in self._children:
            if child.process is None and child.restarts < 0 and self._may_start(child):
                self._start(child)
        if self.on_ready is not None and all(
            child.is_ready or child.state in _SETTLED for child in self._children
        ):
            tell, self.on_ready = self.on_ready, None
            tell()

    def _may_start(self, child: Child) -> bool:
        return all(
            other.is_ready or other.state in _SETTLED or self._is_late(other)
            for other in self._children
            if other.spec.kind in child.spec.how.after
        )

    def _is_late(self, child: Child) -> bool:
        return (
            child.process is not None and time.monotonic() - child.started_s > child.spec.how.ready_within_s
        )

    def _start(self, child: Child) -> None:
        if self._ending is not None:
            return
        stdio: dict[str, int] = {}
        if child.spec.kind == "keyboard":
            stdio["stdin"] = 0
        elif (
            child.spec.kind == "console" and self._stdio.has_input
        ):  # detached, the transcript goes to its log
            stdio["stdout"] = 1
        notice_fd = self._notice_fd if child.spec.kind in {"keyboard", "console"} else None
        try:
            child.start(self._around, stdio, notice_fd)
        except OSError as error:  # out of processes or memory: it may pass
            log.error("%s could not be started: %s", child.spec.name, error)  # noqa: TRY400 - the reason is all there is
            self._decided(child, child.history.ended(70, 0.0, time.monotonic()))
            return
        assert child.pid is not None
        log.info("%s started, pid %d", child.spec.name, child.pid)
        descriptor = os.pidfd_open(child.pid)
        self._loop.watch(descriptor, lambda: self._ended(child, descriptor))

    # Watch.

    def _reported(self) -> None:
        for _ in range(256):
            try:
                datagram, ancillary, _, _ = self._notify.recvmsg(MAX_DATAGRAM, socket.CMSG_SPACE(12))
            except BlockingIOError:
                return
            pid = next(
                (
                    struct.unpack("3i", data)[0]
                    for level, kind, data in ancillary
                    if _is_credentials(level, kind)
                ),
                0,
            )
            child = next((child for child in self._children if child.pid == pid), None)
            if child is not None:
                self._take(child, datagram)
            elif datagram.startswith(report.RESTART_ORDER):
                self._restart(datagram.removeprefix(report.RESTART_ORDER).decode(errors="replace"))

    def _take(self, child: Child, datagram: bytes) -> None:
        try:
            said = parse(datagram)
        except ValueError as error:
            log.warning("%s sent a report that cannot be read: %s", child.spec.name, error)
            return
        was_ready = child.is_ready
        child.reported(said, time.monotonic())
        if said.conversation is not None:
            self._conversation = said.conversation
        if said.ended is not None:
            self._end(Outcome(1 if said.failed else 0, said.ended))
        if child.is_ready and not was_ready:
            log.info("%s is ready", child.spec.name)
            self._write()
            self._start_what_can()

    def _restart(self, name: str) -> None:
        """The user asked for it (only the user can write to the socket: its directory is theirs alone)."""
        for child in self._children:
            if child.spec.name == name and self._ending is None:
                log.info("restart of %s, as asked", name)
                if child.process is None:
                    self._start(child)
                else:
                    child.is_restart_wanted = True
                    child.signal(signal.SIGTERM)
                    self._loop.call_later(
                        child.spec.how.stop_within_s, functools.partial(self._kill, [child])
                    )

    def _ended(self, child: Child, descriptor: int) -> None:
        self._loop.unwatch(descriptor)
        os.close(descriptor)
        assert child.process is not None
        code = child.process.wait()
        child.kill()  # what it started itself is in its process group
        now = time.monotonic()
        child.process, child.is_ready = None, False
        child.last_exit = in_words(code)
        log.info("%s: %s %s", child.spec.name, child.last_exit, child.detail if code > 0 else "")
        if child.spec.kind == "keyboard":
            self._restore_terminal()
        if self._ending is not None:
            child.state = "stopped"
            self._go_on_stopping()
            return
        if child.is_restart_wanted:
            child.is_restart_wanted = False
            self._start(child)
            return
        self._decided(child, child.history.ended(code, now - child.started_s, now))

    def _decided(self, child: Child, decision: Decision) -> None:
        child.state = decision.verdict.value
        match decision.verdict:
            case Verdict.END_TREE:
                child.state = "fatal"
                self._end(Outcome(decision.exit_code, self._epitaph(child)))
            case Verdict.FATAL:
                log.error("%s is given up: %s", child.spec.name, self._epitaph(child))
        if decision.wait_s is not None:
            self._loop.call_later(decision.wait_s, lambda: self._start_again(child))
        self._write()
        self._start_what_can()

    def _start_again(self, child: Child) -> None:
        if child.process is None:
            self._start(child)

    def _epitaph(self, child: Child) -> str:
        if child.last_exit is not None and child.last_exit.startswith("exit") and child.detail:
            return f"{child.spec.name}: {child.detail}"
        allowed = child.history
        return (
            f"{child.spec.name} ended {len(allowed.crashes)} times within {allowed.within_s:g} s "
            f"(last: {child.last_exit}); see `supervisor logs {child.spec.name}`"
        )

    def _end_the_hung(self) -> None:
        """Once a tick. Whoever is late himself must not judge others: time that we did not run does not count."""
        now = time.monotonic()
        lost_s = now - self._ticked_s - TICK_S
        self._ticked_s = now
        for child in self._children:
            if lost_s > TICK_S:
                child.forgive(lost_s)
            elif child.is_silent(now, HUNG_S):
                log.error("%s hangs: no heartbeat for %.0f s", child.spec.name, HUNG_S)
                child.beat_s = now  # asked once
                child.signal(signal.SIGABRT)
                self._loop.call_later(DUMP_WITHIN_S, functools.partial(self._kill_hung, child, child.pid))

    def _kill_hung(self, child: Child, pid: int | None) -> None:
        if child.pid == pid:
            child.kill()

    def _tick(self) -> None:
        self._end_the_hung()
        self._start_what_can()
        for child in self._children:
            child.sample_cpu()
        self._write()
        self._loop.call_later(TICK_S, self._tick)

    def _write(self) -> None:
        now = time.monotonic()
        rows = [child.report(now) for child in self._children]
        state, why = judge(rows, is_ending=self._ending is not None)
        whole = report.TreeReport(
            schema=1,
            name=self._instance.name,
            pid=os.getpid(),
            birth_s=self._birth_s,
            started_ns=int(self._started_s * 1e9),
            written_ns=int(now * 1e9),
            config=self._config,
            state=state,
            why=why,
            conversation=self._conversation,
            actors=rows,
        )
        report.write(self._instance.state_file, whole)

    # Stop.

    def _watch_signals(self) -> None:
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in ENDING_SIGNALS:
            signal.signal(number, lambda *_: None)
        signal.signal(
            signal.SIGTSTP, signal.SIG_IGN
        )  # a stopped supervisor under a running conversation helps nobody
        self._loop.watch(reader, lambda: self._signalled(os.read(reader, 64)))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)

    def _signalled(self, numbers: bytes) -> None:
        for number in numbers:
            if number == signal.SIGINT:
                self._end(Outcome(130, "interrupted"), is_signal=True)
            elif number in {signal.SIGTERM, signal.SIGHUP}:
                self._end(Outcome(0, "stopped"), is_signal=True)

    def _end(self, outcome: Outcome, *, is_signal: bool = False) -> None:
        """Begin the ordered stop; a second signal makes it an immediate one."""
        if self._ending is not None:
            if is_signal:
                self._stop_hard()
            return
        log.info("ending: %s", outcome.why)
        orders = sorted({child.spec.how.stop_order for child in self._children})
        self._ending = _Ending(outcome, orders)
        self._loop.call_later(STOP_WITHIN_S, self._stop_hard)
        self._write()
        self._go_on_stopping()

    def _go_on_stopping(self) -> None:
        """Stop the next group once the one before it is gone."""
        ending = self._ending
        assert ending is not None
        while ending.orders:
            group = [child for child in self._children if child.spec.how.stop_order == ending.orders[0]]
            alive = [child for child in group if child.process is not None]
            if alive and ending.timer is not None:
                return
            if alive:
                for child in alive:
                    child.signal(signal.SIGTERM)
                grace_s = max(child.spec.how.stop_within_s for child in alive)
                ending.timer = self._loop.call_later(grace_s, functools.partial(self._kill, alive))
                return
            if ending.timer is not None:
                ending.timer.cancel()
                ending.timer = None
            ending.orders.pop(0)
        self._loop.stop()

    def _kill(self, late: list[Child]) -> None:
        for child in late:
            if child.process is not None:
                log.warning("%s did not stop in time and is killed", child.spec.name)
                child.kill()

    def _stop_hard(self) -> None:
        self._kill(self._children)

    def _restore_terminal(self) -> None:
        restore_modes(0, self._terminal)


_SETTLED = {"stopped", "fatal", "absent"}
"""States in which nobody waits for READY any more."""


def judge(rows: list[report.ActorReport], *, is_ending: bool) -> tuple[str, str]:
    """Return the tree's state and why: ready only if every actor that should run is."""
    if is_ending:
        return "degraded", "stopping"
    unwell = [f"{row.name} {row.state}" for row in rows if not row.is_well]
    return ("degraded", ", ".join(unwell)) if unwell else ("ready", "")


def _is_credentials(level: int, kind: int) -> bool:
    return level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS
