"""Whose turn it is to be started, and what of the terminal each child gets. Pure."""

from collections.abc import Iterable

from supervisor.child import Child
from supervisor.spec import Stdio

SETTLED = frozenset({"stopped", "fatal", "absent"})
"""States in which nobody waits for READY any more."""


def due(children: list[Child], now: float) -> list[Child]:
    """Return those never started whose predecessors are ready, or have had their time."""
    return [child for child in children if child.is_new and _may_start(child, children, now)]


def are_settled(children: Iterable[Child]) -> bool:
    """Whether the start is over: everybody is ready, will not be, or waits for a host that may be away for days."""
    return all(
        child.is_ready or child.state in SETTLED or child.health.has_host is False for child in children
    )


def streams(kind: str, stdio: Stdio) -> dict[str, int]:
    """Return which of our descriptors become the child's own; it has the log and nothing to read otherwise."""
    if kind == "keyboard":
        return {"stdin": 0}
    if kind == "console" and stdio.has_input:  # detached, the transcript goes to its log
        return {"stdout": 1}
    return {}


def _may_start(child: Child, children: list[Child], now: float) -> bool:
    return all(
        other.is_ready or other.state in SETTLED or _is_late(other, now)
        for other in children
        if other.spec.kind in child.spec.how.after
    )


def _is_late(child: Child, now: float) -> bool:
    return child.process is not None and now - child.started_s > child.spec.how.ready_within_s
