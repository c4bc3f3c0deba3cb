"""What to do when a connection to the model ends: a table of causes, and when to try again. Pure."""

import enum
import random
from collections.abc import Callable
from dataclasses import dataclass

from actors.runtime import exits


class Then(enum.Enum):
    """What follows the end of a connection."""

    RESUME = "resume"
    """Connect again from the last handle."""
    FRESH = "start fresh"
    """The handle is no good: connect again without it."""
    STOP = "stop"
    """Trying again would fail again: a human has to act."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The classified end of a connection."""

    then: Then
    why: str
    """For the user: what happened and, where they can do something, what."""
    exit_code: int = exits.TEMPORARY
    is_servers_word: bool = False
    """The server said so itself; otherwise the network, or our own patience, ended."""
    is_planned: bool = False
    """We left of our own accord: no waiting before the next connection."""


class ConnectionEndedError(Exception):
    """The connection to the model ended, or could not be made; `verdict` says what to do about it."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.why)
        self.verdict = verdict


PLANNED = Verdict(Then.RESUME, "the model asked for a new connection", is_planned=True)

NO_CLOSE_FRAME = 1006
FAILED_RESUMES = 2
FAILED_FOR_S = 10.0
NOTICEABLE_S = 2.0
UNREACHED_S = 3.0
"""At the start the parrot, or a slow network, may take a moment."""
_KEY = "the API key was refused ({reason}); check the variable named by model.api_key_env"
_MODEL = "the model was refused ({reason}); check model.name, model.location and model.api_version"
_CONFIG = "the model refused the configuration ({reason}); check [model] and [model.live]"
_QUOTA = "the quota is used up ({reason}); wait, or use another key"

_CLOSES: tuple[tuple[int | None, str, Then, int, str], ...] = (
    # close code (None: any), a part of the reason in lower case, what follows, exit code, in words
    (None, "api key", Then.STOP, exits.DENIED, _KEY),
    (None, "unregistered callers", Then.STOP, exits.DENIED, _KEY),
    (None, "authentication", Then.STOP, exits.DENIED, _KEY),
    (None, "permission", Then.STOP, exits.DENIED, _KEY),
    (None, "session handle", Then.FRESH, exits.TEMPORARY, "the model forgot the conversation ({reason})"),
    (None, "session not found", Then.FRESH, exits.TEMPORARY, "the model forgot the conversation ({reason})"),
    (None, "is not found for api version", Then.STOP, exits.BAD_CONFIG, _MODEL),
    (None, "publisher model", Then.STOP, exits.BAD_CONFIG, _MODEL),
    (None, "exceeded your current quota", Then.STOP, exits.DENIED, _QUOTA),
    (None, "user location is not supported", Then.STOP, exits.BAD_CONFIG, _MODEL),
    (None, "goaway", Then.RESUME, exits.TEMPORARY, "the model ended the connection"),
    (1008, "operation is not implemented", Then.RESUME, exits.TEMPORARY, "the model lost its way ({reason})"),
    (1007, "", Then.STOP, exits.BAD_CONFIG, _CONFIG),
    (1008, "", Then.STOP, exits.BAD_CONFIG, _CONFIG),
)


def classify_close(code: int, reason: str) -> Verdict:
    """Judge a close code with its reason, as the service sends them after the socket opened."""
    lowered = reason.lower()
    for wanted, part, then, exit_code, words in _CLOSES:
        if wanted in {None, code} and part in lowered:
            return Verdict(
                then, words.format(reason=f"{code} {reason}".strip()), exit_code, is_servers_word=True
            )
    reason = "" if code == NO_CLOSE_FRAME else reason  # the library's words for a line that broke
    why = f"the connection to the model was lost ({code} {reason})".replace(" )", ")")
    return Verdict(Then.RESUME, why, is_servers_word=code != NO_CLOSE_FRAME)


def classify_refusal(status: int) -> Verdict:
    """Judge an HTTP status that refused the WebSocket."""
    if status in {401, 403}:
        return Verdict(Then.STOP, _KEY.format(reason=f"HTTP {status}"), exits.DENIED)
    if status in {400, 404}:
        return Verdict(Then.STOP, _MODEL.format(reason=f"HTTP {status}"), exits.BAD_CONFIG)
    return Verdict(Then.RESUME, f"the model's server is not available (HTTP {status})")


class Resumes:
    """Tells a poisoned handle from a service that needs a moment: it refuses to resume while it holds the old connection open."""

    def __init__(self) -> None:
        self._failures = 0
        self._since_s = 0.0

    def is_poisoned(self, verdict: Verdict, now: float) -> bool:
        """A connection that resumed has ended before it did anything. Whether to begin without the handle."""
        if not verdict.is_servers_word:
            return False  # an outage says nothing about the handle
        if not self._failures:
            self._since_s = now
        self._failures += 1
        is_hopeless = self._failures > FAILED_RESUMES and now - self._since_s >= FAILED_FOR_S
        return verdict.then is Then.FRESH or is_hopeless

    def worked(self) -> None:
        """The connection proved itself, or there is no handle any more."""
        self._failures = 0


class Outage:
    """What the user is told: one line when the model is out of reach, and one when it is back if that took long."""

    def __init__(self) -> None:
        self._since_s: float | None = None
        self._is_told = False

    def failed(self, why: str, now: float, *, was_connected: bool) -> str:
        """A connection broke, or could not be made. Returns what to say, "" for nothing."""
        if self._since_s is None:
            self._since_s = now
        if self._is_told or not (was_connected or now - self._since_s > UNREACHED_S):
            return ""
        self._is_told = True
        return f"{why[0].upper()}{why[1:]}; connecting again."

    def over(self, now: float) -> str:
        """A connection is there. Returns what to say, "" for nothing."""
        is_worth_it = self._is_told and self._since_s is not None and now - self._since_s > NOTICEABLE_S
        self._since_s, self._is_told = None, False
        return "The model is back." if is_worth_it else ""


STEADY_S = 2.0
"""A server that cuts every connection is not asked more often than this."""


class Backoff:
    """0.2 s, doubled up to 4 s, each +-20 %; back to the start after a connection that did something.

    One that held for a while is replaced at once: speech is waiting, and the server has shown that it can serve.
    """

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self._jitter = jitter
        self.failures = 0

    def next_s(self, held_s: float = 0.0) -> float:
        """Return how long to wait before the next attempt, after a connection that held for so long."""
        if held_s >= STEADY_S:
            return 0.0
        base: float = min(4.0, 0.2 * 2**self.failures)
        self.failures = min(self.failures + 1, 10)
        return base * (0.8 + 0.4 * self._jitter())

    def worked(self) -> None:
        """The connection proved itself."""
        self.failures = 0
