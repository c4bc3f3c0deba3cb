"""Every message that crosses a process, and the one way to write and read it.

A frame is one msgpack array: version, sender, incarnation, sequence, epoch, time, message. Reading is strict: an unknown
message, an unknown field, a wrong type, a value out of bounds or a frame over the size limit is a `WireError` that says
what was wrong. Nothing else of ours is imported here, and nothing here knows a socket.
"""

from typing import Annotated, Literal, TypeAlias, get_args

import msgspec

VERSION = 1
MAX_FRAME_BYTES = 1 << 20
MAX_TEXT_CHARS = 65_536
MAX_PCM_BYTES = 262_144
MAX_PICTURE_BYTES = 768_000
"""With the longest text beside it, still a frame."""
FIRST_PICTURE_BYTES = 32_000
"""What a camera begins with: it goes over a link that nobody knows yet."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT_CHARS)]
Pcm = Annotated[bytes, msgspec.Meta(max_length=MAX_PCM_BYTES)]
Picture = Annotated[bytes, msgspec.Meta(max_length=MAX_PICTURE_BYTES)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
BootId = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Json = Annotated[str, msgspec.Meta(max_length=MAX_TEXT_CHARS)]
CallId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]

ConsoleMode = Literal["input", "user", "assistant"]
StateKey = Literal[
    "console_mode",
    "is_streaming_output",
    "terminated",
    "epoch",
    "muted",
    "talking",
    "connected",
    "model",
    "resumption",
]


class Message(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Base of all messages. The tag on the wire is the class name."""

    def __repr__(self) -> str:
        """Show sizes, not samples: audio must never flood a log line."""
        shown = ", ".join(f"{field}={_brief(getattr(self, field))}" for field in self.__struct_fields__)
        return f"{type(self).__name__}({shown})"


class LineId(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Which typed line: the origin that read it and its number there, counted from 1."""

    origin: Name
    number: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class Resumption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A point the model can be resumed from, and what its context holds there: typed lines, and the user's voice."""

    handle: Annotated[str, msgspec.Meta(max_length=8192)] = ""
    kept: Annotated[dict[Name, Count], msgspec.Meta(max_length=64)] = {}
    """Highest line number per origin."""
    voice_ns: Count = 0
    """Capture time up to which the context holds the user's voice; 0: it holds none."""
    begun: Annotated[dict[CallId, Text], msgspec.Meta(max_length=256)] = {}
    """Function calls that were given to the tools and are in no handle with their answers: each with what makes it the same call."""

    def __repr__(self) -> str:
        """Keep the handle out of every log: whoever has it can take the conversation up."""
        return f"Resumption(handle=<{len(self.handle)} characters>, kept=<{len(self.kept)} origins>)"


class ConversationState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the coordinator owns. Field names are the keys of `SetState` and `GetState`."""

    console_mode: ConsoleMode = "input"
    is_streaming_output: bool = False
    terminated: bool = False
    epoch: Count = 0
    muted: bool = False
    talking: bool = False
    """Push to talk (`model.vad.mode = "manual"`): whether the user has said that this is for the model."""
    connected: bool = False
    model: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """Which model answers, in words a user understands; empty until the session knows."""
    resumption: Resumption = Resumption()


Value: TypeAlias = bool | int | Text | Resumption
STATE_KEYS: tuple[StateKey, ...] = get_args(StateKey)
_TYPE_OF_KEY = {field.name: field.type for field in msgspec.structs.fields(ConversationState)}


def with_value(state: ConversationState, key: StateKey, value: Value) -> ConversationState:
    """Return the state with one value changed. Raises `ValueError` saying what would be right."""
    try:
        checked = msgspec.convert(msgspec.to_builtins(value), _TYPE_OF_KEY[key], strict=True)
    except msgspec.ValidationError as error:
        raise ValueError(f"{key} cannot be {_brief(value)}: {error}") from None
    return msgspec.structs.replace(state, **{key: checked})


# Both stars: who is there.


class Welcome(Message, frozen=True):
    """Hub -> actor: I am here (again); say who you are."""


class Hello(Message, frozen=True):
    """Actor -> hub: this is me. Sent again after every `Welcome`."""

    kind: Name
    pid: Annotated[int, msgspec.Meta(ge=1, le=2**31)]


class Ping(Message, frozen=True):
    """Hub -> actor: are you still there? A send that fails means no."""


class Present(Message, frozen=True):
    """Coordinator -> everybody: an actor came or went."""

    name: Name
    kind: Name
    here: bool
    again: bool = False
    """It was here before in this conversation, in another incarnation."""


# Remote devices: both stars, through the gate.


class WhoIsThere(Message, frozen=True):
    """Gate -> remote actor: say Hello; the hub's own `Welcome` follows when the hub is there."""


class HubLost(Message, frozen=True):
    """Gate -> remote actor: the hub is gone; its next incarnation will welcome you."""


class ClockAsk(Message, frozen=True):
    """Gate -> remote actor: what does your clock say? The answer is `ClockTold`, at once."""


class ClockTold(Message, frozen=True):
    """Remote actor -> gate: it was `sent_ns` of this envelope when I answered what you asked then."""

    asked_ns: Count
    """`sent_ns` of the question, by the clock of the asker."""


class Enrol(Message, frozen=True):
    """Device -> `supervisor pair`: the one-off token, over a connection that proved the device's key."""

    token: Annotated[bytes, msgspec.Meta(min_length=1, max_length=64)]


class Enrolled(Message, frozen=True):
    """`supervisor pair` -> device: the user said yes. This is what you are here, and where the gate listens."""

    name: Name
    roles: Annotated[tuple[Name, ...], msgspec.Meta(max_length=8)]
    control_port: Annotated[int, msgspec.Meta(ge=1, le=65535)]
    media_port: Annotated[int, msgspec.Meta(ge=1, le=65535)]


class EnrolRefused(Message, frozen=True):
    """`supervisor pair` -> device: no, and why."""

    reason: Text


# Control star: the shared state.


class Snapshot(Message, frozen=True):
    """Coordinator -> actor: the whole state, before any change that follows."""

    version: Count
    state: ConversationState


class Changed(Message, frozen=True):
    """Coordinator -> everybody: one value changed. Versions have no holes."""

    version: Count
    key: StateKey
    value: Value


class GetState(Message, frozen=True):
    """Actor -> coordinator: what is this value now?"""

    request: Count
    key: StateKey


class SetState(Message, frozen=True):
    """Actor -> coordinator: make it so. With `if_version`, only if the key has not changed since."""

    request: Count
    key: StateKey
    value: Value
    if_version: Count | None = None


class StateValue(Message, frozen=True):
    """Coordinator -> asker: the answer to `GetState`, and to a `SetState` that was done."""

    request: Count
    key: StateKey
    value: Value
    version: Count


class Refused(Message, frozen=True):
    """Coordinator -> asker: it was not done, and why."""

    request: Count
    reason: Text


class Yield(Message, frozen=True):
    """Coordinator -> keyboard: the console wants the terminal; clear your line and stop painting."""

    request: Count


class Yielded(Message, frozen=True):
    """Keyboard -> coordinator: the terminal is clean and free."""

    request: Count


# Media star: text.


class TextLine(Message, frozen=True):
    """Keyboard, feeder -> session: a user turn. Resent after every `Welcome` until it is kept."""

    line: LineId
    text: Text
    is_shown: bool = True
    """Whether the user has seen it on the screen; if not, the session shows it."""
    picture: Picture = b""
    """A JPEG, PNG or WebP that the text is about; empty when there is none."""


class LineSent(Message, frozen=True):
    """Session -> keyboard: the line was handed to the model."""

    line: LineId


class LineAnswered(Message, frozen=True):
    """Session -> keyboard: the model's turn for this line is over, and what there was to hear was heard."""

    line: LineId


class LineKept(Message, frozen=True):
    """Session -> keyboard: the model's context holds this line for good; forget it."""

    line: LineId


class LineRefused(Message, frozen=True):
    """Session -> keyboard: this line cannot be sent, and why. It is not resent."""

    line: LineId
    reason: Text


class Interrupt(Message, frozen=True):
    """Keyboard, feeder -> session: the user cuts the reply short."""


class OutputText(Message, frozen=True):
    """Session -> console, listener: the next piece of what the model says."""

    text: Text


class InputText(Message, frozen=True):
    """Session -> console, listener: the next piece of what the user was heard to say."""

    text: Text


class TextComplete(Message, frozen=True):
    """Session -> console, listener: nothing more comes in this turn."""


class Interrupted(Message, frozen=True):
    """Session -> console and speakers' listeners: the reply was cut here."""

    heard_ms: Count | None = None
    """How much of it was heard, where a speaker knows."""


class Notice(Message, frozen=True):
    """Any actor -> console, and the user's program: one line the user should read."""

    text: Text


# Media star: the user's functions.


class OfferedTool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One function the model may call."""

    name: Name
    declaration: Json
    """A `FunctionDeclaration` of the Live API: name, description, parameters."""
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 30.0
    is_blocking: bool = True
    """Whether the model is silent until the result is there."""
    scheduling: Literal["INTERRUPT", "WHEN_IDLE", "SILENT"] = "WHEN_IDLE"
    """When a result that the model did not wait for is spoken of."""


class ToolsOffered(Message, frozen=True):
    """Tools -> session: what can be called. Sent again after every `Welcome`."""

    tools: Annotated[tuple[OfferedTool, ...], msgspec.Meta(max_length=128)]


class CallTool(Message, frozen=True):
    """Session -> tools: run this. Tools -> a new session: an earlier one asked for this, and its result follows."""

    call: CallId
    """Chosen by the session; the server's own ids begin anew with each connection."""
    name: Name
    args: Json
    deadline_s: Annotated[float, msgspec.Meta(gt=0, le=3600)]
    """Seconds from now; without a result by then the call has failed."""


class ToolResult(Message, frozen=True):
    """Tools -> session: what came out. Kept, and sent again to a new session, until `ToolKept`."""

    call: CallId
    output: Json | None = None
    error: Text | None = None
    """Set instead of `output` when the function failed: what the model is told about it."""


class ToolKept(Message, frozen=True):
    """Session -> tools: the model's context holds this call for good; forget it."""

    call: CallId


class CancelTool(Message, frozen=True):
    """Session -> tools: nobody wants this result any more."""

    call: CallId


# Media star: audio. PCM is mono, signed 16-bit, little-endian.


class MicChunk(Message, frozen=True):
    """Mic -> session: the next slice of the user's voice, at 16 kHz."""

    pcm_16k: Pcm
    captured_ns: Count
    """Monotonic time of its first sample."""
    replay: Count = 0
    """The `Replay` it is sent for; 0: nobody has asked."""


class Replay(Message, frozen=True):
    """Session -> mic: from now on send under this number, beginning with the first sample after `after_ns`, however long ago."""

    number: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    after_ns: Count
    """Up to this capture time the model's context holds the user's voice; 0: it holds none."""


class MicPaused(Message, frozen=True):
    """Mic -> session: no more audio for now (the stream pauses, it does not end)."""


class SpeechChunk(Message, frozen=True):
    """Session -> speaker: the next slice of the reply, at 24 kHz. Its turn is the envelope's epoch."""

    pcm_24k: Pcm
    voice_ended_ns: Count = 0
    """On the first slices of a reply: monotonic time at which the voice ended that it answers; 0 = it answers none."""
    due_ns: Count = 0
    """When its first sample is to leave the loudspeaker, the same for all of them; 0: as soon as it can."""
    position: Count | None = None
    """Through the gate: how many samples of the reply come before it; None: behind what came last."""


class SpeechEnd(Message, frozen=True):
    """Session -> speaker: the reply of this epoch is complete; running dry is no underrun."""


class Reference(Message, frozen=True):
    """Speaker -> session -> microphones: what is about to be heard, so that its echo can be taken out."""

    pcm_24k: Pcm
    audible_ns: Count
    """Monotonic time at which its first sample leaves the loudspeaker."""


class ReferenceCut(Message, frozen=True):
    """Speaker -> session -> microphones: what was announced from this time on is not heard after all."""

    audible_ns: Count


class Flush(Message, frozen=True):
    """Session -> speaker, listener: drop everything of older epochs, now. Idempotent."""


class Lead(Message, frozen=True):
    """Speaker -> session: so long before it is to be heard it has to be sent to me."""

    ms: Annotated[int, msgspec.Meta(ge=0, le=10_000)]


class Credit(Message, frozen=True):
    """Remote speaker -> gate: how far I am with the reply of this epoch, in samples, and how much I want to hold."""

    received: Count
    played: Count
    window_ms: Annotated[int, msgspec.Meta(ge=0, le=10_000)]


class Heard(Message, frozen=True):
    """Speaker, listener -> session: how far this epoch's reply has left the loudspeaker."""

    played_ms: Count
    is_done: bool
    """True when nothing of the epoch is left to hear."""


# Media star: video.


class VideoFrame(Message, frozen=True):
    """Camera, screen -> session: what is seen now. The next one is not sent before `VideoTaken`."""

    jpeg: Picture
    captured_ns: Count


class VideoTaken(Message, frozen=True):
    """Session -> camera, screen: your last frame was handed to the model, or dropped."""

    max_bytes: Annotated[int, msgspec.Meta(ge=1, le=MAX_PICTURE_BYTES)]
    """How large the next one may be so that it does not hold up the voice: what the link carries in a moment."""


Wire: TypeAlias = (
    Welcome
    | Hello
    | Ping
    | WhoIsThere
    | HubLost
    | ClockAsk
    | ClockTold
    | Enrol
    | Enrolled
    | EnrolRefused
    | Present
    | Snapshot
    | Changed
    | GetState
    | SetState
    | StateValue
    | Refused
    | Yield
    | Yielded
    | TextLine
    | LineSent
    | LineAnswered
    | LineKept
    | LineRefused
    | Interrupt
    | OutputText
    | InputText
    | TextComplete
    | Interrupted
    | Notice
    | ToolsOffered
    | CallTool
    | ToolResult
    | ToolKept
    | CancelTool
    | MicChunk
    | Replay
    | MicPaused
    | SpeechChunk
    | SpeechEnd
    | Reference
    | ReferenceCut
    | Flush
    | Lead
    | Credit
    | Heard
    | VideoFrame
    | VideoTaken
)
MESSAGES: tuple[type[Message], ...] = get_args(Wire)


class Envelope(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What travels around every message."""

    version: Count
    sender: Name
    """Actor name."""
    boot_id: BootId
    """Incarnation of the sending process; a restarted actor has another."""
    seq: Count
    """Counted per sender and link from 1; a hole is a loss."""
    epoch: Count
    """The turn this belongs to; audio of an older epoch is dropped."""
    sent_ns: Count
    """Monotonic clock of the sender's machine."""
    body: Wire


class WireError(ValueError):
    """A frame that must not be acted on: whose fault it is and what was wrong with it."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        """One word to count it under: oversized, malformed or version."""


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Envelope] = msgspec.msgpack.Decoder(Envelope)


def encode(envelope: Envelope) -> bytes:
    """Write one frame. Raises `WireError` if it is over the limit a receiver accepts, or holds half a character."""
    try:
        frame = _encoder.encode(envelope)
    except UnicodeEncodeError as error:
        raise WireError("malformed", f"{envelope.body!a} cannot be written: {error.reason}") from None
    if len(frame) > MAX_FRAME_BYTES:
        raise WireError(
            "oversized", f"{envelope.body!r} makes {len(frame)} bytes, at most {MAX_FRAME_BYTES} are sent"
        )
    return frame


def decode(frame: bytes) -> Envelope:
    """Read one frame. Raises `WireError`, and nothing else, for whatever is wrong with it."""
    if len(frame) > MAX_FRAME_BYTES:
        raise WireError("oversized", f"{len(frame)} bytes, at most {MAX_FRAME_BYTES} are read")
    try:
        envelope = _decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(
            "malformed", f"{_plain(str(error))} ({len(frame)} bytes, beginning {frame[:16].hex()})"
        ) from None
    if envelope.version != VERSION:
        raise WireError(
            "version",
            f"{_plain(envelope.sender)} speaks version {envelope.version}, this is version {VERSION}",
        )
    return envelope


def _plain(text: str) -> str:
    """Words that may quote the sender's: short, and unable to steer a terminal that shows the log."""
    return ascii(text[:200])[1:-1]


def _brief(value: object) -> str:
    match value:
        case bytes():
            return f"<{len(value)} bytes>"
        case str() if len(value) > 40:
            return f"<{len(value)} characters>"
        case tuple() | list() | dict():
            return f"<{len(value)} items>"
        case _:
            return repr(value)
