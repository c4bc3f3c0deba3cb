"""One server message of Gemini Live -> what it means for us, in order. Pure: reads attributes, imports no SDK."""

from dataclasses import dataclass
from typing import Any, TypeAlias

OUTPUT_RATE_HZ = 24_000
MAX_TEXT_CHARS = 65_536
MAX_HANDLE_CHARS = 8192


@dataclass(frozen=True, slots=True)
class Audio:
    """A slice of the reply's speech: int16 LE mono. A sample may be split over two slices."""

    pcm: bytes
    rate_hz: int


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of what the model says, as text."""

    text: str


@dataclass(frozen=True, slots=True)
class Understood:
    """A piece of what the user was heard to say."""

    text: str


@dataclass(frozen=True, slots=True)
class Cut:
    """The user barged in: what is queued for playback must not be heard."""


@dataclass(frozen=True, slots=True)
class Generated:
    """Nothing more is generated in this turn; the server still counts on it being played."""


@dataclass(frozen=True, slots=True)
class TurnOver:
    """The model's turn ended. `is_exchange_over` is false for a filler that will be followed by more."""

    is_exchange_over: bool = True


@dataclass(frozen=True, slots=True)
class HandleIssued:
    """The conversation can be resumed from here."""

    handle: str
    last_message: int | None = None
    """The newest message of ours that it holds, counted from the setup, 0; only Vertex AI says so."""


@dataclass(frozen=True, slots=True)
class GoingAway:
    """The server will close this connection."""

    time_left_s: float


@dataclass(frozen=True, slots=True)
class Used:
    """Tokens counted so far in this connection."""

    total_tokens: int


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """One function the model wants called, and the id under which it expects the answer (Vertex AI may give none)."""

    id: str
    name: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolsCalled:
    """The model wants these called, beside each other."""

    calls: tuple[FunctionCall, ...]


@dataclass(frozen=True, slots=True)
class ToolsCancelled:
    """The model takes calls back: they must not be answered."""

    ids: tuple[str, ...]


Event: TypeAlias = (
    Audio
    | Said
    | Understood
    | Cut
    | Generated
    | TurnOver
    | HandleIssued
    | GoingAway
    | Used
    | ToolsCalled
    | ToolsCancelled
)


def events_of(message: Any) -> list[Event]:
    """Translate a `LiveServerMessage`. Several parts per message are all taken; thoughts are left out."""
    found: list[Event] = []
    if message.server_content is not None:
        found += _content(message.server_content)
    found += _tools(message)
    update = message.session_resumption_update
    if update is not None and update.resumable and is_handle(update.new_handle):
        found.append(HandleIssued(update.new_handle, update.last_consumed_client_message_index))
    if message.go_away is not None:
        found.append(GoingAway(seconds(message.go_away.time_left)))
    if message.usage_metadata is not None and message.usage_metadata.total_token_count:
        found.append(Used(message.usage_metadata.total_token_count))
    return found


def _content(content: Any) -> list[Event]:
    found: list[Event] = []
    if content.input_transcription is not None and content.input_transcription.text:
        found.append(Understood(plain(content.input_transcription.text)))
    if content.interrupted:
        found.append(Cut())
    for part in (content.model_turn.parts or []) if content.model_turn is not None else []:
        blob = part.inline_data
        if blob is not None and blob.data and (blob.mime_type or "").startswith("audio/"):
            found.append(Audio(blob.data, rate_of(blob.mime_type)))
        if part.text and not part.thought:
            found.append(Said(plain(part.text)))
    if content.output_transcription is not None and content.output_transcription.text:
        found.append(Said(plain(content.output_transcription.text)))
    if content.generation_complete:
        found.append(Generated())
    if content.turn_complete:
        status = getattr(content, "interaction_status", None)
        found.append(TurnOver(status is None or str(getattr(status, "value", status)) == "IDLE"))
    return found


def _tools(message: Any) -> list[Event]:
    found: list[Event] = []
    if message.tool_call is not None:
        calls = tuple(
            FunctionCall(call.id or "", call.name, call.args or {})
            for call in message.tool_call.function_calls or []
            if call.name
        )
        found += [ToolsCalled(calls)] if calls else []
    if message.tool_call_cancellation is not None and message.tool_call_cancellation.ids:
        found.append(ToolsCancelled(tuple(message.tool_call_cancellation.ids)))
    return found


def is_handle(text: str | None) -> bool:
    """Whether it can be kept: a handle is printable, and not longer than a message may carry."""
    return bool(text) and len(text or "") <= MAX_HANDLE_CHARS and (text or "").isascii()


def plain(text: str) -> str:
    """Return text that can be written down: half a character becomes a question mark, and a flood is cut."""
    return text[:MAX_TEXT_CHARS].encode(errors="replace").decode()


def rate_of(mime_type: str) -> int:
    """Return the rate in Hz that an audio MIME type declares, or the documented default."""
    for parameter in mime_type.split(";")[1:]:
        key, _, value = parameter.strip().partition("=")
        if key == "rate" and value.isdecimal():
            return int(value)
    return OUTPUT_RATE_HZ


def seconds(duration: str | None) -> float:
    """Read a protobuf duration such as "50s" or "9.5s"; nothing or nonsense is no time at all."""
    try:
        return max(0.0, float((duration or "0s").removesuffix("s")))
    except ValueError:
        return 0.0
