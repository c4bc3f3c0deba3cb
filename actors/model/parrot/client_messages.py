"""What a client may say, as structs, and the one way to read it.

The structs are the table of known fields. JSON of protobuf allows `snake_case` and `camelCase` (the SDK mixes both in one
message), `null` for unset, and base64 in either alphabet; all of that is straightened out before the strict conversion.
`Any` marks fields that are accepted and not looked at.
"""

import base64
import binascii
import re
from functools import cache
from typing import Any, get_args, get_type_hints

import msgspec

from actors.model.parrot.refusal import INVALID, Refusal, invalid_argument, unknown_name


class Fields(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Base of all messages and their parts."""


class GenerationConfig(Fields, frozen=True):
    """How to answer."""

    response_modalities: list[str] = []
    audio_timestamp: Any = None
    candidate_count: Any = None
    enable_affective_dialog: Any = None
    frequency_penalty: Any = None
    max_output_tokens: Any = None
    media_resolution: Any = None
    presence_penalty: Any = None
    response_mime_type: Any = None
    response_schema: Any = None
    seed: Any = None
    speech_config: Any = None
    stop_sequences: Any = None
    temperature: Any = None
    thinking_config: Any = None
    top_k: Any = None
    top_p: Any = None
    translation_config: Any = None


class ActivityDetection(Fields, frozen=True):
    """When the service finds out by itself that the user speaks."""

    disabled: bool = False
    prefix_padding_ms: int | None = None
    silence_duration_ms: int | None = None
    start_of_speech_sensitivity: Any = None
    end_of_speech_sensitivity: Any = None


class RealtimeInputConfig(Fields, frozen=True):
    """How realtime input becomes turns."""

    automatic_activity_detection: ActivityDetection = ActivityDetection()
    activity_handling: str = ""
    turn_coverage: Any = None
    interim_transcript_timestamp_enabled: Any = None


class SessionResumption(Fields, frozen=True):
    """The wish for resumption handles, and the handle to resume from."""

    handle: str = ""
    transparent: bool | None = None


class Setup(Fields, frozen=True):
    """The first message: which model, and how."""

    model: str = ""
    generation_config: GenerationConfig = GenerationConfig()
    system_instruction: Any = None
    tools: list[dict[str, Any]] = []
    realtime_input_config: RealtimeInputConfig = RealtimeInputConfig()
    session_resumption: SessionResumption | None = None
    context_window_compression: Any = None
    input_audio_transcription: Any = None
    output_audio_transcription: Any = None
    proactivity: Any = None
    explicit_vad_signal: Any = None
    history_config: Any = None
    avatar_config: Any = None
    safety_settings: Any = None
    labels: Any = None

    @property
    def speaks(self) -> bool:
        """Answers are audio: what is asked for, or the default."""
        wanted = self.generation_config.response_modalities
        return not wanted or "AUDIO" in wanted

    @property
    def tool_names(self) -> list[str]:
        """The functions that were declared."""
        declared = (
            tool.get("functionDeclarations", tool.get("function_declarations")) for tool in self.tools
        )
        return [str(function.get("name")) for group in declared for function in group or ()]


class Blob(Fields, frozen=True):
    """A piece of media."""

    data: bytes = b""
    mime_type: str = ""
    display_name: Any = None


class RealtimeInput(Fields, frozen=True):
    """A moment of what the user says, shows or types."""

    media_chunks: list[Blob] = []
    audio: Blob | None = None
    video: Blob | None = None
    text: str | None = None
    audio_stream_end: bool = False
    activity_start: dict[str, Any] | None = None
    activity_end: dict[str, Any] | None = None


class Part(Fields, frozen=True, forbid_unknown_fields=False):
    """One part of a turn; the parrot reads only text."""

    text: str = ""


class Content(Fields, frozen=True):
    """One turn of a conversation."""

    parts: list[Part] = []
    role: str = "user"

    @property
    def text(self) -> str:
        """All text of the turn."""
        return " ".join(part.text for part in self.parts if part.text)


class ClientContent(Fields, frozen=True):
    """Turns added to the conversation; `turn_complete` asks for an answer."""

    turns: list[Content] = []
    turn_complete: bool = False


class FunctionResponse(Fields, frozen=True):
    """The result of one function call."""

    id: str = ""
    name: str = ""
    response: dict[str, Any] = {}
    scheduling: Any = None
    will_continue: Any = None
    parts: Any = None


class ToolResponse(Fields, frozen=True):
    """Results of function calls."""

    function_responses: list[FunctionResponse] = []


class ContextUpdate(Fields, frozen=True):
    """A new system instruction or new tools, mid-session."""

    system_instruction: Any = None
    tools: Any = None


class ClientMessage(Fields, frozen=True):
    """One message of the client: exactly one of these."""

    setup: Setup | None = None
    realtime_input: RealtimeInput | None = None
    client_content: ClientContent | None = None
    tool_response: ToolResponse | None = None
    context_update: ContextUpdate | None = None


def read(raw: bytes | str) -> ClientMessage:
    """Return the message in a WebSocket frame. Raises Refusal with the service's words for what is wrong with it."""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal(INVALID, "Invalid JSON payload received. Unexpected token.") from None
    try:
        message = msgspec.convert(_straighten(ClientMessage, value, ""), ClientMessage)
    except msgspec.ValidationError:
        raise invalid_argument() from None
    if sum(getattr(message, field) is not None for field in message.__struct_fields__) != 1:
        raise invalid_argument()
    return message


def _straighten(kind: Any, value: Any, path: str) -> Any:
    if isinstance(value, list):
        return [_straighten(kind, item, path) for item in value]
    if kind is bytes and isinstance(value, str):
        return _from_base64(value)
    if not isinstance(value, dict) or not _is_struct(kind):
        return value
    known, straight = _fields(kind), {}
    for name, content in value.items():
        field = _snake(name)
        if field in known:
            if content is not None:
                straight[field] = _straighten(known[field], content, f"{path}.{field}".lstrip("."))
        elif kind.__struct_config__.forbid_unknown_fields:
            raise unknown_name(name, path)
    return straight


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(INVALID, "Invalid JSON payload received. Base64 decoding failed.") from None


@cache
def _fields(kind: type) -> dict[str, Any]:
    """Return for each field the struct (or bytes) in its type: of `X`, `X | None` and `list[X]` it is X."""
    return {name: _inner(hint) for name, hint in get_type_hints(kind).items() if not name.startswith("__")}


def _inner(hint: Any) -> Any:
    candidates = [hint, *get_args(hint)]
    return next((kind for kind in candidates if kind is bytes or _is_struct(kind)), None)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


@cache
def _spelling(name: str) -> str:
    return re.sub("([A-Z])", r"_\1", name).lower()


def _snake(name: str) -> str:
    return (
        _spelling(name) if len(name) < 64 else name
    )  # a stranger's names must not fill the cache with megabytes
