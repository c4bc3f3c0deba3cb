"""One conversation across connections: its turns, and the handles from which it can be taken up again. Pure.

A handle is a snapshot: who resumes from it gets the conversation as it was when the handle was issued, and whatever was said
later is not in it. That is how the real service behaves, and what a client has to live with.
"""

import secrets
from collections import Counter, OrderedDict
from collections.abc import Iterable
from typing import Literal

import msgspec

from actors.model.parrot.refusal import session_not_found

MAX_HANDLES = 256
TOKENS_PER_SECOND = 25
CHARS_PER_TOKEN = 4
PICTURE_TOKENS = 258

Who = Literal["user", "model"]


class Turn(msgspec.Struct, frozen=True):
    """What one side said."""

    who: Who
    text: str
    audio_s: float = 0.0
    """Seconds of sound, of a reply only what was sent."""
    interrupted: bool = False
    picture: str = ""
    """What was shown with it; `Sight.name`."""

    @property
    def tokens(self) -> int:
        """What the turn weighs in the context."""
        heard_and_seen = round(self.audio_s * TOKENS_PER_SECOND) + PICTURE_TOKENS * bool(self.picture)
        return heard_and_seen + -(-len(self.text) // CHARS_PER_TOKEN)


Turns = tuple[Turn, ...]


class Intake(msgspec.Struct):
    """What one connection has taken from its client so far."""

    last_message: int = 0
    """The setup is message 0."""
    samples: int = 0


class Conversation:
    """The turns so far, the newest `max_turns` of them."""

    def __init__(self, turns: Turns = (), max_turns: int = 1000) -> None:
        self.turns = turns[-max_turns:]
        self._max_turns = max_turns

    def add(self, turn: Turn) -> None:
        """Add the newest turn; the oldest may be forgotten."""
        self.turns = (*self.turns, turn)[-self._max_turns :]

    def texts(self) -> dict[str, int]:
        """Return each text the user said, and how often, in order of its first time."""
        return dict(Counter(turn.text for turn in self.turns if turn.who == "user"))

    def pictures(self) -> dict[str, int]:
        """Return each picture that was shown with a turn, and how often."""
        return dict(Counter(turn.picture for turn in self.turns if turn.picture))

    def tokens(self) -> int:
        """Return what the whole context weighs."""
        return count_tokens(self.turns)


def count_tokens(turns: Iterable[Turn]) -> int:
    """Return what the turns weigh together."""
    return sum(turn.tokens for turn in turns)


class Handles:
    """The resumption handles that were issued: the newest 256 that are not too old."""

    def __init__(self, lifetime_s: float) -> None:
        self._lifetime_s = lifetime_s
        self._issued: OrderedDict[str, tuple[float, Turns]] = OrderedDict()

    def issue(self, turns: Turns, now_s: float) -> str:
        """Return a new handle for the conversation as it is now."""
        handle = secrets.token_urlsafe(24)
        self._issued[handle] = (now_s + self._lifetime_s, turns)
        if len(self._issued) > MAX_HANDLES:
            self._issued.popitem(last=False)
        return handle

    def restore(self, handle: str, now_s: float) -> Turns:
        """Return the turns as they were when the handle was issued. Raises Refusal for an unknown or expired one."""
        expires_s, turns = self._issued.get(handle, (now_s, ()))
        if now_s >= expires_s:
            raise session_not_found()
        return turns

    def expire_all(self) -> None:
        """Make every handle issued so far unknown."""
        self._issued.clear()
