"""The tree itself: one loop, no threads, no socket of the conversation."""

import functools
import logging
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from actors.devices.terminal import Modes, restore_modes, saved_modes
from actors.runtime.loop import PollLoop
from actors.runtime.notify import parse
from actors.wire import ConversationState
from supervisor import logs, report
from supervisor.birth import birth_of
from supervisor.child import Child, Surroundings
from supervisor.instance import Instance
from supervisor.outer import Outer
from supervisor.policy import Decision, History, Verdict, in_words
from supervisor.spec import ChildSpec, Stdio
from supervisor.tree import starting
from supervisor.tree.ears import ENDING_SIGNALS, NotifySocket, watch_signals
from supervisor.tree.stopping import Outcome, Stop, kill_late
from supervisor.tree.watching import HUNG_S, TICK_S, Watch, epitaph, judge

__all__ = ["ENDING_SIGNALS", "Tree"]

DUMP_WITHIN_S = 1.0

log = logging.getLogger("supervisor")


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
        outer: Outer,
    ) -> None:
        self._instance = instance
        self._config = config
        self._around = around
        self._outer = outer
        self._stdio = stdio
        self._loop = PollLoop()
        self._children = [self._place(spec, log_dir) for spec in specs]
        self._started_s = time.monotonic()
        self._watch = Watch(self._started_s)
        self._conversation = ConversationState()
        self._stop: Stop | None = None
        self._terminal: Modes | None = saved_modes(0) if stdio.is_input_terminal else None
        self._notice_fd = os.dup(2)
        self._notify = NotifySocket(around.notify_address)
        self._birth_s = birth_of(os.getpid()) or 0.0
        self.on_ready: Callable[[], None] | None = None
        self._is_started = False

    def run(self) -> Outcome:
        """Run to the end. Every child is gone and the terminal is as it was when this returns."""
        self._notify.open(self._loop, self._heard)
        watch_signals(self._loop, self._signalled)
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
        assert self._stop is not None
        return self._stop.outcome

    # Start.

    def _place(self, spec: ChildSpec, log_dir: Path) -> Child:
        supervision = self._around.settings.supervision
        history = History(spec.how, supervision.max_restarts, supervision.within_s)
        return Child(spec, history, logs.open_fresh(log_dir, spec.name))

    def _start_what_can(self) -> None:
        if self._stop is not None:
            return
        for child in starting.due(self._children, time.monotonic()):
            self._start(child)
        if not self._is_started and starting.are_settled(self._children):
            self._is_started = True
            self._outer.ready()
            if self.on_ready is not None:
                self.on_ready()

    def _start(self, child: Child) -> None:
        if self._stop is not None or child.process is not None:
            return
        kind = child.spec.kind
        notice_fd = self._notice_fd if kind in {"keyboard", "console"} else None
        try:
            child.start(self._around, starting.streams(kind, self._stdio), notice_fd)
        except OSError as error:  # out of processes or memory: it may pass
            log.error("%s could not be started: %s", child.spec.name, error)  # noqa: TRY400 - the reason is all there is
            self._decided(child, child.history.ended(70, 0.0, time.monotonic()))
            return
        assert child.pid is not None
        log.info("%s started, pid %d", child.spec.name, child.pid)
        descriptor = os.pidfd_open(child.pid)
        self._loop.watch(descriptor, lambda: self._ended(child, descriptor))

    # Watch.

    def _heard(self, pid: int, datagram: bytes) -> None:
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
            if child.spec.name == name and self._stop is None:
                log.info("restart of %s, as asked", name)
                if child.process is None:
                    self._start(child)
                else:
                    child.is_restart_wanted = True
                    child.signal(signal.SIGTERM)
                    self._loop.call_later(child.spec.how.stop_within_s, functools.partial(kill_late, [child]))

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
        if self._stop is not None:
            child.state = "stopped"
            self._stop.go_on()
        elif child.is_restart_wanted:
            child.is_restart_wanted = False
            self._start(child)
        else:
            self._decided(child, child.history.ended(code, now - child.started_s, now))

    def _decided(self, child: Child, decision: Decision) -> None:
        child.state = decision.verdict.value
        match decision.verdict:
            case Verdict.END_TREE:
                child.state = "fatal"
                self._end(Outcome(decision.exit_code, epitaph(child)))
            case Verdict.FATAL:
                log.error("%s is given up: %s", child.spec.name, epitaph(child))
        if decision.wait_s is not None:
            self._loop.call_later(decision.wait_s, functools.partial(self._start, child))
        self._write()
        self._start_what_can()

    def _tick(self) -> None:
        for child in self._watch.hung(self._children, time.monotonic()):
            log.error("%s hangs: no heartbeat for %.0f s", child.spec.name, HUNG_S)
            child.signal(signal.SIGABRT)
            self._loop.call_later(DUMP_WITHIN_S, functools.partial(_kill_hung, child, child.pid))
        self._start_what_can()
        for child in self._children:
            child.sample_cpu()
        self._write()
        self._loop.call_later(TICK_S, self._tick)

    def _write(self) -> None:
        now = time.monotonic()
        rows = [child.report(now) for child in self._children]
        state, why = judge(rows, is_ending=self._stop is not None)
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
        self._outer.alive(f"{state}: {why}" if why else state)

    # Stop.

    def _signalled(self, number: int) -> None:
        if number == signal.SIGINT:
            self._end(Outcome(130, "interrupted"), is_signal=True)
        elif number in ENDING_SIGNALS:
            self._end(Outcome(0, "stopped"), is_signal=True)

    def _end(self, outcome: Outcome, *, is_signal: bool = False) -> None:
        """Begin the ordered stop; a second signal makes it an immediate one."""
        if self._stop is None:
            self._stop = Stop(self._loop, self._children, outcome)
            self._outer.stopping(outcome.why)
            self._write()
            self._stop.begin()
        elif is_signal:
            self._stop.hard()

    def _restore_terminal(self) -> None:
        restore_modes(0, self._terminal)


def _kill_hung(child: Child, pid: int | None) -> None:
    if child.pid == pid:
        child.kill()
