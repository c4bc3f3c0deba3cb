"""Who does nothing any more, and how the tree is as a whole. Pure: the clock is passed in."""

from collections.abc import Iterable, Sequence

from supervisor.child import Child
from supervisor.report import ActorReport

TICK_S = 0.5
HUNG_S = 5.0
"""A ready actor without a heartbeat for so long does nothing any more: its stacks go to its log, and it is replaced."""


class Watch:
    """Looks at every child once a tick."""

    def __init__(self, now: float) -> None:
        self._ticked_s = now

    def hung(self, children: Sequence[Child], now: float, ready_within_s: float) -> list[Child]:
        """Return whoever hangs, once each, or does not become ready: that may take `ready_within_s`, for some kinds a multiple.

        Time in which we did not run ourselves does not count: late, we judge nobody.
        """
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
            elif _waits_for_others(child, children):
                child.late_from_s = now
            elif child.is_late(now, ready_within_s * child.spec.how.patience) and not child.excess:
                child.excess = _lateness(ready_within_s, child.spec.how.patience)
                found.append(child)
        return found


def _waits_for_others(child: Child, children: Iterable[Child]) -> bool:
    """Whether it cannot be ready as another one is not: a hub on this machine, or its host."""
    return child.health.has_host is False or any(
        not other.is_ready for other in children if other.spec.kind in child.spec.how.after
    )


def _lateness(ready_within_s: float, patience: float) -> str:
    times = "" if patience == 1 else f"{patience:g} x "
    return f"not ready within {ready_within_s * patience:g} s, {times}supervision.ready_within_s"


def judge(rows: list[ActorReport], *, is_ending: bool) -> tuple[str, str]:
    """Return the tree's state and why: ready only if every actor that should run is."""
    if is_ending:
        return "degraded", "stopping"
    unwell = [row.in_words for row in rows if not row.is_well]
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
