"""What each kind of remote actor may say and hear, star by star. What is not here is refused. Pure."""

from dataclasses import dataclass
from typing import Literal

from actors import wire

Star = Literal["control", "media"]
STARS: tuple[Star, ...] = ("control", "media")
Kinds = frozenset[type[wire.Message]]

MAX_BYTES: dict[Star, int] = {"control": 4096, "media": 8192}
"""No frame from a device is larger; a longer one ends its connection."""


@dataclass(frozen=True, slots=True)
class Role:
    """One row of the table below."""

    says: dict[Star, Kinds]
    hears: dict[Star, Kinds]
    frames_per_s: dict[Star, float]
    bytes_per_s: dict[Star, float]


_STATE: Kinds = frozenset({wire.Snapshot, wire.Changed})
_TALK: Kinds = frozenset({wire.Hello, wire.ClockTold, wire.Notice})
_HELLO: Kinds = frozenset({wire.Hello, wire.ClockTold})

ROLES: dict[str, Role] = {
    "mic": Role(
        says={"control": _TALK, "media": _HELLO | {wire.MicChunk, wire.MicPaused}},
        hears={"control": _STATE, "media": frozenset({wire.Replay, wire.Reference, wire.ReferenceCut})},
        frames_per_s={"control": 30.0, "media": 900.0},
        bytes_per_s={"control": 8_000.0, "media": 400_000.0},
    ),
    "speaker": Role(
        says={
            "control": _TALK,
            "media": _HELLO | {wire.Heard, wire.Lead, wire.Credit, wire.Reference, wire.ReferenceCut},
        },
        hears={"control": _STATE, "media": frozenset({wire.SpeechChunk, wire.SpeechEnd, wire.Flush})},
        frames_per_s={"control": 30.0, "media": 250.0},
        bytes_per_s={"control": 8_000.0, "media": 120_000.0},
    ),
}
"""Rates leave a sample rate of 16 and 24 kHz, cut into 10 ms, room to catch up; a text that is spoken is never there.

A microphone says again, eight times faster, what a new connection to the model has not heard.
"""
