"""The real Gemini Live through google-genai; the only import of the SDK."""

import asyncio
import json
import logging
import os
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import websockets
from google import genai
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.genai import errors, types
from google.genai.live import AsyncSession
from google.oauth2 import service_account
from pydantic import ValidationError

from actors.model import credentials, peer
from actors.model.events import Event, events_of
from actors.model.live_config import live_fields
from actors.model.reconnect import Then, Verdict, classify_close, classify_refusal
from actors.runtime import exits
from actors.settings import ModelTable

SETUP_WITHIN_S = 10.0
MAX_MESSAGE_BYTES = 16 << 20
MAX_BROKEN_IN_A_ROW = 20

BROKEN = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, AssertionError, RuntimeError)
"""What one message that is none makes the SDK raise: pydantic's and JSON's errors, its own bugs, a nesting without end."""

log = logging.getLogger("google")


class ConnectionEndedError(Exception):
    """The connection to the model ended, or could not be made; `verdict` says what to do about it."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.why)
        self.verdict = verdict


class LiveConnection:
    """One open connection: send items in the shape of `send_realtime_input`, read events."""

    def __init__(self, session: AsyncSession, dead_after_s: float) -> None:
        self.broken_messages = 0
        self.next_message = 1
        """The server's number of what is sent next; 0 was the setup."""
        self._session = session
        self._socket = session._ws.transport.get_extra_info("socket")  # noqa: SLF001 - the SDK has no other way to it
        peer.find_dead(self._socket, dead_after_s)

    def round_trip_s(self) -> float:
        """Return how long the link takes there and back, as the kernel has measured it."""
        return peer.round_trip_s(self._socket)

    async def send(self, item: dict[str, Any]) -> None:
        """Hand one item to the model. Raises `ConnectionEndedError`."""
        self.next_message += 1
        try:
            await self._session.send_realtime_input(**item)
        except (websockets.ConnectionClosed, errors.APIError, OSError) as error:
            raise ConnectionEndedError(judge(error)) from error

    async def send_timed(self, item: dict[str, Any], arrived: Callable[[float], None]) -> None:
        """Hand over one item; `arrived` is told later for how long, in seconds, it had the link to itself.

        A ping goes before it and one behind: between their pongs lies the item, however far away the server is. Nothing is
        told when the connection ends. Raises `ConnectionEndedError`.
        """
        before = await self.ping()
        await self.send(item)
        behind = await self.ping()

        def told(_: "asyncio.Future[float]") -> None:
            if _is_there(before) and _is_there(behind):
                arrived(max(0.0, behind.result() - before.result()))

        behind.add_done_callback(told)

    async def ping(self) -> "asyncio.Future[float]":
        """Send a ping. Gives the time of its pong, in seconds on the loop's clock. Raises `ConnectionEndedError`."""
        try:
            pong = await self._session._ws.ping()  # noqa: SLF001 - the SDK has no other way to its socket
        except (websockets.ConnectionClosed, OSError) as error:
            raise ConnectionEndedError(judge(error)) from error

        async def came() -> float:
            await pong
            return asyncio.get_running_loop().time()

        answered = asyncio.ensure_future(came())
        answered.add_done_callback(_is_there)  # one that never comes is nobody's failure
        return answered

    async def answer(self, response: dict[str, Any]) -> None:
        """Hand the result of one function call to the model. Raises `ConnectionEndedError`.

        A result that cannot be sent, such as one for a call that came without an id, is logged and left out.
        """
        self.next_message += 1
        try:
            await self._session.send_tool_response(
                function_responses=[types.FunctionResponse.model_validate(response)]
            )
        except ValueError as error:
            self.next_message -= 1
            log.warning("the result of %s could not be sent: %s", response.get("name"), str(error)[:300])
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
            except BROKEN as error:
                in_a_row += 1
                self.broken_messages += 1
                log.warning("a message from the model could not be read: %s", str(error)[:300])
                if in_a_row >= MAX_BROKEN_IN_A_ROW:
                    verdict = Verdict(Then.RESUME, "the model sends nothing but broken messages")
                    raise ConnectionEndedError(verdict) from error


def _is_there(answer: "asyncio.Future[float]") -> bool:
    return answer.done() and not answer.cancelled() and answer.exception() is None


@asynccontextmanager
async def connect(
    table: ModelTable, run_dir: Path, handle: str, functions: Sequence[dict[str, Any]] = ()
) -> AsyncIterator[LiveConnection]:
    """Open a connection that knows the user's functions. Raises `ConnectionEndedError` when that fails; no attempt lasts longer than 10 s or so."""
    client = make_client(table, run_dir)
    opening = client.aio.live.connect(model=table.name, config=live_config(table, handle, functions))
    try:
        session = await asyncio.wait_for(opening.__aenter__(), SETUP_WITHIN_S)
    except (
        TimeoutError,
        OSError,
        ssl.SSLError,
        GoogleAuthError,
        errors.APIError,
        websockets.WebSocketException,
        ValueError,
        TypeError,
        AttributeError,
    ) as error:
        raise ConnectionEndedError(judge(error)) from error
    try:
        yield LiveConnection(session, table.dead_after_s)
    finally:
        await opening.__aexit__(None, None, None)


def make_client(table: ModelTable, run_dir: Path) -> genai.Client:
    """Build the SDK's client for the resolved provider. Raises `ActorExit` for credentials that cannot be used."""
    websocket: dict[str, Any] = {
        "max_size": MAX_MESSAGE_BYTES,
        "close_timeout": 1,
        "open_timeout": SETUP_WITHIN_S,
    }
    websocket |= {"ping_interval": table.ping_s, "ping_timeout": table.pong_within_s}
    if table.provider == "parrot":
        base_url, ca_file, key = _parrot(run_dir)
        websocket |= {"proxy": None, "ssl": ssl.create_default_context(cafile=ca_file)}
        options = types.HttpOptions(
            base_url=base_url, api_version=table.api_version, async_client_args=websocket
        )
        return genai.Client(api_key=key, vertexai=False, http_options=options)
    if table.ca_file:
        websocket["ssl"] = ssl.create_default_context(cafile=table.ca_file)
    options = types.HttpOptions(
        base_url=table.base_url or None, api_version=table.api_version, async_client_args=websocket
    )
    if table.provider == "vertex":
        return genai.Client(
            vertexai=True,
            project=table.project_id,
            location=table.location,
            credentials=_service_account(table.credentials_path),
            http_options=options,
        )
    key = os.environ.get(table.api_key_env, "")
    if not key:
        raise exits.ActorExit(
            exits.DENIED, f"the variable {table.api_key_env} (model.api_key_env) is not set"
        )
    return genai.Client(api_key=key, vertexai=False, http_options=options)


def live_config(
    table: ModelTable, handle: str, functions: Sequence[dict[str, Any]] = ()
) -> types.LiveConnectConfig:
    """Build the session's configuration. Raises `ActorExit` naming every field that the SDK does not take."""
    try:
        return types.LiveConnectConfig.model_validate(live_fields(table, handle, functions))
    except ValidationError as error:
        raise exits.ActorExit(
            exits.BAD_CONFIG, "; ".join(_in_words(problem) for problem in error.errors())
        ) from None


def _in_words(problem: Any) -> str:
    """One of pydantic's findings; a wrong union member is reported for every member, the first path is enough."""
    return f"model.live.{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}".replace(
        "; ", ", "
    )


def _service_account(path: str) -> service_account.Credentials:
    try:
        return credentials.service_account(path)
    except (OSError, ValueError) as error:
        raise exits.ActorExit(
            exits.BAD_CONFIG, f"model.credentials_path: {path} cannot be used: {error}"
        ) from None


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
        case RefreshError():
            why = f"Google refused the service account ({str(error)[:200]}); check model.credentials_path"
            return Verdict(Then.STOP, why, exits.DENIED)
        case TransportError():
            return Verdict(Then.RESUME, f"Google's token server cannot be reached ({str(error)[:200]})")
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
