"""`@tool`: says how a function is offered to the model. It only sets an attribute, so the function stays what it was."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args, overload

Scheduling = Literal["INTERRUPT", "WHEN_IDLE", "SILENT"]
Function = TypeVar("Function", bound=Callable[..., Any])

TIMEOUT_S = 30.0
LONGEST_S = 3600.0
_ATTRIBUTE = "__antiphon_tool__"


@dataclass(frozen=True, slots=True)
class Mark:
    """What `@tool` was given."""

    is_blocking: bool = True
    """Whether the model is silent until the result is there."""
    scheduling: Scheduling = "WHEN_IDLE"
    """When a result that the model did not wait for is spoken of."""
    timeout_s: float = TIMEOUT_S


@overload
def tool(function: Function, /) -> Function: ...


@overload
def tool(
    *, blocking: bool = True, scheduling: Scheduling = "WHEN_IDLE", timeout_s: float = TIMEOUT_S
) -> Callable[[Function], Function]: ...


def tool(
    function: Function | None = None,
    /,
    *,
    blocking: bool = True,
    scheduling: Scheduling = "WHEN_IDLE",
    timeout_s: float = TIMEOUT_S,
) -> Function | Callable[[Function], Function]:
    """Offer this function to the model. Raises `ValueError` for a scheduling or a time that does not exist."""
    if scheduling not in get_args(Scheduling):
        raise ValueError(f"scheduling must be one of {', '.join(get_args(Scheduling))}, not {scheduling!r}")
    if not 0 < timeout_s <= LONGEST_S:
        raise ValueError(f"timeout_s must be over 0 and at most {LONGEST_S:g}, not {timeout_s!r}")
    mark = Mark(blocking, scheduling, float(timeout_s))

    def marked(to_mark: Function) -> Function:
        setattr(to_mark, _ATTRIBUTE, mark)
        return to_mark

    return marked if function is None else marked(function)


def mark_of(function: Any) -> Mark | None:
    """Return how the function is marked, None when it is not."""
    mark = getattr(function, _ATTRIBUTE, None)
    return mark if isinstance(mark, Mark) else None
