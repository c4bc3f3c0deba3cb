"""Antiphon's actors: every process of a conversation, and the Python API of the class it re-imagines.

The public names are resolved when they are asked for, so that an actor process which imports `actors.wire` pays for nothing
else.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actors.state import GoogleIOStreamerState

_HOMES = {"GoogleIOStreamerState": "actors.state"}

__all__ = ["GoogleIOStreamerState"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'actors' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
