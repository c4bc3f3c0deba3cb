"""What the server says, and the one way to write it: a binary frame of JSON, indented by 2, with a newline at the end."""

from collections.abc import Sequence
from typing import Any

import msgspec

from actors.model.parrot.pcm import REPLY_RATE_HZ

Message = dict[str, Any]


def encode(message: Message) -> bytes:
    """Return the frame. As in JSON of protobuf, false, 0, empty text and empty lists are left out; empty objects stay."""
    return msgspec.json.format(msgspec.json.encode(_prune(message)), indent=2) + b"\n"


def duration(length_s: float) -> str:
    """Return seconds as protobuf writes them: `50s`, `9.500s`."""
    return f"{length_s:.0f}s" if float(length_s).is_integer() else f"{length_s:.3f}s"


def setup_complete(session_id: str = "") -> Message:
    """Return the answer to setup; only Vertex names the session."""
    return {"setupComplete": {"sessionId": session_id}}


def audio(pcm: bytes) -> Message:
    """Return the next slice of a spoken reply: 24 kHz int16 LE mono."""
    blob = {"mimeType": f"audio/pcm;rate={REPLY_RATE_HZ}", "data": pcm}
    return {"serverContent": {"modelTurn": {"parts": [{"inlineData": blob}]}}}


def text(piece: str) -> Message:
    """Return the next piece of a written reply."""
    return {"serverContent": {"modelTurn": {"parts": [{"text": piece}]}}}


def heard(piece: str) -> Message:
    """Return the transcript of what the user said."""
    return {"serverContent": {"inputTranscription": {"text": piece}}}


def spoken(piece: str) -> Message:
    """Return a piece of the transcript of the reply."""
    return {"serverContent": {"outputTranscription": {"text": piece}}}


def interrupted() -> Message:
    """Return the news that the user cut the reply short."""
    return {"serverContent": {"interrupted": True}}


def generation_complete() -> Message:
    """Return the news that nothing more of this reply will come."""
    return {"serverContent": {"generationComplete": True}}


def turn_complete(usage: Message) -> Message:
    """Return the end of the model's turn, its bill riding along."""
    return {"serverContent": {"turnComplete": True}, "usageMetadata": usage}


def usage(prompt_tokens: int, response_tokens: int, *, spoken: bool, vertex: bool) -> Message:
    """Return the bill of one turn: everything in the context, and the reply."""
    modality = "AUDIO" if spoken else "TEXT"
    side = "candidates" if vertex else "response"
    return {
        "promptTokenCount": prompt_tokens,
        f"{side}TokenCount": response_tokens,
        "totalTokenCount": prompt_tokens + response_tokens,
        f"{side}TokensDetails": [{"modality": modality, "tokenCount": response_tokens}],
    }


def resumption(handle: str = "", last_message: int | None = None) -> Message:
    """Return a handle to resume from, or, without one, the news that just now there is none.

    `last_message` is the newest message of the client that it holds; only transparent resumption says so.
    """
    update: Message = {"newHandle": handle, "resumable": bool(handle)}
    if last_message is not None:
        update["lastConsumedClientMessageIndex"] = str(last_message)  # as protobuf writes 64 bits
    return {"sessionResumptionUpdate": update}


def go_away(time_left_s: float) -> Message:
    """Return the announcement that the connection will be closed."""
    return {"goAway": {"timeLeft": duration(time_left_s)}}


def tool_call(call_id: str, name: str, args: Message) -> Message:
    """Return the wish to have a function called."""
    return {"toolCall": {"functionCalls": [{"id": call_id, "name": name, "args": args}]}}


def tool_cancellation(call_ids: Sequence[str]) -> Message:
    """Return the news that these calls need no answer any more."""
    return {"toolCallCancellation": {"ids": list(call_ids)}}


def _prune(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _prune(item) for name, item in value.items() if not _is_default(item)}
    return [_prune(item) for item in value] if isinstance(value, list) else value


def _is_default(value: Any) -> bool:
    return not isinstance(value, dict) and not value
