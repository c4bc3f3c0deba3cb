"""The line that is carried from the host to the device by hand: where to go, whom to trust there, and a one-off token. Pure."""

import base64
import binascii
import secrets
from dataclasses import dataclass

from actors.runtime.bus.curve import KEY_BYTES, key_of, raw_key

_MARK = "antiphon1"
TOKEN_BYTES = 16


@dataclass(frozen=True, slots=True)
class Invitation:
    """What `supervisor pair` prints and `supervisor join -` reads."""

    address: str
    """Empty: whoever reads it looks for the host in the local network. Then the port is 0."""
    port: int
    host_key: str
    """Public."""
    token: bytes

    @classmethod
    def parse(cls, text: str) -> "Invitation":
        """Read it. Raises `ValueError` saying what is wrong, without repeating it."""
        mark, _, rest = text.strip().partition(":")
        parts = rest.rsplit(":", 3)  # the address may have colons of its own
        if mark != _MARK or len(parts) not in {2, 4}:
            raise ValueError(f"it does not begin with {_MARK}: or is not whole; copy the whole line")
        is_placed = len(parts) == 4
        address, port, key, token = parts if is_placed else ("", "0", *parts)
        try:
            found = cls(address, int(port), key_of(_bytes(key, KEY_BYTES)), _bytes(token, TOKEN_BYTES))
        except ValueError:
            raise ValueError("a part of it is damaged; copy the whole line again") from None
        if is_placed and not (found.address and 0 < found.port < 1 << 16):
            raise ValueError("it has no address; copy the whole line again")
        return found

    def __str__(self) -> str:
        """Write it, in characters that survive every terminal and messenger."""
        place = (self.address, str(self.port)) if self.address else ()
        return ":".join((_MARK, *place, _text(raw_key(self.host_key)), _text(self.token)))

    def __repr__(self) -> str:
        """Keep the token out of every log."""
        return f"Invitation({self.address}, {self.port})"


def new_token() -> bytes:
    """Return 128 bits that nobody can guess."""
    return secrets.token_bytes(TOKEN_BYTES)


def _text(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()


def _bytes(text: str, length: int) -> bytes:
    try:
        raw = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except binascii.Error as error:
        raise ValueError("not base32") from error
    if len(raw) != length:
        raise ValueError("wrong length")
    return raw
