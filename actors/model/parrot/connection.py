"""One connection from its first frame to its last: who it is, what it asks for, and what goes where."""

import asyncio
import logging
from collections.abc import Callable

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from actors.model.parrot import server_messages as say
from actors.model.parrot.client_messages import Blob, ClientContent, ClientMessage, RealtimeInput, Setup, read
from actors.model.parrot.conversation import Conversation, Intake
from actors.model.parrot.dialogue import Dialogue, describe
from actors.model.parrot.door import Door
from actors.model.parrot.ear import Ear
from actors.model.parrot.eye import Eye
from actors.model.parrot.faults import Faults
from actors.model.parrot.journal import AudioKeeper
from actors.model.parrot.outlet import Outlet
from actors.model.parrot.protocol import Protocol
from actors.model.parrot.refusal import INTERNAL, Refusal
from actors.model.parrot.script import Do, Moment, Now
from actors.model.parrot.shared import Shared
from actors.model.parrot.tool_calls import ToolCalls
from actors.model.parrot.vad import Heard, SpeechStarted

log = logging.getLogger(__name__)


class Connection:
    """Serves one client; tells `on_setup` which conversation it carries on."""

    def __init__(
        self,
        socket: ServerConnection,
        *,
        number: int,
        door: Door,
        shared: Shared,
        on_setup: Callable[[Conversation], None],
    ) -> None:
        self._socket = socket
        self._number = number
        self._door = door
        self._shared = shared
        self._on_setup = on_setup
        self._outlet = Outlet(socket)
        self._protocol = Protocol(
            api_version=door.api_version, vertex=door.vertex, missing=shared.options.missing_models
        )
        self._calls = ToolCalls()
        self._keeper = AudioKeeper(shared.options.keep_audio, number)
        self._faults: Faults | None = None
        self._ear: Ear | None = None
        self._eye = Eye()
        self._intake = Intake()

    async def run(self) -> None:
        """Serve until the client is gone or refused. A fault of ours ends this connection alone."""
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._serve(tasks)
        except* ConnectionClosed:
            pass  # one of the tasks noticed it first
        except* Exception as errors:
            log.exception("connection %d failed", self._number)
            self._record("failed", why=repr(errors.exceptions[0]))
            await self._outlet.close(INTERNAL, "Internal error encountered.")
        finally:
            self._keeper.close()
            self._record("closed", code=self._socket.close_code, **self._received())

    async def inject(self, do: Do) -> bool:
        """Do what a script could do, now; false before setup."""
        if self._faults is None:
            return False
        try:
            await self._faults.inject(do)
        except ConnectionClosed:
            return False
        return True

    async def _serve(self, tasks: asyncio.TaskGroup) -> None:
        faults = Faults(self._number, self._outlet, self._calls, self._shared, tasks)
        dialogue = None
        try:
            setup = await self._read_setup()
            dialogue = self._make_dialogue(setup, faults, tasks)
            await self._greet(dialogue, faults)
            while not self._outlet.is_deaf:
                await self._take(dialogue, await self._read())
            await self._outlet.until_closed()
        except Refusal as refusal:
            self._record("refused", code=refusal.code, reason=refusal.reason)
            await self._outlet.close(refusal.code, refusal.reason)
        except ConnectionClosed:
            pass  # the usual end
        finally:
            faults.stop()
            if dialogue is not None:
                dialogue.stop()

    async def _read(self) -> ClientMessage:
        message = read(await self._socket.recv())
        self._protocol.check(message)
        return message

    async def _read_setup(self) -> Setup:
        raw = await self._socket.recv()
        request = self._socket.request
        assert request is not None
        self._shared.credentials.check(request.headers, request.path)
        for do in self._shared.script.ask(Now(moment=Moment.SETUP, connection=self._number)):
            assert do.refuse is not None
            raise Refusal(do.refuse.code, do.refuse.reason)
        message = read(raw)
        self._protocol.check(message)
        assert message.setup is not None
        return message.setup

    def _make_dialogue(self, setup: Setup, faults: Faults, tasks: asyncio.TaskGroup) -> Dialogue:
        conversation, handle = self._take_up(setup)
        dialogue = Dialogue(
            connection=self._number,
            setup=setup,
            conversation=conversation,
            outlet=self._outlet,
            faults=faults,
            calls=self._calls,
            shared=self._shared,
            intake=self._intake,
            tasks=tasks,
            vertex=self._door.vertex,
        )
        self._ear = Ear(self._protocol.detection, self._keeper)
        self._faults = faults
        self._on_setup(conversation)
        self._record(
            "setup",
            model=setup.model,
            resumed=handle,
            tools=setup.tool_names,
            setup=msgspec.to_builtins(setup),
            texts=conversation.texts(),
        )
        return dialogue

    async def _greet(self, dialogue: Dialogue, faults: Faults) -> None:
        await self._outlet.send(say.setup_complete(f"session-{self._number}" if self._door.vertex else ""))
        if self._shared.options.resume_early:
            await dialogue.offer_handle()
        for after_s, do in self._shared.script.timers(self._number):
            faults.inject_later(after_s, do)
        for do in self._shared.script.ask(Now(moment=Moment.READY, connection=self._number)):
            await faults.inject(do)

    def _take_up(self, setup: Setup) -> tuple[Conversation, str]:
        handle = setup.session_resumption.handle if setup.session_resumption else ""
        now_s = asyncio.get_running_loop().time()
        turns = self._shared.handles.restore(handle, now_s) if handle else ()
        return Conversation(turns, self._shared.options.max_turns), handle

    async def _take(self, dialogue: Dialogue, message: ClientMessage) -> None:
        """Act on one message; a handle that is issued by the way holds it as soon as the conversation does."""
        number = self._intake.last_message + 1
        if message.realtime_input is not None:
            await self._take_realtime(dialogue, message.realtime_input)
        elif message.client_content is not None:
            await self._take_content(dialogue, message.client_content)
        elif message.tool_response is not None:
            for response in message.tool_response.function_responses:
                dialogue.take_result(response)
        elif message.context_update is not None:
            self._record("context_update", update=msgspec.to_builtins(message.context_update))
        self._intake.last_message = number

    async def _take_content(self, dialogue: Dialogue, content: ClientContent) -> None:
        """Unlike realtime input, content always interrupts."""
        await dialogue.interrupt()
        asking = content.turns[-1:] if content.turn_complete else []
        dialogue.remember(content.turns[: len(content.turns) - len(asking)])
        for turn in asking:
            await dialogue.ask(turn.text)

    async def _take_realtime(self, dialogue: Dialogue, said: RealtimeInput) -> None:
        assert self._ear is not None
        for blob in (*said.media_chunks, *(blob for blob in (said.audio,) if blob is not None)):
            await self._take_media(dialogue, self._ear, blob)
        if said.video is not None:
            self._see(said.video)
        if said.text:
            if dialogue.can_be_interrupted:
                await dialogue.interrupt()
            await dialogue.ask(said.text, sight=self._eye.take())
        if said.activity_start is not None:
            await self._notice(dialogue, self._ear.begin())
        if said.activity_end is not None or (said.audio_stream_end and not self._protocol.detection.disabled):
            await self._notice(dialogue, self._ear.finish())

    async def _take_media(self, dialogue: Dialogue, ear: Ear, blob: Blob) -> None:
        if blob.mime_type.startswith("image/"):
            self._see(blob)
            return
        if not ear.chunks:
            self._record("audio")
        heard = ear.hear(blob)
        self._intake.samples, self._intake.last_message = ear.samples, self._intake.last_message + 1
        dialogue.heard_audio = True
        await self._notice(dialogue, heard)

    def _see(self, blob: Blob) -> None:
        sight = self._eye.see(blob)
        self._record("image", **msgspec.to_builtins(sight))

    async def _notice(self, dialogue: Dialogue, heard: list[Heard]) -> None:
        for noticed in heard:
            if isinstance(noticed, SpeechStarted):
                self._record("speech_started", at_s=noticed.at_s)
                if dialogue.can_be_interrupted:
                    await dialogue.interrupt()
            else:
                self._record("speech_ended", voiced_s=noticed.voiced_s, **self._received())
                await dialogue.ask(describe(noticed), noticed, self._eye.take())

    def _received(self) -> dict[str, int]:
        ear = self._ear
        return {
            "chunks": ear.chunks if ear else 0,
            "samples": ear.samples if ear else 0,
            "images": self._eye.images,
        }

    def _record(self, event: str, **details: object) -> None:
        self._shared.journal.record(event, connection=self._number, **details)
