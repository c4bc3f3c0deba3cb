"""Who may come in, and where: addresses and credentials. Pure."""

import hmac
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qs

from actors.model.parrot.refusal import INVALID, POLICY, Refusal

_GEMINI = (
    r"google\.ai\.generativelanguage\.(?P<gemini>\w+)\.GenerativeService\.BidiGenerateContent(Constrained)?"
)
_VERTEX = r"google\.cloud\.aiplatform\.(?P<vertex>\w+)\.LlmBidiService/BidiGenerateContent"
_PATH = re.compile(rf"/+ws/(?:{_GEMINI}|{_VERTEX})")


class Door(NamedTuple):
    """One of the addresses under which Live is served."""

    api_version: str
    vertex: bool


def find_door(target: str) -> Door | None:
    """Return the door at a request target (path and query), or None where there is nothing."""
    match = _PATH.fullmatch(without_query(target))
    if match is None:
        return None
    return Door(match["vertex"] or match["gemini"], match["vertex"] is not None)


def without_query(target: str) -> str:
    """Return the target without its query, in which a key may stand."""
    return target.partition("?")[0]


class Credentials:
    """The one key, and the one bearer token, that are let in. An empty one lets nobody in."""

    def __init__(self, key: str, bearer: str = "") -> None:
        self._key = key
        self._bearer = bearer

    def check(self, headers: Mapping[str, str], target: str) -> None:
        """Let pass who shows the key or the token, in any of the service's ways. Raises Refusal."""
        query = parse_qs(target.partition("?")[2])
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        keys = [headers.get("x-goog-api-key", ""), *query.get("key", []), *query.get("access_token", [])]
        if scheme.lower() == "token":
            keys.append(token)
        bearer = token if scheme.lower() == "bearer" else ""
        if any(_same(key, self._key) for key in keys) or _same(bearer, self._bearer):
            return
        if any(keys):
            raise Refusal(INVALID, "API key not valid. Please pass a valid API key.")
        if bearer:
            raise Refusal(
                POLICY, "Request had invalid authentication credentials. Expected OAuth 2 access token."
            )
        raise Refusal(
            POLICY,
            "Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API.",
        )


def _same(shown: str, expected: str) -> bool:
    """Compare in constant time; nothing equals an empty secret."""
    return bool(expected) and hmac.compare_digest(shown.encode(), expected.encode())
