"""Turn-taking on one connection: the user's turns in, one reply at a time out, and interruption in between.

The order of messages is the service's: transcript of the user, reply, generationComplete, (playback), turnComplete, handle.
An interruption at any time before turnComplete makes it: interrupted, turnComplete, handle.
"""

import asyncio
from collections import deque

import msgspec

from actors.model.parrot import server_messages as say
from actors.model.parrot import tones
from actors.model.parrot.client_messages import Content, FunctionResponse, Setup
from actors.model.parrot.conversation import Conversation, Intake, Turn
from actors.model.parrot.eye import Sight
from actors.model.parrot.faults import Faults
from actors.model.parrot.outlet import Outlet
from actors.model.parrot.pcm import REPLY_RATE_HZ, resample
from actors.model.parrot.recording import read_recording
from actors.model.parrot.reply import Plan, ReplyInProgress
from actors.model.parrot.script import Do, Moment, Now, Reply, ToolCall
from actors.model.parrot.shared import Shared
from actors.model.parrot.tool_calls import ToolCalls
from actors.model.parrot.vad import SpeechEnded

MAX_WAITING = 16


class Asked(msgspec.Struct, frozen=True):
    """One turn of the user that wants a reply."""

    number: int
    text: str
    sound: SpeechEnded | None = None
    sight: Sight | None = None


def answer_to(text: str) -> str:
    """Return what the parrot says to typed text."""
    return f"You said: {text}"


def seen(sight: Sight) -> str:
    """Return what the parrot says of a picture: it sees no more than its size."""
    return f" (I see a picture, {sight.width}x{sight.height})"


def describe(sound: SpeechEnded) -> str:
    """Return the transcript of speech; a parrot does not understand words."""
    return f"({sound.voiced_s:.1f} s of speech)"


class Dialogue:
    """The conversation as this connection carries it on."""

    def __init__(
        self,
        *,
        connection: int,
        setup: Setup,
        conversation: Conversation,
        outlet: Outlet,
        faults: Faults,
        calls: ToolCalls,
        shared: Shared,
        intake: Intake,
        tasks: asyncio.TaskGroup,
        vertex: bool,
    ) -> None:
        self.conversation = conversation
        self.heard_audio = False
        """Realtime audio has come in; with hold = "auto" replies last until they were played."""
        self._connection = connection
        self._setup = setup
        self._outlet = outlet
        self._faults = faults
        self._calls = calls
        self._shared = shared
        self._intake = intake
        self._tasks = tasks
        self._vertex = vertex
        self._turns = 0
        self._waiting: deque[Asked] = deque(maxlen=MAX_WAITING)
        self._task: asyncio.Task[None] | None = None
        self._now: Asked | None = None
        self._reply: ReplyInProgress | None = None

    @property
    def can_be_interrupted(self) -> bool:
        """The user's voice or text stops a reply."""
        return self._setup.realtime_input_config.activity_handling != "NO_INTERRUPTION"

    def remember(self, contents: list[Content]) -> None:
        """Add turns to the history that want no reply."""
        for content in contents:
            self.conversation.add(Turn("model" if content.role == "model" else "user", content.text))

    async def ask(self, text: str, sound: SpeechEnded | None = None, sight: Sight | None = None) -> None:
        """Take a turn of the user, and what was shown with it: it is in the history at once, and will be answered."""
        self._turns += 1
        picture = sight.name if sight else ""
        self.conversation.add(Turn("user", text, sound.voiced_s if sound else 0.0, picture=picture))
        self._record("speech" if sound else "text", turn=self._turns, text=text)
        self._waiting.append(Asked(self._turns, text, sound, sight))
        if self._task is None or self._task.done():
            self._task = self._tasks.create_task(self._answer_all())

    async def interrupt(self) -> None:
        """Stop the reply, if there is one that has not ended."""
        if self._task is None or (self._now is None and not self._waiting):
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        asked = self._now or self._waiting.popleft()  # the latter when it was cancelled before its first step
        self._waiting.clear()
        await self._faults.cancel_calls()
        self._record("interrupted", turn=asked.number)
        await self._outlet.send(say.interrupted())
        await self._complete(asked, interrupted=True)

    def stop(self) -> None:
        """Say nothing more; the connection is over."""
        if self._task is not None:
            self._task.cancel()

    def take_result(self, response: FunctionResponse) -> None:
        """Take the result of a tool call."""
        expected = self._calls.answer(response)
        result = {"id": response.id, "name": response.name, "response": response.response}
        self._shared.journal.record("tool_response", connection=self._connection, expected=expected, **result)

    async def offer_handle(self) -> None:
        """Issue a handle for the conversation as it is, if the setup asked for handles."""
        resumption, intake = self._setup.session_resumption, self._intake
        if resumption is None:
            return
        handle = self._shared.handles.issue(self.conversation.turns, asyncio.get_running_loop().time())
        self._shared.journal.record(
            "handle", connection=self._connection, handle=handle, samples=intake.samples
        )
        await self._outlet.send(
            say.resumption(handle, intake.last_message if resumption.transparent else None)
        )

    async def _answer_all(self) -> None:
        while self._waiting:
            self._now = self._waiting.popleft()
            await self._answer(self._now)

    async def _answer(self, asked: Asked) -> None:
        if self._setup.session_resumption is not None:
            await self._outlet.send(say.resumption())
        if asked.sound is not None and self._setup.input_audio_transcription is not None:
            await self._outlet.send(say.heard(asked.text))
        orders = self._shared.script.ask(self._moment(asked))
        for do in orders:
            await self._faults.inject(do)
        plan = await self._plan(asked, orders)
        self._reply = ReplyInProgress(plan, self._outlet, self._after_chunk)
        await self._reply.run()
        await self._complete(asked, interrupted=False)

    async def _complete(self, asked: Asked, *, interrupted: bool) -> None:
        """End the model's turn. From its first line on it cannot be interrupted any more."""
        reply, self._reply, self._now = self._reply, None, None
        turn = Turn("model", reply.said if reply else "", reply.audio_s if reply else 0.0, interrupted)
        usage = say.usage(
            self.conversation.tokens(), turn.tokens, spoken=self._setup.speaks, vertex=self._vertex
        )
        self.conversation.add(turn)
        self._record(
            "turn_complete",
            turn=asked.number,
            text=asked.text,
            reply=turn.text,
            audio_s=turn.audio_s,
            interrupted=interrupted,
        )
        await self._outlet.send(say.turn_complete(usage))
        await self.offer_handle()

    async def _plan(self, asked: Asked, orders: list[Do]) -> Plan:
        calls = [do.tool_call for do in orders if do.tool_call is not None]
        told = [await self._call(call) for call in calls]
        reply = next((do.reply for do in orders if do.reply is not None), Reply())
        usual = asked.text if asked.sound else answer_to(asked.text)
        usual += seen(asked.sight) if asked.sight and not asked.sound else ""
        text = reply.text if reply.text is not None else " ".join(told) or usual
        echo = asked.sound if reply.text is None and not told else None
        hold = self._shared.options.hold
        return Plan(
            text=text,
            pcm=await self._voice(text, reply, echo) if self._setup.speaks else None,
            transcribed=self._setup.output_audio_transcription is not None,
            held=self._setup.speaks and (hold == "always" or (hold == "auto" and self.heard_audio)),
            speed=self._shared.options.audio_speed if reply.speed is None else reply.speed,
            delay_s=reply.delay_s,
            at_once_s=reply.at_once_s,
            chunk_bytes=reply.chunk_bytes,
            wait_s=reply.wait_s,
        )

    async def _voice(self, text: str, reply: Reply, echo: SpeechEnded | None) -> bytes:
        if reply.wav is not None:
            return await asyncio.to_thread(read_recording, reply.wav)
        if reply.seconds is not None:
            return await asyncio.to_thread(tones.tone, reply.seconds)
        if echo is not None:
            return await asyncio.to_thread(resample, echo.pcm, echo.rate_hz, REPLY_RATE_HZ)
        return await self._shared.speech.say(text)

    async def _call(self, call: ToolCall) -> str:
        call_id = self._calls.open()
        self._shared.journal.record("tool_call", connection=self._connection, id=call_id, name=call.name)
        await self._outlet.send(say.tool_call(call_id, call.name, call.args))
        response = await self._calls.result(call_id)
        if response is None:
            return f"{call.name} was cancelled."
        return f"{call.name} answered: {msgspec.json.encode(response.response).decode()}"

    async def _after_chunk(self, chunks: int) -> None:
        if self._now is None:
            return
        for do in self._shared.script.ask(self._moment(self._now, chunks)):
            await self._faults.inject(do)

    def _moment(self, asked: Asked, chunks: int = 0) -> Now:
        return Now(
            moment=Moment.CHUNK if chunks else Moment.TURN,
            connection=self._connection,
            turn=asked.number,
            text=asked.text,
            chunks=chunks,
        )

    def _record(self, event: str, **details: object) -> None:
        """Record an event with the index of all texts and pictures the conversation holds by now."""
        index = {"texts": self.conversation.texts(), "pictures": self.conversation.pictures()}
        self._shared.journal.record(event, connection=self._connection, **details, **index)
