"""Who does nothing any more, and how the tree is as a whole. Pure: the clock is passed in."""

from collections.abc import Iterable

from supervisor.child import Child
from supervisor.report import ActorReport

TICK_S = 0.5
HUNG_S = 5.0
"""A ready actor without a heartbeat for so long does nothing any more: its stacks go to its log, and it is replaced."""


class Watch:
    """Looks at every child once a tick."""

    def __init__(self, now: float) -> None:
        self._ticked_s = now

    def hung(self, children: Iterable[Child], now: float) -> list[Child]:
        """Return whoever hangs, once each. Time in which we did not run ourselves does not count: late, we judge nobody."""
        lost_s = now - self._ticked_s - TICK_S
        self._ticked_s = now
        found: list[Child] = []
        for child in children:
            if lost_s > TICK_S:
                child.forgive(lost_s)
            elif child.is_silent(now, HUNG_S):
                child.beat_s = now
                found.append(child)
            elif child.is_ready and child.progress.verdict and not child.excess:
                child.excess = child.progress.verdict
                found.append(child)
        return found


def judge(rows: list[ActorReport], *, is_ending: bool) -> tuple[str, str]:
    """Return the tree's state and why: ready only if every actor that should run is."""
    if is_ending:
        return "degraded", "stopping"
    unwell = [f"{row.name} {row.state}" for row in rows if not row.is_well]
    return ("degraded", ", ".join(unwell)) if unwell else ("ready", "")


def epitaph(child: Child) -> str:
    """Say why a child is given up: in its own words when it had some."""
    if child.last_exit is not None and child.last_exit.startswith("exit") and child.detail:
        return f"{child.spec.name}: {child.detail}"
    history = child.history
    return (
        f"{child.spec.name} ended {len(history.crashes)} times within {history.within_s:g} s "
        f"(last: {child.last_exit}); see `supervisor logs {child.spec.name}`"
    )
