"""The model: which one it is, whether the credentials look right, and whether its endpoint can be reached.

No request is spent and no secret shown: the network is judged by a TLS handshake and the date in the answer to a `HEAD /`.
"""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from actors.settings import ModelTable
from supervisor import provider
from supervisor.doctor import network
from supervisor.doctor.finding import Finding, note, ok, wrong

GEMINI = "generativelanguage.googleapis.com"
KEY_LENGTH = 39
"""Of those that begin with AIza."""
SKEW_NOTED_S = 60
SKEW_WRONG_S = 300
"""Google refuses a service account's assertion that is older or younger."""


def model(table: ModelTable, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Look at everything between us and the model."""
    try:
        choice = provider.choose(table, environment)
    except (provider.NoCredentialsError, OSError, ValueError) as error:
        yield wrong("credentials", str(error), 'or use model.provider = "parrot", which needs none')
        return
    chosen = choice.model
    if chosen.provider == "parrot":
        yield ok("model", choice.said)
        return
    yield ok("model", choice.said)
    if chosen.provider == "vertex":
        yield service_account(Path(chosen.credentials_path))
    else:
        yield key(chosen.api_key_env, environment[chosen.api_key_env])
    yield from reachable(chosen, environment)


def key(variable: str, value: str) -> Finding:
    """Judge the shape of a key without showing it."""
    again = f"copy it again: export {variable}=<your key>"
    if value != value.strip() or any(character in value for character in "\"' \t\n"):
        return wrong("credentials", f"{variable} has blanks or quotes in it", again)
    if not value.isascii() or not value.isprintable():
        return wrong("credentials", f"{variable} has characters that no key has", again)
    if value.startswith("AIza") and len(value) != KEY_LENGTH:
        what = f"{variable} has {len(value)} characters, a key of this kind has {KEY_LENGTH}"
        return wrong("credentials", what, again)
    if value.startswith(("AIza", "AQ.", provider.TOKEN_PREFIX)):
        return ok(
            "credentials", f"{variable} looks right (whether it is accepted shows when a conversation starts)"
        )
    return note("credentials", f"{variable} looks like no key of Google's", "if it is refused, copy it again")


def service_account(path: Path) -> Finding:
    """Judge a service account's file: `check` has looked at what is in it."""
    if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return note("credentials", f"{path} can be read by others", f"chmod 600 {path}")
    return ok("credentials", f"{path}, readable by you only")


def reachable(table: ModelTable, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Resolve, shake hands, and compare clocks."""
    host, port = endpoint(table)
    way = network.Way(host, port, network.proxy_for(host, environment), table.ca_file)
    try:
        answer = network.shake_hands(way)
    except network.UnreachableError as error:
        yield wrong("network", str(error), error.remedy)
        return
    yield ok("network", f"{way}, {answer.tls} in {answer.took_ms:.0f} ms")
    yield clock(answer.skew_s, is_signed=table.provider == "vertex")


def clock(skew_s: float | None, *, is_signed: bool) -> Finding:
    """Judge how far our clock is from the server's."""
    if skew_s is None:
        return note("clock", "could not be compared: the endpoint tells no time")
    off = f"{abs(skew_s):.0f} s {'ahead' if skew_s > 0 else 'behind'}"
    remedy = "set it: sudo timedatectl set-ntp true"
    if is_signed and abs(skew_s) > SKEW_WRONG_S:
        return wrong("clock", f"{off}: service accounts are refused", remedy)
    if abs(skew_s) > SKEW_NOTED_S:
        return note("clock", off, remedy)
    return ok("clock", f"right within {SKEW_NOTED_S} s")


def endpoint(table: ModelTable) -> tuple[str, int]:
    """Return the host and port of the service."""
    if table.base_url:
        url = urlsplit(table.base_url if "//" in table.base_url else f"//{table.base_url}")
        return url.hostname or table.base_url, url.port or 443
    if table.provider == "vertex":
        return ("" if table.location == "global" else f"{table.location}-") + "aiplatform.googleapis.com", 443
    return GEMINI, 443
