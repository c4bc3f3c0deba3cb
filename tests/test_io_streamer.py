"""`GoogleIOStreamer` in one process: what the original did with a session's messages, observed by running it, and what it did not."""

import asyncio
import logging

import pytest
from google.genai import types

from actors import BaseInputStreamer, BaseOutputStreamer, GoogleIOStreamer, StreamersFailedError

DELAY_S = 0.05
RATE = "audio/pcm;rate=24000"
PCM = b"\1\0" * 240
SECOND = b"\1\0" * 24_000


def content(**fields):
    return types.LiveServerMessage(server_content=types.LiveServerContent(**fields))


def audio(pcm=PCM):
    part = types.Part(inline_data=types.Blob(data=pcm, mime_type=RATE))
    return content(model_turn=types.Content(parts=[part]))


SAID = content(output_transcription=types.Transcription(text="said"))
HEARD = content(input_transcription=types.Transcription(text="heard"))
GENERATED = content(generation_complete=True)
OVER = content(turn_complete=True)
CUT = content(interrupted=True)


class Session:
    """The shape of the SDK's session: `receive` ends with the model's turn."""

    def __init__(self, *turns, fails=None):
        self.turns, self.fails = list(turns), fails
        self.sent = []
        self.was_asked = asyncio.Event()

    async def send_realtime_input(self, **item):
        self.sent.append(item)
        self.was_asked.set()

    async def receive(self):
        await self.was_asked.wait()
        if self.fails is not None:
            raise self.fails
        if not self.turns:
            await asyncio.Event().wait()
        for message in self.turns.pop(0):
            yield message


class Says(BaseInputStreamer):
    def __init__(self, *items, lasts=True):
        self.items, self.lasts, self.calls = items, lasts, []

    async def stream_input(self):
        for item in self.items:
            await self.input_queue.put(item)
        while self.lasts and not await self.state.get_terminated():  # noqa: ASYNC110 - as its users do
            await asyncio.sleep(0)

    async def close(self):
        self.calls.append("close")


class Hears(BaseOutputStreamer):
    """Ends the conversation when it is given `last`, and the reply was heard."""

    def __init__(self, last="text_complete"):
        self.last, self.got, self.states, self.calls = last, [], [], []
        self.gate = asyncio.Event()
        self.gate.set()

    async def handle(self, data):
        await self.gate.wait()
        self.got.append(data)
        self.states.append(await self.state.get_streaming_output())
        if self.last in data:
            asyncio.get_running_loop().create_task(self._end())

    async def _end(self):
        while await self.state.get_streaming_output():  # noqa: ASYNC110 - as its users do
            await asyncio.sleep(0)
        await self.state.set_terminated(True)

    async def close(self):
        self.calls.append("close")


def run(session_turns, inputs=None, outputs=None, **options):
    """Run a conversation; returns (session, streamer, outputs)."""

    async def scenario():
        session = Session(*session_turns, **options)
        ins = inputs or [Says({"text": "hi"})]
        outs = outputs or [Hears()]
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            made = GoogleIOStreamer(
                session,
                tasks,
                asyncio.Queue(),
                asyncio.Queue(),
                ins,
                outs,
                DELAY_S,
                logging.getLogger("test"),
            )
            await made.start()
        return session, made, outs

    return asyncio.run(scenario())


def test_items_go_to_the_session_as_they_are_and_its_messages_to_every_streamer_in_order():
    outputs = [Hears(), Hears(last="never")]
    session, _, _ = run([[HEARD, SAID, audio(), GENERATED, OVER]], outputs=outputs)

    assert session.sent == [{"text": "hi"}]
    expected = [{"input_text": "heard"}, {"output_text": "said"}, {"audio": PCM}, {"text_complete": True}]
    assert [output.got for output in outputs] == [expected, expected]


def test_it_counts_as_streaming_from_the_first_audio_until_a_delay_after_it_was_heard():
    _, made, (output,) = run([[SAID, audio(), GENERATED, OVER]])

    by_kind = {next(iter(data)): state for data, state in zip(output.got, output.states, strict=True)}
    assert by_kind["audio"] is True
    assert made.state.is_streaming_output is False


def test_a_turn_without_a_word_of_being_complete_is_complete_when_it_is_over():
    _, _, (output,) = run([[SAID, OVER]])

    assert output.got[-1] == {"text_complete": True}


def test_an_interruption_takes_back_the_audio_that_was_not_handled():
    output = Hears(last="interrupted")
    output.gate.clear()

    turns = [[SAID, audio(SECOND), audio(SECOND), CUT, OVER]]
    source = Says({"text": "hi"})

    async def scenario():
        session = Session(*turns)
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            made = GoogleIOStreamer(
                session,
                tasks,
                asyncio.Queue(),
                asyncio.Queue(),
                [source],
                [output],
                DELAY_S,
                logging.getLogger("t"),
            )
            starting = tasks.create_task(made.start())
            while session.turns or not made._is_whole:  # noqa: ASYNC110 - until the session has said it all
                await asyncio.sleep(0)
            for _ in range(10):
                await asyncio.sleep(0)
            output.gate.set()
            await starting

    asyncio.run(scenario())
    assert output.got == [{"output_text": "said"}, {"interrupted": True}]


def test_a_reply_that_the_user_cuts_is_not_heard_any_more_and_the_next_one_is():
    class Cuts(Hears):
        """Cuts the reply at its first audio, and lets the model go on when that is done."""

        async def handle(self, data):
            await super().handle(data)
            if "audio" in data and not cut.is_set():
                await source.input_queue.put({"interrupt": True})
            if "interrupted" in data:
                cut.set()

    class Waits(Session):
        async def receive(self):
            async for message in super().receive():
                yield message
                if message is first:
                    await cut.wait()

    first, cut = audio(), asyncio.Event()
    source, output = Says({"text": "hi"}), Cuts(last="input_text")
    turns = [[SAID, first, SAID, audio(), OVER], [SAID, HEARD]]

    async def converse():
        session = Waits(*turns)
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            queues = asyncio.Queue(), asyncio.Queue()
            log = logging.getLogger("test")
            await GoogleIOStreamer(session, tasks, *queues, [source], [output], DELAY_S, log).start()

    asyncio.run(converse())
    assert [next(iter(data)) for data in output.got] == [
        "output_text",
        "audio",
        "interrupted",
        "output_text",
        "input_text",
    ]


def test_every_streamer_is_closed_and_no_task_is_left():
    source, output = Says({"text": "hi"}), Hears()
    run([[SAID, GENERATED, OVER]], inputs=[source], outputs=[output])  # the task group would wait for ever

    assert (source.calls, output.calls) == (["close"], ["close"])


def test_a_failing_output_streamer_takes_nothing_from_the_others(caplog):
    class Fails(Hears):
        async def handle(self, data):
            raise RuntimeError("broken")

    output = Hears()
    run([[SAID, audio(), GENERATED, OVER]], outputs=[Fails(), output])

    assert output.got[-1] == {"text_complete": True}
    assert len([record for record in caplog.records if "Fails.handle failed" in record.message]) == 1


def test_when_every_source_is_exhausted_it_ends_after_the_last_reply():
    output = Hears(last="never")
    run([[SAID, audio(), GENERATED, OVER]], inputs=[Says({"text": "hi"}, lasts=False)], outputs=[output])

    assert output.got[-1] == {"text_complete": True}


def test_when_every_source_fails_so_does_the_conversation():
    class Fails(Says):
        async def stream_input(self):
            raise RuntimeError("broken source")

    with pytest.raises(ExceptionGroup) as caught:
        run([], inputs=[Fails()])
    assert caught.group_contains(StreamersFailedError, match="broken source")


def test_a_lost_connection_is_the_task_groups_error_and_closes_the_streamers():
    source = Says({"text": "hi"})
    with pytest.raises(ExceptionGroup) as caught:
        run([], inputs=[source], fails=ConnectionError("lost"))

    assert caught.group_contains(ConnectionError, match="lost")
    assert source.calls == ["close"]
