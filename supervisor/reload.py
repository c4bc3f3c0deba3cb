"""Which actors a changed configuration concerns: those that read a setting that changed, and nobody else. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from actors.settings import Settings
from supervisor.spec import ChildSpec


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a reload did: names of actors; or, when there are problems, nothing."""

    problems: list[str] = []
    restarted: list[str] = []
    started: list[str] = []
    stopped: list[str] = []
    unchanged: list[str] = []
    said: list[str] = []
    """What the user should know."""

    @property
    def to_wait_for(self) -> list[str]:
        """Those that will be ready anew."""
        return self.restarted + self.started


def compare(
    old: Settings, new: Settings, running: Sequence[ChildSpec], wanted: Sequence[ChildSpec]
) -> Answer:
    """Return what has to happen to the running children."""
    if old.session.name != new.session.name:
        return Answer(problems=[f"session.name: a running conversation keeps its name ({old.session.name})"])
    before = {spec.name: spec for spec in running}
    kept = [spec for spec in wanted if spec.name in before]
    changed = [spec.name for spec in kept if _reads(old, before[spec.name]) != _reads(new, spec)]
    names = {spec.name for spec in wanted}
    return Answer(
        restarted=changed,
        started=[spec.name for spec in wanted if spec.name not in before],
        stopped=[spec.name for spec in running if spec.name not in names],
        unchanged=[spec.name for spec in kept if spec.name not in changed],
    )


def _reads(settings: Settings, spec: ChildSpec) -> dict[str, Any]:
    """Return the part of the settings that an actor sees: its own table, and what its kind reads of the others."""
    own = msgspec.structs.replace(
        settings.table(spec.name, spec.kind), max_memory_mb=None, max_cpu_percent=None
    )  # those are for the supervisor
    found: dict[str, Any] = {"kind": spec.kind, "": own}
    for dotted in spec.how.reads:
        table, _, key = dotted.partition(".")
        whole = _remote(settings) if dotted == "actors" else getattr(settings, table)
        found[dotted] = getattr(whole, key) if key else whole
    return found


def _remote(settings: Settings) -> dict[str, Any]:
    """Return the actors on other machines: what the gate wants to know of [actors]."""
    return {name: table for name, table in settings.actors.items() if table.get("on")}
