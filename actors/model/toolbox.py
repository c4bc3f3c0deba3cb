"""The session's side of the user's functions: between `Calls`, which decides, and the hub and the model."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from actors import wire
from actors.model import events
from actors.model.call import Answer
from actors.model.calls import Calls
from actors.model.ledger import Holds
from actors.model.live_config import takes_asynchronous_tools
from actors.runtime.bus import BOOT_ID, Hub
from actors.runtime.loop import Loop
from actors.settings import ModelTable

OFFERED_WITHIN_S = 10.0

log = logging.getLogger("toolbox")


class Toolbox:
    """Passes calls to the tools process and its results on; answers for it when it cannot."""

    def __init__(
        self,
        hub: Hub,
        loop: Loop,
        table: ModelTable,
        show: Callable[[wire.Wire], None],
        wake: Callable[[], None],
    ) -> None:
        self.calls = Calls(f"{BOOT_ID:x}", can_schedule=takes_asynchronous_tools(table.name))
        self._hub = hub
        self._loop = loop
        self._table = table
        self._show = show
        self._wake = wake
        self.on_begin: Callable[[], None] = lambda: None
        """Called before functions are given away."""
        self._route: bytes | None = None
        self._is_offered = asyncio.Event()
        self._is_missed = False
        self.is_news = False
        """The tools came after the model was connected to: it should be connected to again."""

    def declare(self) -> list[dict[str, Any]]:
        """Return what to tell the model when connecting."""
        self.is_news = False
        found = [msgspec.json.decode(tool.declaration) for tool in self.calls.offered.values()]
        if not takes_asynchronous_tools(self._table.name):
            for declaration in found:
                declaration.pop("behavior", None)
        return found

    async def wait(self) -> None:
        """Wait until the tools can be declared; after 10 s the conversation begins without them, and says so."""
        if not self._table.tools or self._is_missed:
            return
        try:
            await asyncio.wait_for(self._is_offered.wait(), OFFERED_WITHIN_S)
        except TimeoutError:
            self._is_missed = True
            self._show(
                wire.Notice(
                    "The tools are not ready; the conversation begins without them (see `supervisor logs tools`)."
                )
            )

    # From the tools process.

    def take(self, route: bytes, message: wire.ToolsOffered | wire.CallTool | wire.ToolResult) -> None:
        """The tools process says something."""
        now = self._loop.now()
        match message:
            case wire.ToolsOffered(tools=tools):
                self._route = route
                self.calls.offer(tools, now)
                self._is_offered.set()
                if self._is_missed:
                    self._is_missed, self.is_news = False, True
                    self._show(wire.Notice("The tools are ready; the model gets them at the next pause."))
            case wire.CallTool():
                self.calls.adopt(message, now)
            case wire.ToolResult():
                self.calls.came(message, now)
        self._pass_on()

    def left(self, route: bytes) -> None:
        """Somebody left the star."""
        if route == self._route:
            self._route = None
            self.calls.tools_gone(self._loop.now())
            self._wake()

    # From the model.

    def asked(self, event: events.ToolsCalled) -> None:
        """The model wants functions called."""
        for call in event.calls:
            log.info("the model calls %s", call.name)
            self.calls.asked(call.id, call.name, call.args, self._loop.now())
        self._pass_on()

    def cancelled(self, event: events.ToolsCancelled) -> None:
        """The model takes calls back."""
        self.calls.cancelled(event.ids)
        self._pass_on()

    def next_answer(self) -> Answer | None:
        """Return what to send to the model now, if there is anything."""
        return self.calls.next_to_send()

    def sent(self, answer: Answer, index: int) -> None:
        """It was handed to the connection, as its message of that number."""
        self.calls.sent(answer, self._loop.now(), index)

    # Connections, handles, time.

    @property
    def has_unsettled(self) -> bool:
        """Whether the model waits for an answer, or no handle holds one yet."""
        return self.calls.has_unsettled

    def handle_issued(self, holds: Holds) -> list[str]:
        """A snapshot was taken: return the calls it holds. Call `keep` when it is stored."""
        return self.calls.handle_issued(holds)

    def keep(self, calls: Sequence[str]) -> None:
        """A handle that holds these calls is stored."""
        self.calls.keep(calls)
        self._pass_on()

    def connection_lost(self) -> None:
        """The connection is gone."""
        self.calls.connection_lost(self._loop.now())
        self._pass_on()

    def afresh(self) -> None:
        """The next connection knows nothing of this conversation."""
        self.calls.afresh(self._loop.now())

    def tick(self) -> None:
        """Look at the clock, about twice a second."""
        self.calls.tick(self._loop.now())
        self._pass_on()

    def _pass_on(self) -> None:
        if self._route is not None:
            orders = self.calls.orders(self._loop.now())
            if any(isinstance(order, wire.CallTool) for order in orders):
                self.on_begin()  # first: should we and the tools process die at once, it must not be run again
            for order in orders:
                self._hub.send(self._route, order)
        self._wake()
