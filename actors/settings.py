"""Every setting of a conversation, typed. The supervisor reads them from TOML; each actor is given all of them (no secrets)."""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]
Duplex = Literal["half", "full", "headset"]
Provider = Literal["auto", "gemini", "vertex", "parrot"]
Enabled: TypeAlias = bool | Literal["auto"]
MemoryMb = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
CpuPercent = Annotated[float, msgspec.Meta(ge=0, le=100_000)]
ACTOR_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}\Z"
"""Names become file names and travel in every envelope."""
SessionName = Annotated[str, msgspec.Meta(pattern=ACTOR_NAME)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
VariableName = Annotated[str, msgspec.Meta(pattern=r"^(?!AIza)[A-Za-z_][A-Za-z0-9_]{0,63}\Z")]
"""Never a key itself: Google's begin with AIza."""

DEFAULT_MODEL = "gemini-2.5-flash-native-audio-preview-12-2025"


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all tables: an unknown key is an error."""


class SessionTable(Table, frozen=True):
    """[session]: the conversation as a whole."""

    name: SessionName = "default"
    post_output_audio_delay: Seconds = 0.5
    duplex: Duplex = "half"
    record: str = ""


class VadTable(Table, frozen=True):
    """[model.vad]: who decides when the user speaks. An empty or absent value leaves it to the service."""

    mode: Literal["automatic", "manual"] = "automatic"
    """manual: the user says so, with `/talk`."""
    start_sensitivity: Literal["", "low", "high"] = ""
    end_sensitivity: Literal["", "low", "high"] = ""
    prefix_padding_ms: Annotated[int, msgspec.Meta(ge=0, le=10_000)] | None = None
    silence_duration_ms: Annotated[int, msgspec.Meta(ge=0, le=10_000)] | None = None
    interrupts: bool = True
    """Whether the user's voice cuts the reply."""


class ModelTable(Table, frozen=True):
    """[model]: which model answers, and how it is reached."""

    provider: Provider = "auto"
    name: str = DEFAULT_MODEL
    api_key_env: VariableName = "GOOGLE_API_KEY"
    credentials_path: str = ""
    project_id: str = ""
    location: str = "us-central1"
    api_version: str = "v1beta"
    base_url: str = ""
    ca_file: str = ""
    voice: str = ""
    language: str = ""
    system_instruction: str = ""
    modality: Literal["audio", "text"] = "audio"
    transcribe_input: bool = True
    transcribe_output: bool = True
    vad: VadTable = VadTable()
    thinking_budget: Annotated[int, msgspec.Meta(ge=-1)] | None = None
    """Tokens; 0 = off, -1 = the model decides."""
    thinking_level: Literal["", "minimal", "low", "medium", "high"] = ""
    proactive_audio: bool = False
    affective_dialog: bool = False
    media_resolution: Literal["", "low", "medium", "high"] = ""
    google_search: bool = False
    compress_context: bool = True
    """Without it a spoken session ends after about 15 minutes."""
    compress_at_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    compress_to_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    ping_s: Annotated[float, msgspec.Meta(ge=0.1, le=60)] = 1.0
    dead_after_s: Annotated[float, msgspec.Meta(ge=0.5, le=300)] = 1.5
    """Without an acknowledgement of the peer's kernel; more than a second, which any network loses now and then."""
    pong_within_s: Annotated[float, msgspec.Meta(ge=1, le=300)] = 40.0
    """The service answers pings up to 30 s late."""
    tools: list[str] = []
    tools_env: list[VariableName] = []
    """Variables that the tools' processes get, beside what every actor gets."""
    live: dict[str, Any] = {}


class ActorTable(Table, frozen=True):
    """What every actor's table has."""

    kind: str = ""
    on: str = ""
    enabled: Enabled = True
    max_memory_mb: MemoryMb | None = None
    max_cpu_percent: CpuPercent | None = None


class MicTable(ActorTable, frozen=True):
    """[actors.mic]: a microphone."""

    enabled: Enabled = "auto"
    device: str = ""
    frame_ms: Annotated[int, msgspec.Meta(ge=10, le=100)] = 20
    quiet_ms: Annotated[int, msgspec.Meta(ge=0, le=200)] = 200
    """While nobody speaks frames go out together when they last so long; 0: each at once."""


class SpeakerTable(ActorTable, frozen=True):
    """[actors.speaker]: a loudspeaker."""

    enabled: Enabled = "auto"
    device: str = ""
    latency_ms: Literal["auto"] | Annotated[int, msgspec.Meta(ge=10, le=1000)] = "auto"
    """How much sound the device holds, at least."""


class KeyboardTable(ActorTable, frozen=True):
    """[actors.keyboard]: the terminal, or a pipe of lines."""

    quit: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "/quit"
    reply_within_s: Seconds = 120.0
    """Piped input: how long a reply may take before its line counts as unanswered."""


class ConsoleTable(ActorTable, frozen=True):
    """[actors.console]: where transcripts are printed."""


class VideoTable(ActorTable, frozen=True):
    """[actors.camera], [actors.screen]: what the model sees. Off unless asked for."""

    enabled: Enabled = False
    device: str = ""
    fps: Annotated[float, msgspec.Meta(ge=0.01, le=1)] = 1.0
    """Pictures per second; the service takes one."""
    max_side: Annotated[int, msgspec.Meta(ge=64, le=4096)] = 1024
    """Pixels of the longer side."""
    quality: Annotated[int, msgspec.Meta(ge=10, le=95)] = 80
    """Of our own JPEGs; a camera's own ones that fit are sent as they are."""


class ParrotTable(ActorTable, frozen=True):
    """[actors.parrot]: the embedded model; used when it is the provider."""

    voice: Literal["auto", "espeak", "tones"] = "auto"
    hold: Literal["auto", "always", "never"] = "auto"
    audio_speed: Annotated[float, msgspec.Meta(ge=0)] = 4.0
    resume_early: bool = False
    missing_models: tuple[str, ...] = ()
    handle_lifetime_s: Annotated[float, msgspec.Meta(gt=0)] = 7200.0
    max_turns: Annotated[int, msgspec.Meta(ge=2)] = 1000
    script: str = ""
    journal: str = ""
    keep_audio: str = ""


class GateTable(Table, frozen=True):
    """[gate]: where devices of [actors.…] with `on` come in. Nothing listens without such an actor."""

    address: str = "0.0.0.0"  # noqa: S104 - the point of it; every connection has to prove a paired key
    control_port: Port = 7341
    media_port: Port = 7342
    announce: bool = False
    """Tell the local network where this host is (mDNS), so that its devices find it again when its address changes."""


class HostTable(Table, frozen=True):
    """[host], on a device only: where the conversation is. `supervisor join` writes it."""

    address: str = ""
    control_port: Port = 7341
    media_port: Port = 7342
    public_key: Annotated[str, msgspec.Meta(pattern=r"^(\S{40})?\Z")] = ""
    """The host's, learnt when this device was paired; nobody else is talked to."""
    device: str = ""
    """What this device is called there."""
    search: bool = False
    """Look for the host in the local network when it does not answer at `address`; it has to be announced there."""

    def endpoint(self, port: int) -> str:
        """Return where to connect to."""
        return endpoint(self.address, port)


def endpoint(address: str, port: int) -> str:
    """Write a ZeroMQ address; IPv6 in brackets."""
    return f"tcp://[{address}]:{port}" if ":" in address else f"tcp://{address}:{port}"


class SupervisionTable(Table, frozen=True):
    """[supervision]: when to give up restarting or waiting, and how much an actor may use (0: as much as it likes)."""

    max_restarts: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 5
    within_s: Seconds = 60.0
    ready_within_s: Seconds = 30.0
    """From its birth. The session, which imports the SDK, takes 2.2 s on two cores, 2.8 s beside eight busy processes; a Pi
    is some ten times slower."""
    max_memory_mb: MemoryMb = 1024
    max_cpu_percent: CpuPercent = 90.0


TABLE_OF_KIND: dict[str, type[ActorTable]] = {
    "mic": MicTable,
    "speaker": SpeakerTable,
    "keyboard": KeyboardTable,
    "console": ConsoleTable,
    "camera": VideoTable,
    "screen": VideoTable,
    "parrot": ParrotTable,
}


def kind_of(name: str, table: dict[str, Any]) -> str:
    """Return the kind of an actor: its table says so, or its name does."""
    return table.get("kind") or name


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole configuration, after reading."""

    session: SessionTable = SessionTable()
    model: ModelTable = ModelTable()
    supervision: SupervisionTable = SupervisionTable()
    gate: GateTable = GateTable()
    host: HostTable = HostTable()
    actors: dict[str, dict[str, Any]] = {}
    """Table per actor name, checked against the table type of its kind."""

    def table(self, name: str, kind: str) -> ActorTable:
        """Return the typed table of one actor, defaults where it says nothing."""
        return msgspec.convert(self.actors.get(name, {}), TABLE_OF_KIND.get(kind, ActorTable))

    def names_of(self, kind: str) -> list[str]:
        """Return the actors of this kind that are not switched off."""
        return [
            name
            for name, table in self.actors.items()
            if kind_of(name, table) == kind and table.get("enabled") is not False
        ]
