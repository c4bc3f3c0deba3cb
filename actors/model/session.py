"""The session actor: the media star's centre. What it hears there it gives to the exchange, which the connections carry."""

import asyncio
import contextlib
import logging
import time

import msgspec

from actors import wire
from actors.devices.picture import PictureError, look
from actors.model.audience import JOINED_WITHIN_S, Audience
from actors.model.connections import Connections
from actors.model.exchange import Exchange
from actors.model.ledger import Ledger, Line
from actors.model.stage import Stage
from actors.model.toolbox import Toolbox
from actors.model.uplink import Uplink
from actors.model.video import VideoQueue
from actors.model.voice import Voice, end_ns, in_slices
from actors.runtime.actor import Actor, ActorSpec
from actors.runtime.bus import Hub, Identity
from actors.runtime.inbox import Received
from actors.runtime.loop import Loop
from actors.runtime.notify import Health, Notifier
from actors.settings import MicTable, Settings

PING_S = 1.0
"""Who is restarted says so itself; this finds who is gone for good."""
TICK_S = 0.5
CONSOLE_WITHIN_S = 1.0
MICROPHONES = frozenset({"mic"})
VOICES = MICROPHONES | {"feeder"}
"""A program's own streamers speak, too."""

log = logging.getLogger("session")


class SessionActor(Actor):
    """Centre of the media star, and the only process that talks to the model."""

    uses_media = False

    def __init__(self, spec: ActorSpec, loop: Loop, notifier: Notifier) -> None:
        super().__init__(spec, loop, notifier)
        self.hub = Hub(loop, Identity(spec.name, spec.kind), self.counters, self._serve)
        self.ledger = Ledger()
        self.voice = Voice(self.counters)
        self.video = VideoQueue(self.counters, self._video_taken)
        settings, tell = spec.settings, self._tell_origin
        self.stage = Stage(self.hub, loop, self.control, self.counters, settings.session, tell)
        self._origin_of: dict[str, bytes] = {}
        self._audience = Audience(settings.names_of("speaker"))
        self.uplink = Uplink(
            loop,
            self.voice,
            self.stage,
            lambda replay: self.hub.broadcast(replay, kinds=VOICES),
            is_manual=settings.model.vad.mode == "manual",
            slice_ms=_slice_ms(settings),
        )
        wake = asyncio.Event()
        self.toolbox = Toolbox(self.hub, loop, settings.model, self.stage.show, wake.set)
        self.exchange = Exchange(
            loop,
            self.control,
            wake,
            self._audience,
            self.ledger,
            self.uplink,
            self.video,
            self.stage,
            self.toolbox,
            tell,
        )
        self.connections = Connections(settings.model, spec.run_dir, loop, self.control, self.exchange)
        self._task: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None

    def on_start(self) -> None:
        """Listen; the conversation begins when the coordinator has told what is resumed."""
        self.hub.bind(self.spec.media_address)
        self._ping()
        self._tick()
        self.detail = self.connections.detail
        self.ready()

    def on_synchronised(self) -> None:
        """Go on from where an earlier incarnation was."""
        if self._task is not None:
            return  # the coordinator was restarted, not we
        self.exchange.resume(self.control.state.resumption)
        self.stage.resume(self.control.state)
        self._audience.expect(self.loop.now())
        self.loop.call_later(JOINED_WITHIN_S, self.exchange.wake)
        self._task = asyncio.get_running_loop().create_task(self.connections.run())
        self._task.add_done_callback(self._ended)

    def on_state(self, key: wire.StateKey) -> None:
        """Push to talk: who begins to talk does not want to hear the rest."""
        if key == "talking" and self.control.state.talking:
            self.stage.cut(by_user=True)

    def on_message(self, message: wire.Wire, envelope: wire.Envelope) -> None:
        """Note who left before it came here: nobody waits for it."""
        match message:
            case wire.Present(name=name, here=False):
                self._settle(name)
            case _:
                super().on_message(message, envelope)

    async def finish(self) -> None:
        """Close the connection to the model, and pass on why we ended."""
        self.connections.conclude()
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
        latency = self.uplink.mic_to_send.latency()
        return msgspec.structs.replace(
            super().health(),
            detail=self.connections.detail,
            trouble=self.connections.trouble,
            queue_ms=self.voice.queue_ms,
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
                self.exchange.wake()
            case wire.VideoFrame() as frame:
                self.video.add(route, frame, self.loop.now())
                self.exchange.wake()
            case wire.TextLine() as line:
                self._line_came(route, line)
            case wire.Interrupt():
                self.stage.cut(by_user=True)
            case wire.Reference() | wire.ReferenceCut() as reference:
                self.hub.broadcast(reference, received.envelope.epoch, kinds=MICROPHONES)
            case wire.Lead(ms=ms):
                self.stage.together.lead(route, ms)
            case wire.Heard() as heard:
                self.stage.heard(route, received.envelope.epoch, heard)
            case wire.ToolsOffered() | wire.CallTool() | wire.ToolResult() as said:
                self.toolbox.take(route, said)
            case wire.Hello(kind=kind):
                self.stage.arrived(route, kind)
                self._settle(received.envelope.sender)
                if kind in VOICES:
                    self.uplink.mic_came()
            case wire.Present(kind=kind):
                self._origin_of = {
                    origin: there for origin, there in self._origin_of.items() if there != route
                }
                self.stage.left(route)
                self.toolbox.left(route)
                self.video.left(route)
            case message:
                self.unexpected(message)

    def _voice_came(self, chunk: wire.MicChunk) -> None:
        if self.control.state.muted:
            self.counters.drop("muted")
        elif not self._is_gated(chunk):
            self.voice.add(chunk, time.monotonic_ns())
            self.exchange.wake()
        else:
            for part in in_slices(chunk):
                if self._is_gated(part):
                    self.counters.drop("half_duplex")
                else:
                    self.voice.add(part, time.monotonic_ns())
            self.exchange.wake()

    def _is_gated(self, chunk: wire.MicChunk) -> bool:
        """Half duplex: whether a reply was heard in it, however little."""
        return any(map(self.stage.is_gated, (chunk.captured_ns, end_ns(chunk))))

    def _video_taken(self, source: bytes, max_bytes: int) -> None:
        self.hub.send(source, wire.VideoTaken(max_bytes))

    def _line_came(self, route: bytes, line: wire.TextLine) -> None:
        self._origin_of[line.line.origin] = route
        if self.ledger.is_full:
            self.hub.send(
                route, wire.LineRefused(line.line, "too many lines wait to be sent; this one was not taken")
            )
            return
        try:
            mime = look(line.picture).mime if line.picture else ""
        except PictureError as error:
            self.hub.send(route, wire.LineRefused(line.line, f"what it shows is {error}"))
            return
        if self.ledger.accept(Line(line.line, line.text, line.is_shown, line.picture, mime)):
            self.stage.cut(
                by_user=True
            )  # who types does not want to hear the rest; the model will say so, too, but later
            self.exchange.wake()
        else:
            self.hub.send(route, wire.LineKept(line.line))

    def _tell_origin(self, line: wire.LineId, message: wire.Wire) -> None:
        route = self._origin_of.get(line.origin)
        if route is not None and route in self.hub.peers:
            self.hub.send(route, message)

    def _settle(self, name: str) -> None:
        self._audience.settled(name)
        self.exchange.wake()

    def _ping(self) -> None:
        self.hub.ping_all()
        self.loop.call_later(PING_S, self._ping)

    def _tick(self) -> None:
        self.exchange.tick()
        self.loop.call_later(TICK_S, self._tick)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = error
            self.loop.stop()


def _slice_ms(settings: Settings) -> int:
    """Return how long the slices are in which speech comes."""
    tables = (settings.table(name, "mic") for name in settings.names_of("mic"))
    return max((table.frame_ms for table in tables if isinstance(table, MicTable)), default=20)
