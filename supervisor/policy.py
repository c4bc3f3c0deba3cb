"""Whether and when to start a child again: a function of (how it ended, history, now), and nothing else decides."""

import enum
import random
import signal
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from actors.runtime import exits
from supervisor.spec import Kind

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 15.0
GOOD_RUN_S = 5.0
"""A run this long, once it was ready, starts the back-off anew. (With 30 s, 20 kills of a session that worked well cost 200 s of waiting;
what bounds a crash loop is the intensity.)"""
DEVICE_OFTEN_S = 60.0
"""A device that is missing is mostly there within the minute: that long it is looked for often, then more and more rarely."""
NEW_DEVICE_WAIT_S = 2.0
"""A look costs 0.1 s of processor time: on a machine without sound, less than a tenth of one core for that minute."""
DEVICE_WAIT_S = 1.0
LONGEST_DEVICE_WAIT_S = 30.0
SLOW_RETRY_S = 30.0


class Verdict(enum.Enum):
    """What becomes of a child that ended."""

    RESTART = "backoff"
    ABSENT = "absent"
    """Its device is not there: look again now and then, uncounted."""
    FATAL = "fatal"
    """Starting it again would fail again (or has, too often)."""
    STOPPED = "stopped"
    """It ended as it should."""
    END_TREE = "end"
    """Without it there is no conversation."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, when to try again, and the exit code when the tree ends."""

    verdict: Verdict
    wait_s: float | None = None
    exit_code: int = 1


@dataclass(slots=True)
class History:
    """What one child has been through. Times are seconds on the monotonic clock."""

    kind: Kind
    max_restarts: int
    within_s: float
    jitter: Callable[[], float] = random.random
    crashes: deque[float] = field(default_factory=deque)
    _failures: int = 0
    _has_been_ready: bool = False
    _is_up: bool = False
    """The run that goes on now has got as far as READY."""
    _absent_since: float | None = None
    _device_wait_s: float = DEVICE_WAIT_S

    def ended(self, code: int, ran_s: float, now: float) -> Decision:
        """Decide after an exit. `code` is negative for a signal, as in `Popen.returncode`."""
        was_up, self._is_up = self._is_up, False
        if code == exits.DONE and self.kind.may_end:
            return Decision(Verdict.STOPPED)
        if code in {exits.USAGE, exits.DENIED, exits.BAD_CONFIG}:
            exit_code = 1 if code == exits.USAGE else 6
            is_end = self.kind.is_critical or (self.kind.must_be_right and code == exits.BAD_CONFIG)
            return Decision(Verdict.END_TREE if is_end else Verdict.FATAL, exit_code=exit_code)
        if code == exits.DEVICE_ABSENT:
            return Decision(Verdict.ABSENT, self._look_again_s(now))
        return self._crashed(ran_s if was_up else 0.0, now)

    def unborn(self) -> Decision:
        """It could not even be spawned: the machine is short of something. Uncounted, as that is nobody's fault and may pass."""
        return Decision(Verdict.RESTART, self._wait_s())

    def was_ready(self) -> None:
        """It got as far as READY: its device is there."""
        self._has_been_ready = self._is_up = True
        self._absent_since = None

    def _look_again_s(self, now: float) -> float:
        """A device that was pulled out is missed more than one that never was there."""
        if self._absent_since is None:
            self._absent_since = now
            self._device_wait_s = DEVICE_WAIT_S if self._has_been_ready else NEW_DEVICE_WAIT_S
        elif now - self._absent_since > DEVICE_OFTEN_S:
            self._device_wait_s = min(LONGEST_DEVICE_WAIT_S, 2 * self._device_wait_s)
        return self._device_wait_s

    def _crashed(self, ran_s: float, now: float) -> Decision:
        if ran_s >= GOOD_RUN_S:
            self._failures = 0
        self.crashes.append(now)
        while self.crashes and now - self.crashes[0] > self.within_s:
            self.crashes.popleft()
        if len(self.crashes) > self.max_restarts:
            return (
                Decision(Verdict.END_TREE) if self.kind.is_critical else Decision(Verdict.FATAL, SLOW_RETRY_S)
            )
        return Decision(Verdict.RESTART, self._wait_s())

    def _wait_s(self) -> float:
        """Return the back-off, and make the next one longer."""
        wait_s: float = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        return wait_s * (0.8 + 0.4 * self.jitter())


def in_words(code: int) -> str:
    """Say how a process ended: "exit 70 (crashed)", "killed by SIGKILL"."""
    if code < 0:
        try:
            return f"killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"killed by signal {-code}"
    return f"exit {code} ({exits.WORDS[code]})" if code in exits.WORDS else f"exit {code}"
