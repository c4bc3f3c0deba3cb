"""A device whose host does not answer looks for it in the local network: a process of its own does, now and then."""

import logging
from collections.abc import Callable

import msgspec

from actors.runtime.loop import Loop
from actors.settings import HostTable
from supervisor.tree import errand

LOST_S = 5.0
"""A link that breaks is back within 2 s where the host is where it was."""
FIRST_WAIT_S, LONGEST_WAIT_S = 15.0, 300.0
"""Between two searches: each costs half a second of processor time, and a host may be away for days."""
WITHIN_S = 20.0

log = logging.getLogger("supervisor")


class HostSearch:
    """`found` is called with an address at which the host has proved its key."""

    def __init__(
        self, loop: Loop, found: Callable[[str], None], send: Callable[..., None] = errand.send
    ) -> None:
        self._loop = loop
        self._found = found
        self._send = send
        self._lost_s: float | None = None
        self._next_s = 0.0
        self._wait_s = FIRST_WAIT_S
        self._is_out = False
        self._told = ""

    def look(self, host: HostTable, hidden: tuple[str, ...], now: float, *, is_connected: bool) -> None:
        """Search when it is time to; call once a tick. `hidden` are variables that the search must not see."""
        if is_connected or not host.search:
            self._lost_s, self._next_s, self._wait_s, self._told = None, 0.0, FIRST_WAIT_S, ""
            return
        if self._lost_s is None:
            self._lost_s = now
        if self._is_out or now - self._lost_s < LOST_S or now < self._next_s:
            return
        self._next_s = now + self._wait_s
        self._wait_s = min(LONGEST_WAIT_S, 2 * self._wait_s)
        try:
            self._send(
                self._loop,
                ["-m", "supervisor.remote.finding"],
                self._returned,
                within_s=WITHIN_S,
                hidden=hidden,
                given=msgspec.json.encode(host),
            )
        except OSError as error:
            self._tell(f"the host could not be looked for: {error}")
        else:
            self._is_out = True

    def _returned(self, search: errand.Returned) -> None:
        self._is_out = False
        if search.code == 0:
            self._found(search.out.strip())
        else:
            self._tell((search.err.splitlines() or [f"the search ended with {search.code}"])[-1])

    def _tell(self, words: str) -> None:
        """Log it, once until it is something else."""
        if words != self._told:
            self._told = words
            log.warning("%s", words)
