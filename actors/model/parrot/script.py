"""Rules that make the parrot say other things, or break: `{"when": {...}, "do": {...}, "times": 1}`.

A rule applies at the moment its `when` names; all its conditions must hold:

    text, contains, turn     at that user turn (counted from 1 on each connection; speech has a text like "(1.4 s of speech)")
    chunks                   not before that turn's reply, but when so many of its audio chunks were sent
    after_s                  so long after setup
    none of them             right after setup
    connection               only on that connection (counted from 1, refused ones too)

Several rules may apply at once; they are carried out in the order in which they are written.
"""

from collections import Counter
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import msgspec

from actors.model.parrot.recording import RecordingError, read_recording

Seconds = Annotated[float, msgspec.Meta(ge=0)]
CloseCode = Annotated[int, msgspec.Meta(ge=1000, le=4999)]
From1 = Annotated[int, msgspec.Meta(ge=1)]


class ScriptError(ValueError):
    """A script that cannot be followed: which rule, and what is wrong with it."""


class Strict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Base of the parts of a rule."""


class When(Strict, frozen=True):
    """The moment of a rule; see the top of this file."""

    connection: From1 | None = None
    text: str | None = None
    contains: str | None = None
    turn: From1 | None = None
    chunks: From1 | None = None
    after_s: Seconds | None = None


class Reply(Strict, frozen=True):
    """Answer like this instead of the usual way."""

    text: str | None = None
    seconds: Annotated[float, msgspec.Meta(ge=0, le=600)] | None = None
    """That much of a steady tone instead of speech; 0 = no audio at all."""
    chunk_bytes: Annotated[int, msgspec.Meta(ge=1, le=600_000)] | None = None
    delay_s: Seconds | None = None
    """Between chunks, instead of the pace of `audio_speed`."""
    wav: str | None = None
    """The recording to say: a WAV file, 24 kHz int16 mono, whose very samples are sent."""
    speed: Seconds | None = None
    """Instead of `audio_speed`: times real time; 0 = as fast as possible."""
    at_once_s: Seconds = 0.0
    """How much sound is sent before the pace begins."""
    wait_s: Seconds = 0.0
    """How long the model thinks before it."""

    def __post_init__(self) -> None:
        if self.wav is not None and self.seconds is not None:
            raise ValueError("wav and seconds cannot both be the reply")


class Close(Strict, frozen=True):
    """Close the WebSocket like this."""

    code: CloseCode = 1011
    reason: str = "Internal error encountered."


class Stall(Strict, frozen=True):
    """Hold everything back for so long; 0 = never send anything again."""

    for_s: Seconds = 0.0


class GoAway(Strict, frozen=True):
    """Announce the end, and close with 1008 when the client is still there after that."""

    time_left_s: Seconds = 50.0


class Raw(Strict, frozen=True):
    """Send exactly this: text, or bytes written as base64; `as_text` makes the text a text frame."""

    text: str = ""
    base64: bytes = b""
    as_text: bool = False


class ToolCall(Strict, frozen=True):
    """Call a function, wait for its result, and answer with it."""

    name: str
    args: dict[str, Any] = {}


class Refuse(Strict, frozen=True):
    """Refuse the connection: with an HTTP status instead of the upgrade, or, without one, with a close at setup."""

    status: Annotated[int, msgspec.Meta(ge=400, le=599)] | None = None
    code: CloseCode = 1008
    reason: str = "Request refused by the script."


class Do(Strict, frozen=True):
    """What happens. Several things happen in the order of these fields."""

    refuse: Refuse | None = None
    expire_handles: bool = False
    tool_cancel: bool = False
    raw: Raw | None = None
    go_away: GoAway | None = None
    stall: Stall | None = None
    half_open: bool = False
    close: Close | None = None
    reset: bool = False
    tool_call: ToolCall | None = None
    reply: Reply | None = None


class Moment(Enum):
    """The points at which the script is asked."""

    HANDSHAKE = "handshake"
    SETUP = "setup"
    READY = "ready"
    TIMER = "timer"
    TURN = "turn"
    CHUNK = "chunk"


class Rule(Strict, frozen=True):
    """One rule; `times` limits how often it applies, 0 = no limit."""

    do: Do
    when: When = When()
    times: Annotated[int, msgspec.Meta(ge=0)] = 0

    def __post_init__(self) -> None:
        when, do = self.when, self.do
        by_turn = (when.text, when.contains, when.turn, when.chunks) != (None,) * 4
        if when.after_s is not None and by_turn:
            raise ValueError("after_s cannot be combined with text, contains, turn or chunks")
        if do.refuse is not None and (by_turn or when.after_s is not None):
            raise ValueError("refuse can only depend on connection")
        if (do.reply or do.tool_call) and self.moment is not Moment.TURN:
            raise ValueError("reply and tool_call need text, contains or turn, and no chunks")
        if do == Do():
            raise ValueError("do is empty")

    @property
    def moment(self) -> Moment:
        """When the script has to be asked for this rule."""
        when = self.when
        if self.do.refuse is not None:
            return Moment.SETUP if self.do.refuse.status is None else Moment.HANDSHAKE
        if when.after_s is not None:
            return Moment.TIMER
        if when.chunks is not None:
            return Moment.CHUNK
        return Moment.READY if (when.text, when.contains, when.turn) == (None, None, None) else Moment.TURN


class Now(Strict, frozen=True):
    """Where a connection is when it asks the script."""

    moment: Moment
    connection: int
    turn: int = 0
    text: str = ""
    chunks: int = 0


class Script:
    """The rules, and how often each has applied."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules = list(rules)
        self._applied: Counter[int] = Counter()

    def add(self, *rules: Rule) -> None:
        """Add rules, from now on."""
        self._rules += rules

    def ask(self, now: Now) -> list[Do]:
        """Return what has to happen now, in order, and count it."""
        return [rule.do for rule in self._take(now)]

    def timers(self, connection: int) -> list[tuple[float, Do]]:
        """Return what has to happen later on a connection that is ready now: after how many seconds, and what."""
        due = self._take(Now(moment=Moment.TIMER, connection=connection))
        return [(rule.when.after_s or 0.0, rule.do) for rule in due]

    def _take(self, now: Now) -> list[Rule]:
        taken = []
        for number, rule in enumerate(self._rules):
            if _applies(rule, now) and not 0 < rule.times <= self._applied[number]:
                self._applied[number] += 1
                taken.append(rule)
        return taken


def load_script(path: Path) -> list[Rule]:
    """Return the rules in a JSON file. Raises ScriptError, naming the rule by its number from 1, and OSError."""
    try:
        listed = msgspec.json.decode(path.read_bytes(), type=list[msgspec.Raw])
    except msgspec.DecodeError as error:
        raise ScriptError(f"{path}: not a JSON list of rules: {error}") from None
    return [_read_rule(path, number, raw) for number, raw in enumerate(listed, start=1)]


def _read_rule(path: Path, number: int, raw: msgspec.Raw) -> Rule:
    try:
        rule = msgspec.json.decode(raw, type=Rule)
        if rule.do.reply is not None and rule.do.reply.wav is not None:
            read_recording(rule.do.reply.wav)  # a file that is missing is told now, not in mid-conversation
    except (msgspec.DecodeError, RecordingError) as error:
        raise ScriptError(f"{path}: rule {number}: {error}") from None
    return rule


def _applies(rule: Rule, now: Now) -> bool:
    when = rule.when
    return (
        rule.moment is now.moment
        and when.connection in {None, now.connection}
        and when.turn in {None, now.turn}
        and when.chunks in {None, now.chunks}
        and when.text in {None, now.text}
        and (when.contains is None or when.contains in now.text)
    )
