"""Times in a message, read by another machine's clock. Pure."""

from collections.abc import Callable

import msgspec

from actors import wire

_IN_BODIES = ("captured_ns", "audible_ns", "voice_ended_ns", "due_ns", "after_ns")
"""Fields that hold a time of the sender's clock; 0 is no time."""


def has_times(message: wire.Wire) -> bool:
    """Whether a wrong clock would make it wrong."""
    return any(name in message.__struct_fields__ for name in _IN_BODIES)


def translated(envelope: wire.Envelope, translate: Callable[[int], int]) -> wire.Envelope:
    """Return the envelope with every time in it translated."""
    body = envelope.body
    times = {name: getattr(body, name) for name in _IN_BODIES if name in body.__struct_fields__}
    changed = {name: translate(time_ns) for name, time_ns in times.items() if time_ns}
    return msgspec.structs.replace(
        envelope,
        sent_ns=translate(envelope.sent_ns),
        body=msgspec.structs.replace(body, **changed) if changed else body,
    )
