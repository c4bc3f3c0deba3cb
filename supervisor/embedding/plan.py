"""What a call of `start` asks for, as the settings of a tree and the streamers that run in the caller's process. Pure."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from actors.inputs.base import BaseInputStreamer
from actors.outputs.base import BaseOutputStreamer
from actors.settings import Settings
from supervisor.config import check

DEFAULT_NAME = "python"
Streamer: TypeAlias = BaseInputStreamer | BaseOutputStreamer


@dataclass(frozen=True, slots=True)
class Plan:
    """What runs where."""

    settings: Settings
    inputs: list[BaseInputStreamer]
    """Those that run in the caller's process."""
    outputs: list[BaseOutputStreamer]
    has_fixed_name: bool
    has_keyboard: bool
    has_console: bool
    are_all_inputs_ours: bool
    """Whether nothing but the caller's own streamers can say anything."""


def plan(
    config: Mapping[str, Any],
    inputs: Sequence[BaseInputStreamer],
    outputs: Sequence[BaseOutputStreamer],
    post_output_audio_delay: float,
    *,
    has_account: bool = False,
) -> Plan:
    """Turn built-in streamers into actors, beside those of the configuration. Raises `ValueError` with every problem."""
    values: dict[str, Any] = copy.deepcopy(dict(config))
    session = values.setdefault("session", {})
    has_fixed_name = "name" in session
    session.setdefault("name", DEFAULT_NAME)
    session["post_output_audio_delay"] = post_output_audio_delay
    given = values.setdefault("actors", {})
    if not isinstance(given, dict):
        raise ValueError("config:actors: must be a dictionary of tables, such as {'mic': {…}}")  # noqa: TRY004 - as every other problem
    built_in: list[Streamer] = [*inputs, *outputs]
    built_in = [streamer for streamer in built_in if is_actor(streamer)]
    values["actors"] = given | _actors(built_in, given)
    kinds = [table.get("kind") or name for name, table in values["actors"].items()]
    own_inputs = [streamer for streamer in inputs if not is_actor(streamer)]
    return Plan(
        settings=check(values, "config", has_account=has_account),
        inputs=own_inputs,
        outputs=[streamer for streamer in outputs if not is_actor(streamer)],
        has_fixed_name=has_fixed_name,
        has_keyboard="keyboard" in kinds,
        has_console="console" in kinds,
        are_all_inputs_ours=not {"keyboard", "mic"} & set(kinds),
    )


def is_actor(streamer: Streamer) -> bool:
    """Whether a process does its work. A subclass does things of its own, so it runs where it was made."""
    return bool(type(streamer).__dict__.get("actor_kind"))


def _actors(streamers: Sequence[Streamer], given: Mapping[str, Any]) -> dict[str, Any]:
    """Name an actor per streamer; a table of that name in the configuration says more about it."""
    tables: dict[str, Any] = {}
    for streamer in streamers:
        kind, table = streamer.actor_kind, streamer.actor_table()
        name = _free_name(kind, tables)
        tables[name] = {"enabled": True, "kind": kind} | table | given.get(name, {})
    return tables


def _free_name(kind: str, taken: Mapping[str, Any]) -> str:
    if kind not in taken:
        return kind
    if kind in {"keyboard", "console"}:
        raise ValueError(f"there is one terminal, so there can be only one {kind} streamer")
    return next(name for number in range(2, 100) if (name := f"{kind}-{number}") not in taken)
