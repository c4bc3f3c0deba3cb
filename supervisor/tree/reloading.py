"""A reload: the configuration is checked as `supervisor check` does, in a process of its own, then read and applied.

The check imports the model's SDK and the user's tools: half a second and 70 MiB that the supervisor must not spend.
"""

import logging
import os
from collections.abc import Callable

from actors.runtime.loop import Loop
from supervisor import provider
from supervisor.config import ConfigError
from supervisor.plan import Plan, Source, make_plan
from supervisor.reload import Answer
from supervisor.spec import Stdio
from supervisor.tree import errand

CHECK_WITHIN_S = 25.0

log = logging.getLogger("supervisor")


class Reload:
    """One reload. `apply` is called with a plan that can be run, `done` with the answer, once."""

    def __init__(
        self,
        loop: Loop,
        source: Source,
        stdio: Stdio,
        apply: Callable[[Plan], Answer],
        done: Callable[[Answer], None],
    ) -> None:
        self._loop = loop
        self._source = source
        self._stdio = stdio
        self._apply = apply
        self._done = done

    def begin(self, hidden: tuple[str, ...]) -> None:
        """Start the check, which does not get the variables `hidden`. Raises `OSError` when it cannot be started."""
        overrides = [word for override in self._source.overrides for word in ("--set", override)]
        words = ["-m", "supervisor", "check", str(self._source.config), *overrides]
        errand.send(self._loop, words, self._finish, within_s=CHECK_WITHIN_S, hidden=hidden)

    def _finish(self, check: errand.Returned) -> None:
        problems = check.err.splitlines() or [f"the check ended with {check.code}"]
        answer = self._go_on() if check.code == 0 else Answer(problems=problems)
        for problem in answer.problems:
            log.error("reload refused: %s", problem)
        self._done(answer)

    def _go_on(self) -> Answer:
        try:
            return self._apply(make_plan(self._source.read(), os.environ, self._stdio))
        except ConfigError as error:
            return Answer(problems=error.problems)
        except (provider.NoCredentialsError, OSError) as error:
            return Answer(problems=[f"{self._source.config}: {error}"])
