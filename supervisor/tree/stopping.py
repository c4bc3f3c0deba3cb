"""The ordered stop: group after group, each with its grace; and the immediate one."""

import functools
import logging
import signal
from dataclasses import dataclass

from actors.runtime.loop import Loop, Timer
from supervisor.child import Child

STOP_WITHIN_S = 8.0

log = logging.getLogger("supervisor")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a tree ended, for the exit code and the last words."""

    code: int
    why: str


class Stop:
    """Ends all children in the order of their kinds, then the loop. From its making on nothing is started any more."""

    def __init__(self, loop: Loop, children: list[Child], outcome: Outcome) -> None:
        self.outcome = outcome
        self._loop = loop
        self._children = children
        self._orders = sorted({child.spec.how.stop_order for child in children})
        self._grace: Timer | None = None

    def begin(self) -> None:
        """Stop the first group."""
        log.info("ending: %s", self.outcome.why)
        self._loop.call_later(STOP_WITHIN_S, self.hard)
        self.go_on()

    def go_on(self) -> None:
        """Stop the next group once the one before it is gone. Call when a child has ended."""
        while self._orders:
            group = [child for child in self._children if child.spec.how.stop_order == self._orders[0]]
            alive = [child for child in group if child.process is not None]
            if alive and self._grace is not None:
                return
            if alive:
                self._ask(alive)
                return
            if self._grace is not None:
                self._grace.cancel()
                self._grace = None
            self._orders.pop(0)
        self._loop.stop()

    def hard(self) -> None:
        """End everybody now."""
        kill_late(self._children)

    def _ask(self, alive: list[Child]) -> None:
        for child in alive:
            child.signal(signal.SIGTERM)
        grace_s = max(child.spec.how.stop_within_s for child in alive)
        self._grace = self._loop.call_later(grace_s, functools.partial(kill_late, alive))


def kill_late(late: list[Child]) -> None:
    """Kill those that were asked to stop and still run."""
    for child in late:
        if child.process is not None:
            log.warning("%s did not stop in time and is killed", child.spec.name)
            child.kill()
