"""The session actor: pumps between the media star and one live connection, and outlives that connection.

Nothing here may wait for anything but the connection: the reader hands every event on at once, the sender takes what is due.
"""

import asyncio
import contextlib
import logging
from collections import deque
from pathlib import Path

from actors import wire
from actors.model import events, google
from actors.model.google import ConnectionEndedError, LiveConnection
from actors.model.ledger import Ledger, Line
from actors.model.reconnect import Backoff, Then, Verdict
from actors.model.reply import Reply
from actors.runtime import exits
from actors.runtime.actor import Actor, ActorSpec
from actors.runtime.bus import Hub, Identity
from actors.runtime.inbox import Received
from actors.runtime.loop import Loop, Timer
from actors.runtime.notify import Notifier

PING_S = 0.5
BACKLOG = 1000
"""Transcript pieces kept for a console that is being restarted."""
FAILED_RESUMES = 2
"""A handle that fails this often is poisoned."""
CONSOLES = frozenset({"console"})
SPEAKERS = frozenset({"speaker"})

log = logging.getLogger("session")


class SessionActor(Actor):
    """Centre of the media star, and the only process that talks to the model."""

    uses_media = False

    def __init__(self, spec: ActorSpec, loop: Loop, notifier: Notifier) -> None:
        super().__init__(spec, loop, notifier)
        self.hub = Hub(loop, Identity(spec.name, spec.kind), self.counters, self._serve)
        self.ledger = Ledger()
        self.reply = Reply()
        self._backlog: deque[wire.Wire] = deque(maxlen=BACKLOG)
        self._origin_of: dict[str, bytes] = {}
        self._wake = asyncio.Event()
        self._backoff = Backoff()
        self._failed_resumes = 0
        self._handle = ""
        self._is_connected = False
        self._quiet: Timer | None = None
        self._task: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None

    def on_start(self) -> None:
        """Listen; the conversation begins when the coordinator has told what is resumed."""
        self.hub.bind(self.spec.media_address)
        self._ping()
        self.detail = "connecting"
        self.ready()
        self._task = asyncio.get_running_loop().create_task(self._converse())
        self._task.add_done_callback(self._ended)

    async def finish(self) -> None:
        """Close the connection to the model, and pass on why we ended."""
        self._is_connected = False  # it ends because we end: nothing to report, nothing to mend
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._failure is not None:
            raise self._failure

    def on_stop(self) -> None:
        """Close the hub; what was said has 200 ms to leave."""
        self.hub.close(linger_ms=200)

    # The media star.

    def _serve(self, received: Received) -> None:
        route = received.peer
        assert route is not None
        match received.envelope.body:
            case wire.Hello(kind="console"):
                for message in self._backlog:
                    self.hub.send(route, message)
                self._backlog.clear()
            case wire.Hello():
                pass
            case wire.Present():
                self._origin_of = {
                    origin: there for origin, there in self._origin_of.items() if there != route
                }
            case wire.TextLine() as line:
                self._line_came(route, line)
            case wire.Interrupt():
                self._cut(by_user=True)
            case wire.Heard(is_done=True) if received.envelope.epoch == self.reply.epoch:
                self._heard()
            case wire.Heard():
                pass
            case message:
                self.unexpected(message)

    def _line_came(self, route: bytes, line: wire.TextLine) -> None:
        self._origin_of[line.line.origin] = route
        if self.ledger.is_full:
            self.hub.send(
                route, wire.LineRefused(line.line, "too many lines wait to be sent; this one was not taken")
            )
        elif self.ledger.accept(Line(line.line, line.text)):
            self._wake.set()
        else:
            self.hub.send(route, wire.LineKept(line.line))

    def _tell_origin(self, line: wire.LineId, message: wire.Wire) -> None:
        route = self._origin_of.get(line.origin)
        if route is not None and route in self.hub.peers:
            self.hub.send(route, message)

    def _show(self, message: wire.Wire) -> None:
        if not self.hub.broadcast(message, self.reply.epoch, kinds=CONSOLES):
            self._backlog.append(message)

    def _ping(self) -> None:
        self.hub.ping_all()
        self._wake.set()  # a line held back by a silent model gets its chance
        if settled := self.ledger.settled_without_handle(self.loop.now()):
            self._store(self._handle, settled)
        self.loop.call_later(PING_S, self._ping)

    # The connection.

    async def _converse(self) -> None:
        while not self.control.is_synchronised:  # noqa: ASYNC110 - once, at birth
            await asyncio.sleep(0.005)
        self._remember(self.control.state)
        while True:
            verdict = await self._connect_and_pump()
            if verdict.then is Then.STOP:
                raise exits.ActorExit(verdict.exit_code, verdict.why)
            self._judge_handle(verdict)
            wait_s = self._backoff.next_s()
            log.warning("%s; next attempt in %.1f s", verdict.why, wait_s)
            await asyncio.sleep(wait_s)

    def _remember(self, state: wire.ConversationState) -> None:
        self._handle = state.resumption.handle
        self.ledger.resume(state.resumption)
        self.reply.epoch = state.epoch + 1
        self.control.set("epoch", self.reply.epoch)

    async def _connect_and_pump(self) -> Verdict:
        try:
            async with google.connect(
                self.spec.settings.model, Path(self.spec.run_dir), self._handle
            ) as live:
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
        if self.reply.is_open:
            self._show(wire.Interrupted())
            self.reply.over(None)
            self.reply.heard()

    def _judge_handle(self, verdict: Verdict) -> None:
        if not self._handle:
            return
        self._failed_resumes += 1
        if verdict.then is Then.FRESH or self._failed_resumes > FAILED_RESUMES:
            self._show(wire.Notice("The model could not take the conversation up again; it starts afresh."))
            self._handle = ""
            self._failed_resumes = 0
            self.control.set("resumption", wire.Resumption("", self.ledger.kept))

    async def _send(self, live: LiveConnection) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while (line := self.ledger.next_to_send(self.loop.now())) is not None:
                self.ledger.sent(self.loop.now())
                await live.send({"text": line.text})
                self._tell_origin(line.id, wire.LineSent(line.id))

    async def _receive(self, live: LiveConnection) -> None:
        async with contextlib.aclosing(live.events()) as received:
            async for event in received:
                self._backoff.worked()
                self._failed_resumes = 0
                self._on_event(event)

    def _on_event(self, event: events.Event) -> None:
        match event:
            case events.Audio(pcm=pcm):
                self._answering()
                self._speak(pcm)
            case events.Said(text=text):
                self._answering()
                if not self.reply.is_discarded:
                    self._show(wire.OutputText(text))
            case events.Understood(text=text):
                self._show(wire.InputText(text))
            case events.Cut():
                self._cut(by_user=False)
            case events.Generated():
                self.hub.broadcast(wire.SpeechEnd(), self.reply.epoch, kinds=SPEAKERS)
            case events.TurnOver(is_exchange_over=is_over):
                if is_over:
                    self._turn_over()
            case events.HandleIssued(handle=handle):
                self._store(handle, self.ledger.handle_issued())
            case events.GoingAway(time_left_s=left_s):
                log.info("the model will close this connection in %.0f s", left_s)
            case events.Used():
                pass

    # The reply.

    def _answering(self) -> None:
        self.ledger.answered(self.loop.now())
        self._wake.set()
        if self.reply.begin():
            self.control.set("epoch", self.reply.epoch)

    def _speak(self, pcm: bytes) -> None:
        if self.reply.is_discarded:
            self.counters.drop("cut_by_user")
            return
        if self.reply.first_audio():
            self._set_streaming(value=True)
        self.hub.broadcast(wire.SpeechChunk(pcm), self.reply.epoch, kinds=SPEAKERS)

    def _cut(self, *, by_user: bool) -> None:
        if not (self.reply.is_open or self.control.state.is_streaming_output):
            return
        self.reply.cut(by_user=by_user)
        self.hub.broadcast(wire.Flush(), self.reply.epoch, kinds=SPEAKERS)
        self.control.set("epoch", self.reply.epoch)
        self._show(wire.Interrupted())
        self._heard()

    def _turn_over(self) -> None:
        line = self.ledger.turn_over(self.loop.now())
        self.hub.broadcast(wire.SpeechEnd(), self.reply.epoch, kinds=SPEAKERS)
        self.reply.over(None if line is None else line.id)
        self._show(wire.TextComplete())
        self._wake.set()
        if not (self.reply.has_audio and self.hub.has("speaker")):
            self._heard()

    def _heard(self) -> None:
        for line in self.reply.heard():
            self._tell_origin(line, wire.LineAnswered(line))
        if self._quiet is not None:
            self._quiet.cancel()
        delay_s = self.spec.settings.session.post_output_audio_delay
        self._quiet = self.loop.call_later(delay_s, lambda: self._set_streaming(value=False))

    def _set_streaming(self, *, value: bool) -> None:
        if self._quiet is not None:
            self._quiet.cancel()
            self._quiet = None
        if not value and self.reply.is_open and self.reply.has_audio:
            return  # another reply has begun meanwhile
        if self.control.state.is_streaming_output != value:
            self.control.set("is_streaming_output", value)

    def _store(self, handle: str, lines: list[Line]) -> None:
        """Store the handle and the lines it holds as one value; only then are the lines forgotten."""
        self._handle = handle

        def stored(answer: wire.StateValue | wire.Refused) -> None:
            if isinstance(answer, wire.Refused):
                log.error("the coordinator refused the resumption handle: %s", answer.reason)
                return
            self.ledger.keep(lines)
            for line in lines:
                self._tell_origin(line.id, wire.LineKept(line.id))

        self.control.set("resumption", wire.Resumption(handle, self.ledger.kept_with(lines)), stored)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = error
            self.loop.stop()
