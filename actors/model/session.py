"""The session actor: pumps between the media star and one live connection, and outlives that connection.

Nothing here may wait for anything but the connection: the reader hands every event on at once, the sender takes what is due.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from actors import wire
from actors.model import events, google
from actors.model.audience import JOINED_WITHIN_S, Audience
from actors.model.google import ConnectionEndedError, LiveConnection
from actors.model.ledger import Ledger, Line
from actors.model.reconnect import PLANNED, Backoff, Then, Verdict
from actors.model.stage import Stage
from actors.model.toolbox import Toolbox
from actors.model.voice import Voice
from actors.runtime import exits
from actors.runtime.actor import Actor, ActorSpec
from actors.runtime.bus import Hub, Identity
from actors.runtime.inbox import Received
from actors.runtime.latency import Meter
from actors.runtime.loop import Loop
from actors.runtime.notify import Health, Notifier

PING_S = 0.5
CONSOLE_WITHIN_S = 1.0
LEAVE_LOOK_S = 0.1
LEAVE_EARLY_S = 2.0
"""How long before the announced cut we go, whatever happens."""
FAILED_RESUMES = 2
"""A handle that fails this often is poisoned."""
MIC_TYPE = "audio/pcm;rate=16000"
MICROPHONES = frozenset({"mic"})

log = logging.getLogger("session")


class SessionActor(Actor):
    """Centre of the media star, and the only process that talks to the model."""

    uses_media = False

    def __init__(self, spec: ActorSpec, loop: Loop, notifier: Notifier) -> None:
        super().__init__(spec, loop, notifier)
        self.hub = Hub(loop, Identity(spec.name, spec.kind), self.counters, self._serve)
        self.ledger = Ledger()
        self.voice = Voice(self.counters)
        self.stage = Stage(
            self.hub, loop, self.control, self.counters, spec.settings.session, self._tell_origin
        )
        self._origin_of: dict[str, bytes] = {}
        self._audience = Audience(spec.settings.names_of("speaker"))
        self._wake = asyncio.Event()
        self.toolbox = Toolbox(self.hub, loop, spec.settings.model, self.stage.show, self._wake.set)
        self._backoff = Backoff()
        self._failed_resumes = 0
        self._handle = ""
        self._is_connected = False
        self._leave_by_s = math.inf
        """When the server will have closed this connection; it said so in advance."""
        self._mic_to_send = Meter()
        self._task: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None

    def on_start(self) -> None:
        """Listen; the conversation begins when the coordinator has told what is resumed."""
        self.hub.bind(self.spec.media_address)
        self._ping()
        self.detail = "connecting"
        self.ready()

    def on_synchronised(self) -> None:
        """Go on from where an earlier incarnation was."""
        if self._task is not None:
            return  # the coordinator was restarted, not we
        resumption = self.control.state.resumption
        self._handle = resumption.handle
        for line in self.ledger.resume(resumption):
            self._tell_origin(line.id, wire.LineKept(line.id))
        self.stage.resume(self.control.state)
        self._audience.expect(self.loop.now())
        self.loop.call_later(JOINED_WITHIN_S, self._wake.set)
        self._task = asyncio.get_running_loop().create_task(self._converse())
        self._task.add_done_callback(self._ended)

    def on_message(self, message: wire.Wire, envelope: wire.Envelope) -> None:
        """Note who left before it came here: nobody waits for it."""
        match message:
            case wire.Present(name=name, here=False):
                self._settle(name)
            case _:
                super().on_message(message, envelope)

    async def finish(self) -> None:
        """Close the connection to the model, and pass on why we ended."""
        self._is_connected = False  # it ends because we end: nothing to report, nothing to mend
        await self._wait_for_console()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._failure is not None:
            raise self._failure

    async def _wait_for_console(self) -> None:
        """A short conversation may be over before the console has joined: what it said must be printed."""
        is_expected = bool(self.spec.settings.names_of("console"))
        give_up_s = self.loop.now() + CONSOLE_WITHIN_S
        while is_expected and self.stage.has_unshown and self.loop.now() < give_up_s:  # noqa: ASYNC110 - once, at the end
            await asyncio.sleep(0.01)

    def on_stop(self) -> None:
        """Close the hub; what was said has 200 ms to leave."""
        self.hub.close(linger_ms=200)

    def health(self) -> Health:
        """Add how long the voice takes from the microphone to the model."""
        latency = self._mic_to_send.latency()
        return msgspec.structs.replace(
            super().health(),
            queue_ms=float(20 * len(self.voice)),
            latency_ms={} if latency is None else {"mic_to_send": latency},
        )

    # The media star.

    def _serve(self, received: Received) -> None:
        route = received.peer
        assert route is not None
        match received.envelope.body:
            case wire.MicChunk() as chunk:
                self._voice_came(chunk)
            case wire.MicPaused():
                self.voice.paused()
                self._wake.set()
            case wire.TextLine() as line:
                self._line_came(route, line)
            case wire.Interrupt():
                self.stage.cut(by_user=True)
            case wire.Reference() | wire.ReferenceCut() as reference:
                self.hub.broadcast(reference, received.envelope.epoch, kinds=MICROPHONES)
            case wire.Heard() as heard:
                self.stage.heard(route, received.envelope.epoch, heard)
            case wire.ToolsOffered() | wire.CallTool() | wire.ToolResult() as said:
                self.toolbox.take(route, said)
            case wire.Hello(kind=kind):
                self.stage.arrived(route, kind)
                self._settle(received.envelope.sender)
            case wire.Present(kind=kind):
                self._origin_of = {
                    origin: there for origin, there in self._origin_of.items() if there != route
                }
                self.stage.left(route)
                self.toolbox.left(route)
            case message:
                self.unexpected(message)

    def _voice_came(self, chunk: wire.MicChunk) -> None:
        if self.control.state.muted:
            self.counters.drop("muted")
        elif self.stage.is_gated:
            self.counters.drop("half_duplex")
        else:
            self.voice.add(chunk)
            self._wake.set()

    def _line_came(self, route: bytes, line: wire.TextLine) -> None:
        self._origin_of[line.line.origin] = route
        if self.ledger.is_full:
            self.hub.send(
                route, wire.LineRefused(line.line, "too many lines wait to be sent; this one was not taken")
            )
        elif self.ledger.accept(Line(line.line, line.text, line.is_shown)):
            self.stage.cut(
                by_user=True
            )  # who types does not want to hear the rest; the model will say so, too, but later
            self._wake.set()
        else:
            self.hub.send(route, wire.LineKept(line.line))

    def _show_line(self, line: Line) -> None:
        self.stage.record(wire.TextLine(line.id, line.text))
        if not line.is_shown:
            line.is_shown = True  # a line that is sent again was said once
            self.stage.show(wire.InputText(line.text))

    def _tell_origin(self, line: wire.LineId, message: wire.Wire) -> None:
        route = self._origin_of.get(line.origin)
        if route is not None and route in self.hub.peers:
            self.hub.send(route, message)

    def _settle(self, name: str) -> None:
        self._audience.settled(name)
        self._wake.set()

    def _ping(self) -> None:
        self.hub.ping_all()
        self.voice.watch(time.monotonic_ns())
        self._wake.set()  # a line held back by a silent model gets its chance
        if settled := self.ledger.settled_without_handle(self.loop.now()):
            self._store(self._handle, settled)
        self.toolbox.tick()
        self.loop.call_later(PING_S, self._ping)

    # The connection.

    async def _converse(self) -> None:
        await self.toolbox.wait()
        while True:
            verdict = await self._connect_and_pump()
            if verdict.then is Then.STOP:
                raise exits.ActorExit(verdict.exit_code, verdict.why)
            if verdict.is_planned:
                continue
            self._judge_handle(verdict)
            wait_s = self._backoff.next_s()
            log.warning("%s; next attempt in %.1f s", verdict.why, wait_s)
            await asyncio.sleep(wait_s)

    async def _connect_and_pump(self) -> Verdict:
        try:
            table, run_dir = self.spec.settings.model, Path(self.spec.run_dir)
            async with google.connect(table, run_dir, self._handle, self.toolbox.declare()) as live:
                self._connected()
                return await self._pump(live)
        except ConnectionEndedError as end:
            return end.verdict
        finally:
            self._disconnected()

    async def _pump(self, live: LiveConnection) -> Verdict:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send(live))
                tasks.create_task(self._receive(live))
                tasks.create_task(self._leave_when_asked())
        except* ConnectionEndedError as ends:
            first = ends.exceptions[0]
            assert isinstance(first, ConnectionEndedError)
            verdict = first.verdict
        return verdict

    def _connected(self) -> None:
        model = self.spec.settings.model
        again = ", resumed" if self._handle else ""
        self.detail = f"connected to {model.provider} {model.name}{again}"
        log.info("%s", self.detail)
        self._is_connected = True
        self._leave_by_s = math.inf
        self.control.set("model", "parrot" if model.provider == "parrot" else model.name)
        self.control.set("connected", value=True)
        self._wake.set()

    def _disconnected(self) -> None:
        self.detail = "reconnecting"
        if not self._is_connected:
            return
        self._is_connected = False
        self.control.set("connected", value=False)
        self.ledger.connection_lost()
        self.toolbox.connection_lost()
        self.stage.broken_off()

    def _judge_handle(self, verdict: Verdict) -> None:
        if not (self._handle and verdict.is_servers_word):
            return  # an outage says nothing about the handle
        self._failed_resumes += 1
        if verdict.then is Then.FRESH or self._failed_resumes > FAILED_RESUMES:
            self.stage.show(
                wire.Notice("The model could not take the conversation up again; it starts afresh.")
            )
            self._handle = ""
            self.toolbox.afresh()
            self._failed_resumes = 0
            self.control.set("resumption", wire.Resumption("", self.ledger.kept))

    async def _leave_when_asked(self) -> None:
        """After goAway, or for late tools: go when nobody speaks and the last handle holds everything.

        At the latest just before the cut.
        """
        while self.loop.now() < self._leave_by_s:
            await asyncio.sleep(LEAVE_LOOK_S)
            has_unsettled = self.ledger.has_unsettled or self.toolbox.has_unsettled
            is_asked = self._leave_by_s < math.inf or (self.toolbox.is_news and self._handle)
            if is_asked and self.stage.is_silent and not has_unsettled:
                break
        raise ConnectionEndedError(PLANNED)

    async def _send(self, live: LiveConnection) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._send_voice(live)
            while (answer := self.toolbox.next_answer()) is not None:
                self.toolbox.sent(answer)
                await live.answer(answer.response)
            while (line := self._line_due()) is not None:
                self.ledger.sent(self.loop.now())
                await live.send({"text": line.text})
                self._show_line(line)
                self._tell_origin(line.id, wire.LineSent(line.id))
                await self._send_voice(live)

    def _line_due(self) -> Line | None:
        now = self.loop.now()
        return self.ledger.next_to_send(now) if self._audience.is_there(now) else None

    async def _send_voice(self, live: LiveConnection) -> None:
        while len(self.voice):
            try:
                chunk = self.voice.take(time.monotonic_ns())
            except IndexError:
                return
            if chunk is None:
                await live.send({"audio_stream_end": True})
                continue
            await live.send({"audio": {"data": chunk.pcm_16k, "mime_type": MIC_TYPE}})
            self.stage.record(chunk)
            self._mic_to_send.add((time.monotonic_ns() - chunk.captured_ns) / 1e6)

    async def _receive(self, live: LiveConnection) -> None:
        async with contextlib.aclosing(live.events()) as received:
            async for event in received:
                self._backoff.worked()
                self._failed_resumes = 0
                self._on_event(event)

    def _on_event(self, event: events.Event) -> None:
        match event:
            case events.Audio() | events.Said():
                self.ledger.answered(self.loop.now())
                self._wake.set()
                self.stage.play(event)
            case events.Understood(text=text):
                self.stage.show(wire.InputText(text))
            case events.Cut():
                self.stage.cut(by_user=False)
            case events.Generated():
                self.stage.whole()
            case events.TurnOver(is_exchange_over=is_over):
                if is_over:
                    line = self.ledger.turn_over(self.loop.now())
                    self.stage.turn_over(None if line is None else line.id)
                    self._wake.set()
            case events.HandleIssued(handle=handle):
                self._store(handle, self.ledger.handle_issued(), self.toolbox.handle_issued())
            case events.GoingAway(time_left_s=left_s):
                log.info("the model will close this connection in %.0f s", left_s)
                self._leave_by_s = min(self._leave_by_s, self.loop.now() + max(0.0, left_s - LEAVE_EARLY_S))
            case events.ToolsCalled():
                self.toolbox.asked(event)
            case events.ToolsCancelled():
                self.toolbox.cancelled(event)
            case events.Used():
                pass

    def _store(self, handle: str, lines: list[Line], calls: Sequence[str] = ()) -> None:
        """Store the handle and the lines it holds as one value; only then are the lines and calls forgotten."""
        self._handle = handle

        def stored(answer: wire.StateValue | wire.Refused) -> None:
            if isinstance(answer, wire.Refused):
                log.error("the coordinator refused the resumption handle: %s", answer.reason)
                return
            self.ledger.keep(lines)
            self.toolbox.keep(calls)
            for line in lines:
                self._tell_origin(line.id, wire.LineKept(line.id))

        self.control.set("resumption", wire.Resumption(handle, self.ledger.kept_with(lines)), stored)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = error
            self.loop.stop()
