"""What may be put on an input queue, checked: the keyword arguments of the SDK's `send_realtime_input`. Pure."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from actors.wire import MAX_PICTURE_BYTES, MAX_TEXT_CHARS

DEFAULT_RATE_HZ = 16_000
RATES_HZ = range(4_000, 192_001)
JPEG = "image/jpeg"
KEYS = "text, audio, video, audio_stream_end, interrupt"


@dataclass(frozen=True, slots=True)
class Said:
    """A line of text."""

    text: str


@dataclass(frozen=True, slots=True)
class Voice:
    """A piece of the user's voice: int16 LE mono."""

    pcm: bytes
    rate_hz: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture, or a frame of a video."""

    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Silence:
    """No more voice for now."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The user cuts the reply short. Not the SDK's: with server-side voice detection it has no such word."""


Content: TypeAlias = Said | Voice | Seen | Silence | Stop


def read(item: Any) -> Content:
    """Check an item. Raises `ValueError` saying what is wrong with it."""
    if not isinstance(item, dict) or len(item) != 1:
        raise ValueError(f"an item is a dictionary with one of {KEYS}, not {_brief(item)}")
    ((key, value),) = item.items()
    match key, value:
        case "text", str():
            if len(value) > MAX_TEXT_CHARS:
                raise ValueError(f"a text has at most {MAX_TEXT_CHARS} characters, this one {len(value)}")
            return Said(value)
        case "audio", {"data": bytes() as data}:
            return _voice(data, str(value.get("mime_type") or ""))
        case "video", {"data": bytes() as data}:
            return _seen(data, str(value.get("mime_type") or JPEG))
        case "audio_stream_end", True:
            return Silence()
        case "interrupt", True:
            return Stop()
        case _:
            raise ValueError(f"{key!r} cannot be {_brief(value)}; an item has one of {KEYS}")


def _voice(pcm: bytes, mime_type: str) -> Voice:
    kind, *parameters = (part.strip() for part in (mime_type or "audio/pcm").split(";"))
    if kind not in {"audio/pcm", "audio/l16"}:
        raise ValueError(f"audio must be audio/pcm;rate=…, not {mime_type!r}")
    if len(pcm) % 2:
        raise ValueError(f"audio is int16, so its bytes cannot be {len(pcm)}")
    rate = next((part[5:] for part in parameters if part.startswith("rate=")), str(DEFAULT_RATE_HZ))
    if not rate.isdecimal() or int(rate) not in RATES_HZ:
        raise ValueError(f"the rate of {mime_type!r} is not one from {RATES_HZ[0]} to {RATES_HZ[-1]} Hz")
    return Voice(pcm, int(rate))


def _seen(data: bytes, mime_type: str) -> Seen:
    if mime_type != JPEG:
        raise ValueError(f"a picture must be {JPEG}, not {mime_type!r}")
    if len(data) > MAX_PICTURE_BYTES:
        raise ValueError(f"a picture has at most {MAX_PICTURE_BYTES} bytes, this one {len(data)}")
    return Seen(data)


def _brief(value: Any) -> str:
    """Name a value without its samples, or its words."""
    if isinstance(value, (bytes, str)):
        return f"{type(value).__name__} of length {len(value)}"
    if isinstance(value, dict):
        return f"a dictionary with {', '.join(sorted(map(str, value))) or 'nothing'}"[:100]
    return repr(value)[:100]
