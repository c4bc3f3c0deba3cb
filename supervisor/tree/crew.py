"""The children of a tree as processes: placed, spawned, replaced, retired. When and why is the tree's business."""

import contextlib
import functools
import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace

from actors.runtime.loop import Loop
from actors.settings import Settings
from supervisor.child import Child, Surroundings
from supervisor.limits import NICENESS, WEIGH_EVERY_S, limits_of
from supervisor.logbook import Logbook
from supervisor.oom import OomWatch
from supervisor.plan import Plan
from supervisor.policy import History
from supervisor.reload import Answer
from supervisor.spec import KINDS, ChildSpec, Stdio
from supervisor.tree import starting
from supervisor.usage import usage_of

log = logging.getLogger("supervisor")


class Crew:
    """Holds the children. `ended` is called with a child and its exit code, `unborn` when one could not be spawned."""

    def __init__(
        self,
        loop: Loop,
        around: Surroundings,
        plan: Plan,
        stdio: Stdio,
        logbook: Logbook,
        ended: Callable[[Child, int], None],
        unborn: Callable[[Child, OSError], None],
    ) -> None:
        self.around = around
        self.is_closed = False
        """The tree ends: nobody is started any more."""
        self._loop = loop
        self._stdio = stdio
        self._logbook = logbook
        self._notice_fd = os.dup(2)
        self._weighed_s = 0.0
        self._oom = OomWatch()
        self._on_ended = ended
        self._on_unborn = unborn
        self.children = [self._place(spec, plan.settings) for spec in plan.specs]

    def start(self, child: Child) -> None:
        """Spawn it, unless it runs or is not wanted any more."""
        if self.is_closed or child.process is not None or child.is_leaving:
            return
        if child.retry is not None:
            child.retry.cancel()
        kind = child.spec.kind
        notice_fd = self._notice_fd if kind in {"keyboard", "console"} else None
        try:
            child.start(self.around, starting.streams(kind, self._stdio), notice_fd)
        except OSError as error:
            self._on_unborn(child, error)
            return
        assert child.process is not None
        log.info("%s started, pid %d", child.spec.name, child.process.pid)
        try:
            descriptor = os.pidfd_open(child.process.pid)
        except OSError as error:  # a process that nobody watches must not be
            child.kill()
            child.process.wait()
            child.process = None
            self._on_unborn(child, error)
            return
        self._loop.watch(descriptor, lambda: self._ended(child, descriptor))

    def start_anew(self, child: Child) -> None:
        """Replace its process by a new one."""
        if child.process is None:
            self.start(child)
        else:
            child.is_restart_wanted = True
            self._end(child)

    def weigh(self, now: float) -> None:
        """Hold every actor against its limits; call once a tick. Too much memory is an end, too much work a lower rank."""
        if now - self._weighed_s < WEIGH_EVERY_S:
            return
        self._weighed_s = now
        self._oom.look(now)
        for child in self.children:
            used = (
                None if child.pid is None else usage_of(child.pid, with_children=child.spec.how.has_processes)
            )
            if used is None or child.excess:
                continue
            was_greedy = bool(child.appetite.greed)
            child.excess = child.appetite.weigh(used, now)
            if child.excess:
                log.error("%s %s: it is replaced", child.spec.name, child.excess)
                self._end(child)
            elif child.appetite.greed and not was_greedy:
                log.warning("%s %s: the others go first from now on", child.spec.name, child.appetite.greed)
                _be_nice(child)

    def kill_later(self, child: Child, after_s: float) -> None:
        """Kill the process it has now, if it is still there then."""
        self._loop.call_later(after_s, functools.partial(_kill, child, child.pid))

    def why_killed(self, code: int) -> str:
        """Say what is known of an end by SIGKILL that nobody here asked for; "" for any other, or when nothing is."""
        is_oom = code == -signal.SIGKILL and self._oom.is_recent(time.monotonic())
        return " (the kernel was out of memory)" if is_oom else ""

    def kill_all(self) -> None:
        """Leave nobody behind."""
        for child in self.children:
            child.kill()

    def change(self, plan: Plan, changes: Answer) -> None:
        """Take over another configuration: whom it does not concern does not notice. Raises `OSError`, and then changes nothing."""
        specs = {spec.name: spec for spec in plan.specs}
        fresh = [self._place(specs[name], plan.settings) for name in changes.started]  # this may fail: first
        self.around = replace(self.around, settings=plan.settings, secrets=plan.secrets)
        for child in list(self.children):
            if child.spec.name in changes.stopped:
                self._retire(child)
                continue
            child.spec = specs[child.spec.name]
            child.appetite.limits = limits_of(plan.settings, child.spec)
            child.history.max_restarts = plan.settings.supervision.max_restarts
            child.history.within_s = plan.settings.supervision.within_s
            if child.spec.name in changes.restarted:
                child.history = _history(child.spec, plan.settings)
                self.start_anew(child)
        self.children += fresh
        self.children.sort(key=lambda child: list(KINDS).index(child.spec.kind))

    def _place(self, spec: ChildSpec, settings: Settings) -> Child:
        child = Child(spec, _history(spec, settings), self._logbook.open(spec.name))
        child.appetite.limits = limits_of(settings, spec)
        return child

    def _ended(self, child: Child, descriptor: int) -> None:
        self._loop.unwatch(descriptor)
        os.close(descriptor)
        assert child.process is not None
        code = child.process.wait()
        child.kill()  # what it started itself is in its process group
        child.process, child.is_ready = None, False
        if child.is_leaving:
            self._forget(child)
        self._on_ended(child, code)

    def _end(self, child: Child) -> None:
        child.signal(signal.SIGTERM)
        self.kill_later(child, child.spec.how.stop_within_s)

    def _retire(self, child: Child) -> None:
        child.is_leaving = True
        if child.process is None:
            self._forget(child)
        else:
            self._end(child)

    def _forget(self, child: Child) -> None:
        self.children.remove(child)
        self._logbook.close(child.log)


def _history(spec: ChildSpec, settings: Settings) -> History:
    return History(spec.how, settings.supervision.max_restarts, settings.supervision.within_s)


def _be_nice(child: Child) -> None:
    """All threads of its process group, for good: only root can take that back."""
    assert child.pid is not None
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PGRP, child.pid, max(NICENESS, os.getpriority(os.PRIO_PGRP, child.pid)))


def _kill(child: Child, pid: int | None) -> None:
    if pid is not None and child.pid == pid:
        log.warning("%s did not end in time and is killed", child.spec.name)
        child.kill()
