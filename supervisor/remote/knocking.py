"""Where the device knocks: at the invitation's address, and where the host is announced on the local network.

Every attempt demands the host's pinned key, so that a wrong place is a place that does not answer. The first that answers is it.
"""

import contextlib
from collections.abc import Callable
from typing import Protocol

from actors.runtime.bus import Identity, Link
from actors.runtime.bus.curve import Curve, KeyPair
from actors.runtime.inbox import Counters, Received
from actors.runtime.loop import Loop
from actors.runtime.sighting import Place
from actors.settings import endpoint
from supervisor.remote.extra import how_to_install
from supervisor.remote.invitation import Invitation

ANSWER_WITHIN_S = 30.0
NEARBY_WITHIN_S = 10.0
ALONE_S = 5.0
"""An address that does not answer for so long is not the only place any more."""

_OPEN = "does `supervisor pair` still wait there (each line works once, for ten minutes)"

Came = Callable[[Place, Received], None]
Say = Callable[[str], None]


class JoinError(Exception):
    """It did not come to a pairing: why, and what to do."""


class Looks(Protocol):
    """A search of the local network."""

    def places(self) -> list[Place]:
        """Return where the host may be."""

    def close(self) -> None:
        """Stop looking."""


class Knocking:
    """All attempts of one `join`, until one is kept."""

    def __init__(self, loop: Loop, invitation: Invitation, me: KeyPair, came: Came, say: Say) -> None:
        self._loop = loop
        self._invitation = invitation
        self._curve = Curve(me, invitation.host_key)
        self._came = came
        self._say = say
        self._links: dict[Place, Link] = {}
        self._search: Looks | None = None
        self._was_looked = False
        self._last_knock_s = 0.0
        if invitation.address:
            self._knock(Place(invitation.address, invitation.port))

    def link(self, place: Place) -> Link:
        """Return the way to a place."""
        return self._links[place]

    def go_on(self, waited_s: float) -> None:
        """Look further, or give up. Raises `JoinError`."""
        if not self._was_looked and (not self._invitation.address or waited_s > ALONE_S):
            self._look()
        if self._search is not None:
            for place in self._search.places():
                if place not in self._links:
                    self._say(f"Announced in this network: {place.address} port {place.port}. Trying it.")
                    self._knock(place)
                    self._last_knock_s = waited_s
        patience_s = ANSWER_WITHIN_S if self._invitation.address else NEARBY_WITHIN_S
        if waited_s > max(patience_s, self._last_knock_s + ALONE_S):
            raise JoinError(self._why())

    def keep_only(self, place: Place) -> None:
        """Leave all other places, after this round of the loop, and look no further: this one has the key."""
        self._loop.call_soon(lambda: self._close_all_but({place}))

    def close(self) -> None:
        """End it."""
        self._close_all_but(set())

    def _close_all_but(self, kept: set[Place]) -> None:
        if self._search is not None:
            self._search.close()
            self._search = None
        for place in set(self._links) - kept:
            self._links.pop(place).close()

    def _knock(self, place: Place) -> None:
        link = Link(
            self._loop, Identity("join", "join"), Counters(), lambda received: self._came(place, received)
        )
        self._links[place] = link
        link.connect(endpoint(*place), self._curve)

    def _look(self) -> None:
        self._was_looked = True
        try:
            from actors.runtime.lan import Search
        except ImportError:
            if not self._invitation.address:
                how = how_to_install("this line has no address, and finding the host in the network")
                raise JoinError(f"{how}; or pair without --lan") from None
            return
        self._say(
            f"No answer from {self._invitation.address} yet; looking around in this network, too."
            if self._invitation.address
            else "Looking for the host in this network."
        )
        with contextlib.suppress(OSError):  # no network at all: then nothing is found, and that is told
            self._search = Search(self._invitation.host_key)

    def _why(self) -> str:
        line = self._invitation
        found = [place for place in self._links if place != (line.address, line.port)]
        shown = ", ".join(f"{place.address} port {place.port}" for place in found)
        impostors = (
            f"announced in this network: {shown}, but nobody has the host's key there. Somebody else uses its "
            "badge, or a firewall holds it back"
        )
        if not line.address and found:
            return f"{impostors}; pair again with --address HOST"
        if not line.address:
            return (
                f"nobody announces the host in this network: {_OPEN}, are both machines in the same network (a guest "
                "Wi-Fi is another one), do their firewalls let UDP port 5353 through? Or pair again with --address HOST"
            )
        told = (
            f"no answer from {line.address} port {line.port}: {_OPEN}, is that the right address, does a firewall "
            "let the port through?"
        )
        return f"{told} Also {impostors}." if found else told
