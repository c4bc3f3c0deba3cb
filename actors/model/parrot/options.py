"""What can be set on a parrot: the table `[actors.parrot]` of a config."""

from typing import Annotated, Literal

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]


class ParrotOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of one parrot. Paths that are empty switch their feature off."""

    voice: Literal["auto", "espeak", "tones"] = "auto"
    """How typed text is spoken; auto = espeak-ng when it is installed, else tones."""
    hold: Literal["auto", "always", "never"] = "auto"
    """Whether turnComplete waits for playback to end; auto = once this connection has sent realtime audio."""
    audio_speed: NotNegative = 4.0
    """How many times faster than real time a reply is sent; 0 = as fast as possible."""
    resume_early: bool = False
    """Issue the first resumption handle right after setup, not only after the first turn."""
    missing_models: tuple[str, ...] = ()
    """Model names (without `models/`) that are refused as unknown. All others are accepted."""
    handle_lifetime_s: Positive = 7200.0
    """How long after its issue a resumption handle is accepted."""
    max_turns: Annotated[int, msgspec.Meta(ge=2)] = 1000
    """Turns a conversation remembers; older ones are forgotten."""
    script: str = ""
    """A JSON file of rules, see script.py."""
    journal: str = ""
    """A file to which every event is appended as a JSON line."""
    keep_audio: str = ""
    """A directory for `connection-N.wav`: what each connection was sent."""
    ca_file: str = ""
    """Where the certificate to trust is written; empty = a private temporary directory, see `Parrot.ca_file`."""
