"""The real Gemini Live through google-genai; the only import of the SDK."""

import asyncio
import json
import logging
import os
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import websockets
from google import genai
from google.genai import errors, types
from google.genai.live import AsyncSession
from pydantic import ValidationError

from actors.model.events import Event, events_of
from actors.model.reconnect import Then, Verdict, classify_close, classify_refusal
from actors.runtime import exits
from actors.settings import ModelTable

SETUP_WITHIN_S = 10.0
MAX_MESSAGE_BYTES = 16 << 20
MAX_BROKEN_IN_A_ROW = 20

log = logging.getLogger("google")


class ConnectionEndedError(Exception):
    """The connection to the model ended, or could not be made; `verdict` says what to do about it."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.why)
        self.verdict = verdict


class LiveConnection:
    """One open connection: send items in the shape of `send_realtime_input`, read events."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self.broken_messages = 0

    async def send(self, item: dict[str, Any]) -> None:
        """Hand one item to the model. Raises `ConnectionEndedError`."""
        try:
            await self._session.send_realtime_input(**item)
        except (websockets.ConnectionClosed, errors.APIError, OSError) as error:
            raise ConnectionEndedError(judge(error)) from error

    async def events(self) -> AsyncGenerator[Event]:
        """Yield what the model sends, over all turns, until the connection ends with `ConnectionEndedError`."""
        in_a_row = 0
        while True:
            try:
                async for message in self._session.receive():
                    in_a_row = 0
                    for event in events_of(message):
                        yield event
            except (errors.APIError, websockets.ConnectionClosed, OSError) as error:
                raise ConnectionEndedError(judge(error)) from error
            except (
                ValueError,
                TypeError,
                AttributeError,
            ) as error:  # one broken message; pydantic's and JSON's are ValueErrors
                in_a_row += 1
                self.broken_messages += 1
                log.warning("a message from the model could not be read: %s", str(error)[:300])
                if in_a_row >= MAX_BROKEN_IN_A_ROW:
                    verdict = Verdict(Then.RESUME, "the model sends nothing but broken messages")
                    raise ConnectionEndedError(verdict) from error


@asynccontextmanager
async def connect(table: ModelTable, run_dir: Path, handle: str) -> AsyncIterator[LiveConnection]:
    """Open a connection. Raises `ConnectionEndedError` when that fails; no attempt lasts longer than 10 s or so."""
    client = make_client(table, run_dir)
    opening = client.aio.live.connect(model=table.name, config=live_config(table, handle))
    try:
        session = await asyncio.wait_for(opening.__aenter__(), SETUP_WITHIN_S)
    except (
        TimeoutError,
        OSError,
        ssl.SSLError,
        errors.APIError,
        websockets.WebSocketException,
        ValueError,
        TypeError,
        AttributeError,
    ) as error:
        raise ConnectionEndedError(judge(error)) from error
    try:
        yield LiveConnection(session)
    finally:
        await opening.__aexit__(None, None, None)


def make_client(table: ModelTable, run_dir: Path) -> genai.Client:
    """Build the SDK's client for the resolved provider. Raises `ActorExit` for credentials that cannot be used."""
    websocket: dict[str, Any] = {
        "max_size": MAX_MESSAGE_BYTES,
        "close_timeout": 1,
        "open_timeout": SETUP_WITHIN_S,
    }
    base_url, ca_file, key = table.base_url, table.ca_file, os.environ.get(table.api_key_env, "")
    if table.provider == "parrot":
        base_url, ca_file, key = _parrot(run_dir)
        websocket["proxy"] = None
    if not key:
        raise exits.ActorExit(
            exits.DENIED, f"the variable {table.api_key_env} (model.api_key_env) is not set"
        )
    if ca_file:
        websocket["ssl"] = ssl.create_default_context(cafile=ca_file)
    options = types.HttpOptions(
        base_url=base_url or None, api_version=table.api_version, async_client_args=websocket
    )
    return genai.Client(api_key=key, vertexai=False, http_options=options)


def live_config(table: ModelTable, handle: str) -> types.LiveConnectConfig:
    """Build the session's configuration: our defaults, the named settings, then `[model.live]`. Raises `ActorExit`."""
    fields: dict[str, Any] = {
        "response_modalities": ["AUDIO"],
        "input_audio_transcription": {},
        "output_audio_transcription": {},
        "context_window_compression": {"sliding_window": {}},
    }
    speech: dict[str, Any] = {}
    if table.voice:
        speech["voice_config"] = {"prebuilt_voice_config": {"voice_name": table.voice}}
    if table.language:
        speech["language_code"] = table.language
    if speech:
        fields["speech_config"] = speech
    if table.system_instruction:
        fields["system_instruction"] = table.system_instruction
    fields.update(table.live)
    fields["session_resumption"] = {**(table.live.get("session_resumption") or {}), "handle": handle or None}
    try:
        return types.LiveConnectConfig.model_validate(fields)
    except ValidationError as error:
        problems = "; ".join(f"model.live.{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors())
        raise exits.ActorExit(exits.BAD_CONFIG, problems) from error


def judge(error: BaseException) -> Verdict:
    """Classify whatever the SDK, websockets or the network raised."""
    match error:
        case errors.APIError():
            return classify_close(int(error.code or 0), _reason(error))
        case websockets.ConnectionClosed():
            close = error.rcvd
            return classify_close(close.code, close.reason) if close else classify_close(1006, "")
        case websockets.InvalidStatus():
            return classify_refusal(error.response.status_code)
        case ssl.SSLCertVerificationError():
            why = f"the server's certificate is not trusted ({error.verify_message}); check model.ca_file"
            return Verdict(Then.STOP, why, exits.BAD_CONFIG)
        case TimeoutError():
            return Verdict(Then.RESUME, "the model did not answer in time")
        case OSError() | websockets.WebSocketException():
            return Verdict(Then.RESUME, f"the model cannot be reached ({error})")
        case _:
            return Verdict(Then.RESUME, f"the model's answer could not be read ({str(error)[:200]})")


def _reason(error: errors.APIError) -> str:
    details = error.details
    return details if isinstance(details, str) else json.dumps(details)[:300]


def _parrot(run_dir: Path) -> tuple[str, str, str]:
    """Return (base URL, CA file, key) of the parrot. Raises `ConnectionEndedError` while it is not there."""
    try:
        known = json.loads((run_dir / "parrot.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError) as error:
        raise ConnectionEndedError(Verdict(Then.RESUME, "the parrot is not there yet")) from error
    return f"https://localhost:{known['port']}", known["ca_file"], known["key"]
