"""What people compare, to be sure that nobody sits between two machines."""

import base64
import hashlib

from actors.runtime.bus.curve import raw_key

_GROUP = 4


def short_fingerprint(key: str) -> str:
    """Return 8 characters that name a key in a list."""
    return _digest(raw_key(key))[:8]


def fingerprint(host_key: str, device_key: str) -> str:
    """Return six groups of four characters (120 bits) that stand for a pair of public keys, in this order."""
    digest = _digest(raw_key(host_key) + raw_key(device_key))[: 6 * _GROUP]
    return " ".join(digest[at : at + _GROUP] for at in range(0, len(digest), _GROUP))


def _digest(raw: bytes) -> str:
    return base64.b32encode(hashlib.sha256(raw).digest()).decode().lower()
