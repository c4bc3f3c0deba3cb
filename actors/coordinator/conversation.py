"""The shared state and its rules, without I/O: what may change, who must clear the terminal first, what to tell whom."""

import msgspec

from actors import wire

PRIVATE: tuple[wire.StateKey, ...] = ("resumption",)
"""Only the session sees these: a handle opens a conversation."""


class Conversation:
    """One version number for all keys; `changed_at` tells when each key changed last."""

    def __init__(self, state: wire.ConversationState | None = None, version: int = 0) -> None:
        self.state = state or wire.ConversationState()
        self.version = version
        self.changed_at: dict[str, int] = dict.fromkeys(wire.STATE_KEYS, version)
        """After a restart nothing finer is known: a change that depends on an older version is refused."""

    def change(
        self, key: wire.StateKey, value: wire.Value, if_version: int | None = None
    ) -> wire.Changed | None:
        """Set a value; None when it was that already. Raises `ValueError` for a wrong value or a lost race."""
        state = wire.with_value(self.state, key, value)
        if if_version is not None and self.changed_at[key] > if_version:
            raise ValueError(f"{key} changed since version {if_version} (at {self.changed_at[key]})")
        if key == "terminated" and self.state.terminated and not getattr(state, key):
            raise ValueError("terminated cannot be taken back: the conversation is ending")
        if state == self.state:
            return None
        self.state = state
        self.version += 1
        self.changed_at[key] = self.version
        return wire.Changed(self.version, key, value)

    def snapshot_for(self, kind: str) -> wire.Snapshot:
        """Return the state as an actor of this kind may see it."""
        state = self.state
        if kind != "session":
            state = msgspec.structs.replace(state, resumption=wire.Resumption())
        return wire.Snapshot(self.version, state)


def may_see(kind: str, key: wire.StateKey) -> bool:
    """Whether an actor of this kind is told about this key."""
    return kind == "session" or key not in PRIVATE


def needs_a_clean_line(current: wire.ConsoleMode, wanted: object) -> bool:
    """Whether the keyboard, which owns the terminal in `input`, must clear its line before this change."""
    return current == "input" and wanted in {"user", "assistant"}
