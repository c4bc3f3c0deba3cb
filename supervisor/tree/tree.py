"""The tree itself: one loop, no threads, no socket of the conversation."""

import functools
import logging
import os
import signal
import time
from collections.abc import Callable

import msgspec

from actors.devices.terminal import Modes, restore_modes, saved_modes
from actors.runtime import exits
from actors.runtime.loop import PollLoop
from actors.runtime.notify import parse
from actors.wire import ConversationState
from supervisor import report
from supervisor.birth import birth_of
from supervisor.child import Child, Surroundings
from supervisor.instance import Instance
from supervisor.logbook import Logbook
from supervisor.outer import Outer
from supervisor.plan import Plan, Source, make_plan
from supervisor.policy import Decision, Verdict, in_words
from supervisor.reload import Answer, compare
from supervisor.remote.rows import host_words, remote_rows
from supervisor.spec import Stdio
from supervisor.tree import starting
from supervisor.tree.crew import Crew
from supervisor.tree.ears import ENDING_SIGNALS, NotifySocket, watch_signals
from supervisor.tree.finding import HostSearch
from supervisor.tree.reloading import Reload
from supervisor.tree.stopping import Outcome, Stop
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
        plan: Plan,
        stdio: Stdio,
        logbook: Logbook,
        outer: Outer,
        source: Source | None,
    ) -> None:
        self._instance = instance
        self._logbook = logbook
        self._config = config
        self._outer = outer
        self._stdio = stdio
        self._source = source
        self._reload: Reload | None = None
        self._loop = PollLoop()
        self._crew = Crew(self._loop, around, plan, stdio, logbook, self._ended, self._unborn)
        self._children = self._crew.children
        self._started_s = time.monotonic()
        self._watch = Watch(self._started_s)
        self._search = HostSearch(self._loop, self._host_found)
        self._conversation = ConversationState()
        self._stop: Stop | None = None
        self._terminal: Modes | None = saved_modes(0) if stdio.is_input_terminal else None
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
            self._crew.kill_all()
            self._restore_terminal()
            self._notify.close()
            self._loop.close()
        assert self._stop is not None
        return self._stop.outcome

    # Start.

    def _start_what_can(self) -> None:
        if self._stop is not None:
            return
        for child in starting.due(self._children, time.monotonic()):
            self._crew.start(child)
        if not self._is_started and starting.are_settled(self._children):
            self._is_started = True
            self._outer.ready()
            if self.on_ready is not None:
                self.on_ready()

    # Hear.

    def _heard(self, pid: int, datagram: bytes, sender: str) -> None:
        """Reports come from children; orders from the user, who alone can enter the socket's directory."""
        child = next((child for child in self._children if child.pid == pid), None)
        if child is not None:
            self._take(child, datagram)
        elif datagram.startswith(report.RESTART_ORDER):
            self._restart(datagram.removeprefix(report.RESTART_ORDER).decode(errors="replace"))
        elif datagram == report.RELOAD_ORDER:
            self._begin_reload(lambda answer: self._notify.answer(sender, msgspec.json.encode(answer)))

    def _take(self, child: Child, datagram: bytes) -> None:
        try:
            said = parse(datagram)
        except ValueError as error:
            log.warning("%s sent a report that cannot be read: %s", child.spec.name, error)
            return
        was_ready = child.is_ready
        child.reported(said, time.monotonic())
        if said.conversation is not None and said.conversation != self._conversation:
            self._conversation = said.conversation
            self._write()  # whoever watches sees who speaks, and a killed coordinator's successor, at once
        if said.ended is not None:
            self._end(Outcome(1 if said.failed else 0, said.ended))
        if child.is_ready and not was_ready:
            log.info("%s is ready", child.spec.name)
            self._write()
            self._start_what_can()

    def _restart(self, name: str) -> None:
        for child in self._children:
            if child.spec.name == name and self._stop is None:
                log.info("restart of %s, as asked", name)
                self._crew.start_anew(child)

    # Watch.

    def _unborn(self, child: Child, error: OSError) -> None:
        """Out of processes, descriptors or memory: it may pass."""
        child.last_exit = f"could not be started: {error}"
        log.error("%s %s", child.spec.name, child.last_exit)
        self._decided(child, child.history.unborn())

    def _ended(self, child: Child, code: int) -> None:
        now = time.monotonic()
        child.last_exit = child.excess or in_words(code) + self._crew.why_killed(code)
        is_excess, child.excess = bool(child.excess), ""
        log.info("%s: %s %s", child.spec.name, child.last_exit, child.detail if code > 0 else "")
        if child.spec.kind == "keyboard":
            self._restore_terminal()
        if self._stop is not None:
            child.state = "stopped"
            self._stop.go_on()
        elif child.is_restart_wanted:
            child.is_restart_wanted = False
            self._crew.start(child)
        elif not child.is_leaving:
            code = exits.CRASH if is_excess else code
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
            child.retry = self._loop.call_later(decision.wait_s, functools.partial(self._crew.start, child))
        self._write()
        self._start_what_can()

    def _tick(self) -> None:
        within_s = self._crew.around.settings.supervision.ready_within_s
        for child in self._watch.hung(self._children, time.monotonic(), within_s):
            log.error("%s %s", child.spec.name, child.excess or f"hangs: no heartbeat for {HUNG_S:.0f} s")
            child.signal(signal.SIGABRT)
            self._crew.kill_later(child, DUMP_WITHIN_S)
        self._start_what_can()
        for child in self._children:
            child.sample_cpu()
        self._crew.weigh(time.monotonic())
        self._look_for_host()
        self._logbook.keep_small()
        self._write()
        self._loop.call_later(TICK_S, self._tick)

    def _write(self) -> None:
        now = time.monotonic()
        rows = [child.report(now) for child in self._children]
        rows += remote_rows(self._crew.around.settings, rows)
        state, why = judge(rows, is_ending=self._stop is not None)
        host = host_words(self._crew.around.settings, rows)
        if host is not None and not host.is_connected and state == "ready":
            state, why = "degraded", f"no connection to {host.address}"
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
            host=host,
        )
        report.write(self._instance.state_file, whole)
        self._outer.alive(f"{state}: {why}" if why else state)

    # Reload.

    def _begin_reload(self, done: Callable[[Answer], None]) -> None:
        if self._source is None:
            done(Answer(problems=["this conversation was not started from a file"]))
            return
        if (
            self._stop is not None
            or self._reload is not None
            or any(one.is_leaving for one in self._children)
        ):
            done(Answer(problems=["it is ending, or already reloading; try again in a moment"]))
            return

        def finish(answer: Answer) -> None:
            self._reload = None
            if self._is_started:
                self._outer.ready()
            done(answer)

        self._outer.reloading()
        self._reload = Reload(self._loop, self._source, self._stdio, self._apply, finish)
        try:
            self._reload.begin(self._crew.around.secrets)
        except OSError as error:
            finish(Answer(problems=[f"the check could not be started: {error}"]))

    def _apply(self, plan: Plan) -> Answer:
        if self._stop is not None:
            return Answer(problems=["the conversation is ending"])
        running = [child.spec for child in self._children]
        changes = compare(self._crew.around.settings, plan.settings, running, plan.specs)
        if changes.problems:
            return changes
        log.info("reload: %s", changes)
        self._crew.change(plan, changes)
        self._write()
        self._start_what_can()
        return msgspec.structs.replace(changes, said=plan.said)

    # A host at another address.

    def _look_for_host(self) -> None:
        around = self._crew.around
        links = [child.health.has_host for child in self._children if child.pid is not None]
        is_connected = not links or any(links)  # where no device is plugged in, nobody misses a host
        self._search.look(around.settings.host, around.secrets, time.monotonic(), is_connected=is_connected)

    def _host_found(self, address: str) -> None:
        settings = self._crew.around.settings
        if self._reload is not None or address == settings.host.address:
            return  # it is back where it was
        log.warning("the host is at %s now, not at %s", address, settings.host.address)
        host = msgspec.structs.replace(settings.host, address=address)
        self._apply(make_plan(msgspec.structs.replace(settings, host=host), os.environ, self._stdio))

    # Stop.

    def _signalled(self, number: int) -> None:
        if number == signal.SIGINT:
            self._end(Outcome(130, "interrupted"), is_signal=True)
        elif number in ENDING_SIGNALS:
            self._end(Outcome(0, "stopped"), is_signal=True)

    def _end(self, outcome: Outcome, *, is_signal: bool = False) -> None:
        """Begin the ordered stop; a second signal makes it an immediate one."""
        if self._stop is None:
            self._crew.is_closed = True
            self._stop = Stop(self._loop, self._children, outcome)
            self._outer.stopping(outcome.why)
            self._write()
            self._stop.begin()
        elif is_signal:
            self._stop.hard()

    def _restore_terminal(self) -> None:
        restore_modes(0, self._terminal)
