"""Who claims, on the local network, to be our host; and which of them are worth a try. Pure.

Anybody can announce anything. What is seen only says where to knock: the key that was pinned at pairing decides.
"""

import base64
import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from actors.runtime.bus.curve import raw_key

MOST_PLACES = 8
"""Whoever floods the network with lies gets no more attempts out of us."""
_PURPOSE = b"antiphon announces the host with the public key "
_BADGE_BYTES = 15


class Place(NamedTuple):
    """Where to knock."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """What somebody announces, nothing of it believed."""

    badge: str
    addresses: tuple[str, ...]
    port: int


def badge_of(host_key: str) -> str:
    """Return what a host wears: who has its line knows the badge, who sees the badge has not the key."""
    digest = hashlib.sha256(_PURPOSE + raw_key(host_key)).digest()
    return base64.b32encode(digest[:_BADGE_BYTES]).decode().lower()


def worth_a_try(sightings: Iterable[Sighting], host_key: str) -> list[Place]:
    """Return where the host with this key may be, in the order of sighting; at most `MOST_PLACES`."""
    badge = badge_of(host_key)
    found = {
        Place(address, sighting.port): None
        for sighting in sightings
        if sighting.badge == badge and 0 < sighting.port < 1 << 16
        for address in sighting.addresses
        if _is_near(address)
    }
    return list(found)[:MOST_PLACES]


def may_be_announced(address: str) -> bool:
    """Whether another machine of a private network can use it."""
    return _is_near(address)


def _is_near(address: str) -> bool:
    """Whether it is in a private network: an announcement must not send us anywhere else."""
    try:
        found = ipaddress.IPv4Address(address)
    except ValueError:
        return False
    return found.is_private and not (found.is_loopback or found.is_unspecified or found.is_multicast)
