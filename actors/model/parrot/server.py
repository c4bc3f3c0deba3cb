"""The parrot itself: a WebSocket server over TLS on loopback that the real SDK takes for Gemini Live."""

import asyncio
import ipaddress
import itertools
import logging
import tempfile
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self
from weakref import WeakKeyDictionary

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from actors.model.parrot.certificate import make_server_context
from actors.model.parrot.connection import Connection
from actors.model.parrot.conversation import Conversation, Handles, Turns
from actors.model.parrot.door import Credentials, Door, find_door, without_query
from actors.model.parrot.journal import Journal
from actors.model.parrot.options import ParrotOptions
from actors.model.parrot.script import Do, Moment, Now, Rule, Script, load_script
from actors.model.parrot.shared import Shared
from actors.model.parrot.speech import Speech

MAX_CONNECTIONS = 64
MAX_MESSAGE_BYTES = 1 << 20
CLOSE_TIMEOUT_S = 1.0

library_log = logging.getLogger(f"{__name__}.websockets")
library_log.setLevel(
    logging.CRITICAL
)  # what a client does wrong is in the journal, not a traceback in our log


class Parrot:
    """A stand-in for the Live service. `async with Parrot(options, key="…") as parrot:` or start() and stop().

    `key` is the one API key, `bearer` the one OAuth token that is accepted; `rules` come after those of `options.script`.
    Raises ScriptError, SpeechError, OSError for options that cannot be followed.
    """

    def __init__(
        self, options: ParrotOptions | None = None, *, key: str, bearer: str = "", rules: Iterable[Rule] = ()
    ) -> None:
        if not key:
            raise ValueError("the parrot needs a key to ask for: an empty one would let nobody in")
        self.options = options or ParrotOptions()
        scripted = load_script(Path(self.options.script)) if self.options.script else []
        self._shared = Shared(
            options=self.options,
            credentials=Credentials(key, bearer),
            journal=Journal(self.options.journal),
            script=Script([*scripted, *rules]),
            handles=Handles(self.options.handle_lifetime_s),
            speech=Speech(self.options.voice),
        )
        self._numbers = itertools.count(1)
        self._admitted: WeakKeyDictionary[ServerConnection, tuple[int, Door]] = WeakKeyDictionary()
        self._open: dict[int, Connection] = {}
        self._conversation = Conversation()
        self._server: Server | None = None
        self._private: tempfile.TemporaryDirectory[str] | None = None
        self.ca_file = Path()
        """The certificate to trust, once started."""
        self.host = ""
        self.port = 0

    @property
    def base_url(self) -> str:
        """The SDK's `http_options.base_url`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}"

    @property
    def journal(self) -> Journal:
        """What happened so far."""
        return self._shared.journal

    @property
    def script(self) -> Script:
        """The rules; more can be added at any time."""
        return self._shared.script

    @property
    def open_connections(self) -> list[int]:
        """The numbers of the connections that are open."""
        return list(self._open)

    def history(self) -> Turns:
        """Return the conversation of the connection that was set up last: all that the model knows by now."""
        return self._conversation.turns

    async def inject(self, do: Do, connection: int | None = None) -> int:
        """Do this to one open connection, or to all of them, now; return to how many it was done.

        Raises ValueError for what only a rule can do: refuse, reply, tool_call.
        """
        if do.refuse or do.reply or do.tool_call:
            raise ValueError("refuse, reply and tool_call need a rule: parrot.script.add(Rule(...))")
        targets = [it for number, it in self._open.items() if connection in {None, number}]
        return sum([await target.inject(do) for target in targets])

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; `host` must be loopback, port 0 is any free one; may be tried again after OSError. Then `port`, `ca_file` and `base_url` are known."""
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the parrot listens on loopback only, not on {host}")
        context = await asyncio.to_thread(make_server_context, self._place_ca_file())
        self._server = await serve(
            self._serve,
            host,
            port,
            ssl=context,
            process_request=self._admit,
            max_size=MAX_MESSAGE_BYTES,
            compression=None,
            ping_interval=None,  # a half-open peer must be found by the client
            close_timeout=CLOSE_TIMEOUT_S,
            server_header=None,
            logger=library_log,
        )
        self.host, self.port = host, self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close all connections with 1001 and the port; at most about a second. Harmless when not started."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None
        self.journal.close()
        if self._private is not None:
            self._private.cleanup()
            self._private = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _place_ca_file(self) -> Path:
        if self.options.keep_audio:
            Path(self.options.keep_audio).mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.options.ca_file:
            self.ca_file = Path(self.options.ca_file)
        else:
            self._private = self._private or tempfile.TemporaryDirectory(prefix="antiphon-parrot-")
            self.ca_file = Path(self._private.name, "ca.pem")
        return self.ca_file

    def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        number, door = next(self._numbers), find_door(request.path)
        self.journal.record("opened", connection=number, path=without_query(request.path))
        if door is None:
            return self._turn_away(socket, number, HTTPStatus.NOT_FOUND, "Live is not served here.")
        if len(self._open) >= MAX_CONNECTIONS:
            return self._turn_away(socket, number, HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections.")
        for do in self.script.ask(Now(moment=Moment.HANDSHAKE, connection=number)):
            assert do.refuse is not None
            assert do.refuse.status is not None
            return self._turn_away(socket, number, do.refuse.status, do.refuse.reason)
        self._admitted[socket] = (number, door)
        return None

    def _turn_away(self, socket: ServerConnection, number: int, status: int, why: str) -> Response:
        self.journal.record("refused", connection=number, status=int(status), reason=why)
        return socket.respond(status, why + "\n")

    def _carry_on(self, conversation: Conversation) -> None:
        self._conversation = conversation

    async def _serve(self, socket: ServerConnection) -> None:
        number, door = self._admitted.pop(socket)
        connection = Connection(
            socket, number=number, door=door, shared=self._shared, on_setup=self._carry_on
        )
        self._open[number] = connection
        try:
            await connection.run()
        finally:
            del self._open[number]
