"""What the supervisor tells whoever supervises *it*: systemd's notify protocol, when NOTIFY_SOCKET asks for it.

The actors have a socket of their own under the same name; ours is taken out of the environment at once, so that none of
them, and nothing they start, can speak for us.
"""

import os
import time
from collections.abc import MutableMapping

from actors.runtime.notify import Channel, one_line

VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class Outer:
    """Says READY, STATUS, WATCHDOG, RELOADING and STOPPING. Silent when nobody asked."""

    def __init__(self, address: str | None = None, *, has_watchdog: bool = False) -> None:
        self._channel = Channel(address)
        self._has_watchdog = has_watchdog
        self._status = ""

    @classmethod
    def take(cls, environment: MutableMapping[str, str]) -> "Outer":
        """Take what is meant for us out of the environment."""
        address, interval_us, pid = (environment.pop(name, None) for name in VARIABLES)
        is_ours = pid in {None, str(os.getpid())}
        return cls(address, has_watchdog=is_ours and interval_us is not None)

    def ready(self) -> None:
        """Every actor that can be is ready; also the end of a reload."""
        self._channel.send({"READY": "1"})

    def alive(self, status: str) -> None:
        """Call from the tree's loop, twice a second. `status` is sent when it is another one."""
        fields = {"WATCHDOG": "1"} if self._has_watchdog else {}
        if status != self._status:
            self._status = status
            fields["STATUS"] = one_line(status)
        if fields:
            self._channel.send(fields)

    def reloading(self) -> None:
        """A reload begins; `ready` ends it."""
        self._channel.send({"RELOADING": "1", "MONOTONIC_USEC": str(time.monotonic_ns() // 1000)})

    def stopping(self, why: str) -> None:
        """The ordered stop begins."""
        self._channel.send({"STOPPING": "1", "STATUS": one_line(why)})

    def close(self) -> None:
        """Say nothing more."""
        self._channel.close()
