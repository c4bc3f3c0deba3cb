"""One call of a user's function, and when two of them are the same. Pure."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import msgspec

from actors import wire


@dataclass(slots=True)
class Call:
    """One call on its way."""

    id: str
    """Ours; the server's ids begin anew with each connection."""
    name: str
    args: str
    """JSON in one spelling, so that equal arguments are equal."""
    due_s: float
    connection: int
    server_id: str = ""
    """Empty: an orphan."""
    has_id: bool = True
    """Whether `server_id` is the server's word, and not ours for a call that came without."""
    is_given: bool = False
    """To the tools process."""
    is_doubtful: bool = False
    """An earlier session gave it away; whether the tools process still knows it is not known yet."""
    result: wire.ToolResult | None = None
    is_sent: bool = False
    sent_as: int = 0
    """The number of the message that carried the answer."""
    is_open_in_handle: bool = False
    is_held: bool = False
    """In the newest handle, which is not stored yet."""
    since_s: float = 0.0
    """When something last happened to it."""

    mark: str = ""
    """What makes a repeated call the same call."""

    def __post_init__(self) -> None:
        """Derive what is not given."""
        self.mark = self.mark or mark_of(self.name, self.args)


@dataclass(slots=True)
class Answer:
    """One `FunctionResponse` to send."""

    call: Call
    response: dict[str, Any] = field(default_factory=dict)


def mark_of(name: str, args: str) -> str:
    """Return what two calls of the same function with the same arguments have in common."""
    return f"{name} {hashlib.sha256(args.encode()).hexdigest()[:32]}"


def spelled(args: dict[str, Any]) -> str:
    """Return JSON in one spelling, nothing where there is none: half a character, a nesting without end."""
    try:
        return msgspec.json.encode(args, order="deterministic").decode()
    except (ValueError, TypeError, OverflowError, RecursionError):
        return ""
