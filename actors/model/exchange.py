"""What goes to the model and what comes from it, whatever connection carries it: voice, lines, results, and the reply."""

import asyncio
import logging
import time
from collections.abc import Sequence

import msgspec

from actors import wire
from actors.model import events
from actors.model.audience import Audience
from actors.model.google import LiveConnection
from actors.model.ledger import HANDLE_WITHIN_S, Ledger, Line, holds_lines
from actors.model.stage import Stage, TellOrigin
from actors.model.toolbox import Toolbox
from actors.model.uplink import Uplink
from actors.model.video import VideoQueue
from actors.runtime.control import Control
from actors.runtime.loop import Loop

JPEG_TYPE = "image/jpeg"

log = logging.getLogger("exchange")


class Exchange:
    """Sends what is due, gives every event to whom it concerns, and stores what the model's context is known to hold.

    Nothing here may wait for anything but the connection.
    """

    def __init__(
        self,
        loop: Loop,
        control: Control,
        wake: asyncio.Event,
        audience: Audience,
        ledger: Ledger,
        uplink: Uplink,
        video: VideoQueue,
        stage: Stage,
        toolbox: Toolbox,
        tell_origin: TellOrigin,
    ) -> None:
        self.ledger = ledger
        self.uplink = uplink
        self.video = video
        self.stage = stage
        self.toolbox = toolbox
        self.handle = ""
        """What the next connection resumes from."""
        self._turn_over: tuple[float, int] | None = None
        """When the last turn was over that no handle holds, and how far the voice had been sent by then."""
        self._loop = loop
        self._control = control
        self._tell_origin = tell_origin
        self._wake = wake
        self._audience = audience
        self._stored = wire.Resumption()
        """As it was last given to the coordinator."""
        toolbox.on_begin = self._tools_begin

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    def resume(self, resumption: wire.Resumption) -> None:
        """Go on from what an earlier incarnation stored."""
        self._stored = resumption
        self.handle = resumption.handle
        self.toolbox.calls.resume(resumption.begun, self._loop.now())
        self.uplink.mark.held_ns = resumption.voice_ns
        for line in self.ledger.resume(resumption):
            self._tell_origin(line.id, wire.LineKept(line.id))

    # Connections.

    @property
    def is_settled(self) -> bool:
        """Whether nobody speaks and the last handle holds everything: a good moment to change the connection."""
        return self.stage.is_silent and not (self.ledger.has_unsettled or self.toolbox.has_unsettled)

    @property
    def has_news(self) -> bool:
        """Whether the model should be connected to again, to be told of tools that came late."""
        return self.toolbox.is_news and bool(self.handle)

    def opened(self, live: LiveConnection) -> None:
        """A connection is there."""
        self.video.connected()
        self.uplink.opened(live)
        self.wake()

    def lost(self) -> None:
        """The connection is gone."""
        self.uplink.lost()
        self.ledger.connection_lost()
        self.toolbox.connection_lost()
        self.video.disconnected()
        self.stage.broken_off()

    def forget_handle(self) -> None:
        """The model cannot resume: the next connection begins with nothing."""
        self.handle = ""
        self.toolbox.afresh()
        self._stored = wire.Resumption(
            "", self.ledger.kept, self.uplink.mark.held_ns, self.toolbox.calls.begun
        )
        self._control.set("resumption", self._stored)

    def tick(self) -> None:
        """Look at the clock, about twice a second."""
        self.uplink.tick()
        self.video.tick(self._loop.now())
        self.wake()  # a line held back by a silent model gets its chance
        self._settle_without_handle()
        self.toolbox.tick()

    def _settle_without_handle(self) -> None:
        """Where the service issues no handles at all, what it has answered is not said again."""
        now = self._loop.now()
        lines = self.ledger.settled_without_handle(now)
        is_over = self._turn_over is not None and now - self._turn_over[0] > HANDLE_WITHIN_S
        if self._turn_over is not None and is_over and not self.ledger.has_handles:
            self.uplink.mark.settle(self._turn_over[1])
            self._turn_over = None
        elif not lines:
            return
        self._store(self.handle, lines)

    # To the model.

    async def send(self, live: LiveConnection) -> None:
        """Send whatever is due, until cancelled. Raises `ConnectionEndedError`."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.uplink.send(live)
            while (answer := self.toolbox.next_answer()) is not None:
                self.toolbox.sent(answer, live.next_message)
                await live.answer(answer.response)
            while (line := self._line_due()) is not None:
                self.ledger.sent(self._loop.now(), live.next_message + bool(line.picture))
                if line.picture:  # just before its words: of a turn, that is what the model looks at
                    await live.send({"video": {"data": line.picture, "mime_type": line.mime}})
                await live.send({"text": line.text})
                self._show_line(line)
                self._tell_origin(line.id, wire.LineSent(line.id))
                await self.uplink.send(live)
            await self._send_video(live)

    def _line_due(self) -> Line | None:
        now = self._loop.now()
        return self.ledger.next_to_send(now) if self._audience.is_there(now) else None

    async def _send_video(self, live: LiveConnection) -> None:
        while (frame := self.video.next(self._loop.now())) is not None:
            await live.send_timed(
                {"video": {"data": frame.jpeg, "mime_type": JPEG_TYPE}}, self._video_arrived
            )
            await self.uplink.send(live)

    def _video_arrived(self, took_s: float) -> None:
        self.video.arrived(took_s, self._loop.now())

    def _show_line(self, line: Line) -> None:
        text = f"[a picture] {line.text}" if line.picture else line.text
        self.stage.record(wire.TextLine(line.id, text))
        if not line.is_shown:
            line.is_shown = True  # a line that is sent again was said once
            self.stage.show(wire.InputText(text))

    # From the model.

    def take(self, event: events.Event) -> None:
        """The model said something."""
        match event:
            case events.Audio() | events.Said():
                self.ledger.answered(self._loop.now())
                self.wake()
                self.stage.play(event, self._voice_ended)
            case events.Understood(text=text):
                self.stage.show(wire.InputText(text))
            case events.Cut():
                self.stage.cut(by_user=False)
            case events.Generated():
                self.stage.whole()
            case events.TurnOver(is_exchange_over=True):
                line = self.ledger.turn_over(self._loop.now())
                self._turn_over = (self._loop.now(), self.uplink.mark.sent_ns)
                self.stage.turn_over(None if line is None else line.id)
                self.wake()
            case events.HandleIssued():
                self._handle_came(event)
            case events.ToolsCalled():
                self.toolbox.asked(event)
            case events.ToolsCancelled():
                self.toolbox.cancelled(event)
            case _:  # a filler's end, tokens used
                pass

    def _voice_ended(self) -> int:
        return self.uplink.utterance.answered(time.monotonic_ns()) if self.ledger.is_spoken else 0

    def _handle_came(self, event: events.HandleIssued) -> None:
        holds = holds_lines(event.last_message)
        self._turn_over = None
        self.ledger.has_handles = True
        if self.ledger.is_torn(holds):
            return
        self.uplink.handle_came(event.last_message)
        self._store(event.handle, self.ledger.handle_issued(holds), self.toolbox.handle_issued(holds))

    def _store(self, handle: str, lines: list[Line], calls: Sequence[str] = ()) -> None:
        """Store the handle and what it holds as one value; only then are the lines and calls forgotten."""
        self.handle = handle

        def stored(answer: wire.StateValue | wire.Refused) -> None:
            if isinstance(answer, wire.Refused):
                log.error("the coordinator refused the resumption handle: %s", answer.reason)
                return
            self.ledger.keep(lines)
            self.toolbox.keep(calls)
            for line in lines:
                self._tell_origin(line.id, wire.LineKept(line.id))

        begun = {call: mark for call, mark in self.toolbox.calls.begun.items() if call not in calls}
        kept, voice_ns = self.ledger.kept_with(lines), self.uplink.mark.held_ns
        self._stored = wire.Resumption(handle, kept, voice_ns, begun)
        self._control.set("resumption", self._stored, stored)

    def _tools_begin(self) -> None:
        """Functions are about to be run: store which, beside the handle that does not know of them."""
        self._stored = msgspec.structs.replace(self._stored, begun=self.toolbox.calls.begun)
        self._control.set("resumption", self._stored)
