"""One connection to the real Gemini Live through google-genai."""

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import websockets
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.genai import errors, types
from google.genai.live import AsyncSession
from pydantic import ValidationError

from actors.model import clients, peer
from actors.model.events import Event, events_of
from actors.model.live_config import live_fields
from actors.model.reconnect import ConnectionEndedError, Then, Verdict, classify_close, classify_refusal
from actors.runtime import exits
from actors.settings import ModelTable

MAX_BROKEN_IN_A_ROW = 20

BROKEN = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, AssertionError, RuntimeError)
"""What one message that is none makes the SDK raise: pydantic's and JSON's errors, its own bugs, a nesting without end."""

_closing: set["asyncio.Future[None]"] = set()
"""Connections on their way out; the loop itself does not hold on to its tasks."""

log = logging.getLogger("google")


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
    """Open a connection that knows the user's functions. Raises `ConnectionEndedError` when that fails; no attempt lasts longer than 10 s or so.

    Whoever leaves it need not wait for the server's farewell, unless it is the process that ends.
    """
    client = clients.get(table, run_dir)
    opening = client.aio.live.connect(model=table.name, config=live_config(table, handle, functions))
    asyncio.get_running_loop().call_soon(_learn_to_read)  # while the server is waited for
    try:
        session = await asyncio.wait_for(opening.__aenter__(), clients.SETUP_WITHIN_S)
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
    except asyncio.CancelledError:
        await opening.__aexit__(None, None, None)
        raise
    except BaseException:
        _close_meanwhile(opening)
        raise
    else:
        _close_meanwhile(opening)


def _close_meanwhile(opening: AbstractAsyncContextManager[AsyncSession]) -> None:
    """Close a connection while the next one is made: its server may be far away, or gone."""

    async def close() -> None:
        try:
            await opening.__aexit__(None, None, None)
        except (websockets.WebSocketException, OSError, RuntimeError) as error:
            log.info("the last connection did not close well: %s", error)

    closing = asyncio.ensure_future(close())
    _closing.add(closing)
    closing.add_done_callback(_closing.discard)


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


@cache
def _learn_to_read() -> None:
    """Have the SDK build now what else it builds when the first sound comes, which then is 25 ms late."""
    for part in (types.Blob, types.Part, types.Content, types.LiveServerContent, types.LiveServerMessage):
        part.model_rebuild()


def _in_words(problem: Any) -> str:
    """One of pydantic's findings; a wrong union member is reported for every member, the first path is enough."""
    return f"model.live.{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}".replace(
        "; ", ", "
    )


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
