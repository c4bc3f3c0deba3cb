"""One live connection after another: made, pumped, judged when it ends, and left in time when the server will close it."""

import asyncio
import contextlib
import logging
import math
from pathlib import Path

from actors import wire
from actors.model import events, google
from actors.model.exchange import Exchange
from actors.model.google import LiveConnection
from actors.model.pulse import Pulse
from actors.model.reconnect import PLANNED, Backoff, ConnectionEndedError, Outage, Resumes, Then, Verdict
from actors.runtime import exits
from actors.runtime.control import Control
from actors.runtime.loop import Loop
from actors.settings import ModelTable

PULSE_EVERY_S = 0.5
LEAVE_LOOK_S = 0.1
NEWS_LOOK_S = 0.5
LEAVE_EARLY_S = 2.0
"""How long before the announced cut we go, whatever happens."""

log = logging.getLogger("connections")


class Connections:
    """Keeps the exchange connected; `run` ends only with an `ActorExit` that says what a human has to do."""

    def __init__(
        self, table: ModelTable, run_dir: str, loop: Loop, control: Control, exchange: Exchange
    ) -> None:
        self.detail = "connecting"
        """One phrase for status."""
        self._table = table
        self._run_dir = Path(run_dir)
        self._loop = loop
        self._control = control
        self._exchange = exchange
        self._pulse = Pulse()
        self._backoff = Backoff()
        self._resumes = Resumes()
        self._outage = Outage()
        self._is_connected = False
        self._connected_at_s = self._held_s = 0.0
        """When the connection was made, and how long the last one held."""
        self._leave_by_s = math.inf
        """When the server will have closed this connection; it said so in advance."""
        self._goes_away = asyncio.Event()
        """It said so."""

    async def run(self) -> None:
        """Converse. Raises `ActorExit` when trying again would fail again."""
        await self._exchange.toolbox.wait()
        self._pulse.lost(self._loop.now())
        while True:
            verdict, was_connected = await self._connect_and_pump()
            if verdict.then is Then.STOP:
                raise exits.ActorExit(verdict.exit_code, verdict.why)
            if verdict.is_planned:
                continue
            self._judge_handle(verdict)
            self._tell(self._outage.failed(verdict.why, self._loop.now(), was_connected=was_connected))
            wait_s = self._backoff.next_s(self._held_s)
            log.warning("%s; next attempt in %.1f s", verdict.why, wait_s)
            await asyncio.sleep(wait_s)

    @property
    def trouble(self) -> str:
        """What is wrong with the way to the model, "" if nothing is."""
        return self._pulse.trouble(self._loop.now())

    def conclude(self) -> None:
        """The conversation ends, and the connection with it: nothing to report, nothing to mend."""
        self._is_connected = False

    async def _connect_and_pump(self) -> tuple[Verdict, bool]:
        """Return why it ended, and whether there was a connection."""
        exchange, was_connected = self._exchange, False
        try:
            functions = exchange.toolbox.declare()
            async with google.connect(self._table, self._run_dir, exchange.handle, functions) as live:
                was_connected = True
                self._connected(live)
                return await self._pump(live), was_connected
        except ConnectionEndedError as end:
            return end.verdict, was_connected
        finally:
            self._disconnected()

    async def _pump(self, live: LiveConnection) -> Verdict:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._exchange.send(live))
                tasks.create_task(self._receive(live))
                tasks.create_task(self._leave_when_asked())
                tasks.create_task(self._feel_pulse(live))
        except* ConnectionEndedError as ends:
            first = ends.exceptions[0]
            assert isinstance(first, ConnectionEndedError)
            verdict = first.verdict
        return verdict

    def _connected(self, live: LiveConnection) -> None:
        again = ", resumed" if self._exchange.handle else ""
        self.detail = f"connected to {self._table.provider} {self._table.name}{again}"
        log.info("%s", self.detail)
        self._is_connected = True
        self._pulse.connected()
        self._connected_at_s = self._loop.now()
        self._leave_by_s = math.inf
        self._goes_away.clear()
        self._control.set("model", "parrot" if self._table.provider == "parrot" else self._table.name)
        self._control.set("connected", value=True)
        self._exchange.opened(live)
        self._tell(self._outage.over(self._loop.now()))

    def _disconnected(self) -> None:
        self.detail = "reconnecting"
        self._held_s = 0.0
        self._pulse.lost(self._loop.now())
        if not self._is_connected:
            return
        self._held_s = self._loop.now() - self._connected_at_s
        self._is_connected = False
        self._control.set("connected", value=False)
        self._exchange.lost()

    def _judge_handle(self, verdict: Verdict) -> None:
        if self._exchange.handle and self._resumes.is_poisoned(verdict, self._loop.now()):
            self._resumes.worked()
            self._exchange.forget_handle()
            self._tell("The model could not take the conversation up again; it starts afresh.")

    def _tell(self, text: str) -> None:
        if text:
            self._exchange.stage.show(wire.Notice(text))

    async def _leave_when_asked(self) -> None:
        """After goAway, or for late tools: go when nobody speaks and the last handle holds everything.

        At the latest just before the cut.
        """
        while self._loop.now() < self._leave_by_s:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._goes_away.wait(), NEWS_LOOK_S)
                await asyncio.sleep(LEAVE_LOOK_S)
            is_asked = self._leave_by_s < math.inf or self._exchange.has_news
            if is_asked and self._exchange.is_settled:
                break
        raise ConnectionEndedError(PLANNED)

    async def _feel_pulse(self, live: LiveConnection) -> None:
        """Ask again and again whether the server is there: one that is gone is shown long before it is given up."""
        while True:
            self._pulse.asked(self._loop.now())
            await asyncio.wait([await live.ping()])
            self._pulse.answered()
            await asyncio.sleep(PULSE_EVERY_S)

    async def _receive(self, live: LiveConnection) -> None:
        async with contextlib.aclosing(live.events()) as received:
            async for event in received:
                self._backoff.worked()
                self._resumes.worked()
                if isinstance(event, events.GoingAway):
                    self._going_away(event.time_left_s)
                else:
                    self._exchange.take(event)

    def _going_away(self, left_s: float) -> None:
        log.info("the model will close this connection in %.0f s", left_s)
        self._goes_away.set()
        self._leave_by_s = min(self._leave_by_s, self._loop.now() + max(0.0, left_s - LEAVE_EARLY_S))
