"""What the supervisor knows about each kind of actor, as data; and the list of children a configuration asks for."""

import sys
from dataclasses import dataclass

from actors.settings import Settings, kind_of


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table below."""

    target: str
    """`module:Class`, resolved in the child."""
    loop: str = "poll"
    after: tuple[str, ...] = ()
    """Started when these kinds are ready (or late)."""
    is_critical: bool = False
    """Its end for good ends the tree."""
    must_be_right: bool = False
    """A mistake in its configuration ends the tree, though its crashes do not."""
    may_end: bool = False
    """Exit 0 is a normal end, not a crash."""
    ready_within_s: float = 5.0
    """Whoever comes `after` it waits no longer than that."""
    patience: float = 1.0
    """How many times `supervision.ready_within_s` it may take before it is replaced."""
    stop_order: int = 0
    """Lower stops earlier; equal numbers stop together."""
    stop_within_s: float = 1.0
    has_processes: bool = False
    """It starts processes of its own: what they use counts as its own."""
    reads: tuple[str, ...] = ()
    """Settings, besides its own table, whose change concerns it: "table" or "table.key"; "actors" is those on other machines."""


KINDS: dict[str, Kind] = {
    "session": Kind(
        "actors.model.session:SessionActor",
        loop="asyncio",
        is_critical=True,
        ready_within_s=15.0,
        stop_order=2,
        stop_within_s=3.0,
        reads=("session", "model"),
    ),
    "coordinator": Kind(
        "actors.coordinator.actor:CoordinatorActor", is_critical=True, stop_order=4, stop_within_s=1.5
    ),
    "parrot": Kind(
        "actors.model.parrot.actor:ParrotActor",
        loop="asyncio",
        is_critical=True,
        ready_within_s=10.0,
        stop_order=4,
    ),
    "tools": Kind(
        "actors.model.tools.actor:ToolsActor",
        must_be_right=True,
        ready_within_s=10.0,
        patience=3.0,  # the user's modules have 60 s, and what is wrong then is said better by the actor itself
        stop_order=2,
        has_processes=True,
        reads=("model",),
    ),
    "speaker": Kind(
        "actors.outputs.speaker:SpeakerActor",
        after=("coordinator",),
        stop_order=3,
        reads=("session.duplex", "host"),
    ),
    "recorder": Kind(
        "actors.outputs.recorder:RecorderActor", after=("coordinator",), stop_order=3, reads=("session",)
    ),
    "mic": Kind(
        "actors.inputs.mic:MicActor",
        after=("coordinator",),
        stop_order=1,
        reads=("session.duplex", "model.vad", "host"),
    ),
    "console": Kind(
        "actors.outputs.console:ConsoleActor", after=("coordinator",), stop_order=3, reads=("model.provider",)
    ),
    "camera": Kind(
        "actors.inputs.video:VideoActor", after=("coordinator",), ready_within_s=15.0, stop_order=1
    ),
    "screen": Kind(
        "actors.inputs.video:VideoActor", after=("coordinator",), ready_within_s=15.0, stop_order=1
    ),
    "gate": Kind(
        "actors.gate.actor:GateActor",
        after=("coordinator",),
        must_be_right=True,
        ready_within_s=8.0,
        stop_order=2,
        reads=("gate", "actors"),
    ),
    "beacon": Kind(
        "actors.gate.beacon:BeaconActor", after=("gate",), ready_within_s=8.0, stop_order=1, reads=("gate",)
    ),
    "keyboard": Kind(
        "actors.inputs.keyboard:KeyboardActor",
        after=("coordinator",),
        may_end=True,
        stop_order=1,
        reads=("model.vad",),
    ),
}


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """One process to run."""

    name: str
    kind: str
    how: Kind
    is_optional: bool = False
    """`enabled = "auto"`: it may find no device."""


@dataclass(frozen=True, slots=True)
class Stdio:
    """What the user's terminal or pipes look like."""

    has_input: bool
    """False when detached: nobody can type."""
    is_input_terminal: bool

    @classmethod
    def of_this_process(cls, *, detached: bool) -> "Stdio":
        """Look at our own descriptors."""
        return cls(not detached, not detached and sys.stdin is not None and sys.stdin.isatty())


def children(settings: Settings, stdio: Stdio) -> tuple[list[ChildSpec], list[str]]:
    """Return the processes to run, in order of start, and what to tell the user about those left out."""
    if settings.host.address:
        return _of_device(settings)
    order = list(KINDS)
    chosen = [ChildSpec("session", "session", KINDS["session"])]
    chosen.append(ChildSpec("coordinator", "coordinator", KINDS["coordinator"]))
    if settings.model.provider == "parrot":
        chosen.append(ChildSpec("parrot", "parrot", KINDS["parrot"]))
    if settings.model.tools:
        chosen.append(ChildSpec("tools", "tools", KINDS["tools"]))
    if settings.session.record:
        chosen.append(ChildSpec("recorder", "recorder", KINDS["recorder"]))
    said: list[str] = []
    if has_gate(settings):
        chosen.append(ChildSpec("gate", "gate", KINDS["gate"]))
    if has_gate(settings) and settings.gate.announce:
        chosen.append(ChildSpec("beacon", "beacon", KINDS["beacon"]))
    for name, table in settings.actors.items():
        kind = kind_of(name, table)
        enabled = settings.table(name, kind).enabled
        if kind == "parrot" or enabled is False or table.get("on"):
            continue
        if kind == "keyboard" and not stdio.has_input:
            said.append(f"{name}: off, as nobody can type into a detached conversation; use `supervisor say`")
            continue
        chosen.append(ChildSpec(name, kind, KINDS[kind], is_optional=enabled == "auto"))
    return sorted(chosen, key=lambda child: order.index(child.kind)), said


def has_gate(settings: Settings) -> bool:
    """Whether an actor of this conversation is on another machine."""
    tables = settings.actors.values()
    return any(table.get("on") and table.get("enabled") is not False for table in tables)


def _of_device(settings: Settings) -> tuple[list[ChildSpec], list[str]]:
    """A device runs its own actors only: the conversation is elsewhere."""
    chosen = []
    for name, table in settings.actors.items():
        kind = kind_of(name, table)
        enabled = settings.table(name, kind).enabled
        if enabled is not False:
            chosen.append(ChildSpec(name, kind, KINDS[kind], is_optional=enabled == "auto"))
    host = settings.host
    return chosen, [
        f"Lending this machine's devices to the conversation on {host.address}, as {host.device}."
    ]
