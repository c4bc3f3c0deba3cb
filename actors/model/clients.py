"""The SDK's client for whatever access the configuration gives: made once, as it costs as much as a connection."""

import functools
import json
import os
import ssl
from pathlib import Path
from typing import Any, NamedTuple

from google import genai
from google.genai import types
from google.oauth2 import service_account

from actors.model import credentials
from actors.model.reconnect import ConnectionEndedError, Then, Verdict
from actors.runtime import exits
from actors.settings import ModelTable

SETUP_WITHIN_S = 10.0
MAX_MESSAGE_BYTES = 16 << 20


class Access(NamedTuple):
    """All that a client is made of; two that are equal may share one."""

    provider: str
    base_url: str
    api_version: str
    ping_s: float
    pong_within_s: float
    ca_file: str
    ca_changed_ns: int
    key: str
    project_id: str
    location: str
    credentials_path: str
    credentials_changed_ns: int

    def __repr__(self) -> str:
        """Without the key: a traceback may show this."""
        return f"Access({self.provider!r}, {self.base_url!r})"


def get(table: ModelTable, run_dir: Path) -> genai.Client:
    """Return the client for the resolved provider: the last one, unless something has changed on disk meanwhile.

    Raises `ActorExit` for credentials that cannot be used, `ConnectionEndedError` while the parrot is not there.
    """
    return _client(access(table, run_dir))


def access(table: ModelTable, run_dir: Path) -> Access:
    """Gather what a client is made of. Raises as `get` does."""
    base_url, ca_file, key = table.base_url, table.ca_file, ""
    if table.provider == "parrot":
        base_url, ca_file, key = _parrot(run_dir)
    elif table.provider != "vertex":
        key = os.environ.get(table.api_key_env, "")
        if not key:
            raise exits.ActorExit(
                exits.DENIED, f"the variable {table.api_key_env} (model.api_key_env) is not set"
            )
    path = table.credentials_path if table.provider == "vertex" else ""
    return Access(
        table.provider,
        base_url,
        table.api_version,
        table.ping_s,
        table.pong_within_s,
        ca_file,
        _changed_ns(ca_file),
        key,
        table.project_id,
        table.location,
        path,
        _changed_ns(path),
    )


@functools.lru_cache(maxsize=1)
def _client(given: Access) -> genai.Client:
    websocket: dict[str, Any] = {
        "max_size": MAX_MESSAGE_BYTES,
        "close_timeout": 1,
        "open_timeout": SETUP_WITHIN_S,
        "ping_interval": given.ping_s,
        "ping_timeout": given.pong_within_s,
    }
    if given.ca_file:
        websocket["ssl"] = ssl.create_default_context(cafile=given.ca_file)
    if given.provider == "parrot":
        websocket["proxy"] = None
    options = types.HttpOptions(
        base_url=given.base_url or None, api_version=given.api_version, async_client_args=websocket
    )
    if given.provider != "vertex":
        return genai.Client(api_key=given.key, vertexai=False, http_options=options)
    return genai.Client(
        vertexai=True,
        project=given.project_id,
        location=given.location,
        credentials=_service_account(given.credentials_path),
        http_options=options,
    )


def _changed_ns(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns if path else 0
    except OSError:
        return 0  # whoever reads it says so


def _service_account(path: str) -> service_account.Credentials:
    try:
        return credentials.service_account(path)
    except (OSError, ValueError) as error:
        raise exits.ActorExit(
            exits.BAD_CONFIG, f"model.credentials_path: {path} cannot be used: {error}"
        ) from None


def _parrot(run_dir: Path) -> tuple[str, str, str]:
    """Return (base URL, CA file, key) of the parrot. Raises `ConnectionEndedError` while it is not there."""
    try:
        known = json.loads((run_dir / "parrot.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError) as error:
        raise ConnectionEndedError(Verdict(Then.RESUME, "the parrot is not there yet")) from error
    return f"https://localhost:{known['port']}", known["ca_file"], known["key"]
