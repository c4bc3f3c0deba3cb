"""The devices that may lend what they have, for `supervisor devices`."""

import sys
from datetime import UTC, datetime
from typing import Any

from actors.runtime import keyring
from actors.runtime.fingerprint import short_fingerprint
from supervisor.instance import config_root


def rows() -> list[dict[str, Any]]:
    """Return one per device; none, and why on stderr, when they cannot be read."""
    try:
        register = keyring.read_register(config_root() / keyring.REGISTER)
    except keyring.KeyringError as error:
        print(f"supervisor: {error}", file=sys.stderr)
        register = {}
    now = datetime.now(UTC)
    return [
        {
            "name": name,
            "roles": device.roles,
            "fingerprint": short_fingerprint(device.key),
            "added": device.added,
            "expires": device.expires,
            "revoked": device.revoked,
            "may_enter": device.may_enter(now),
        }
        for name, device in register.items()
    ]


def lines() -> list[str]:
    """Return the same for a human; nothing when nothing was ever paired."""
    found = rows()
    shown = [
        f"  {row['name']}  ({', '.join(row['roles'])}, key {row['fingerprint']}, {_state(row)})"
        for row in found
    ]
    return ["Paired devices:", *shown] if found else []


def _state(row: dict[str, Any]) -> str:
    if row["revoked"]:
        return "revoked"
    if not row["may_enter"]:
        return f"expired {row['expires']}"
    return f"until {row['expires']}" if row["expires"] else f"since {row['added']}"
