"""What may be put on an input queue, and what is said about anything else."""

import asyncio

import pytest

from actors.runtime.inbox import Counters
from actors.streamers import items
from actors.streamers.input_queue import InputQueue
from actors.streamers.items import Said, Seen, Silence, Stop, Voice, read


@pytest.mark.parametrize(
    ("item", "content"),
    [
        ({"text": "hello"}, Said("hello")),
        ({"audio": {"data": b"ab", "mime_type": "audio/pcm;rate=24000"}}, Voice(b"ab", 24_000)),
        ({"audio": {"data": b"ab", "mime_type": "audio/pcm; rate=8000"}}, Voice(b"ab", 8_000)),
        ({"audio": {"data": b"ab", "mime_type": "audio/pcm"}}, Voice(b"ab", 16_000)),
        ({"audio": {"data": b"ab"}}, Voice(b"ab", 16_000)),
        ({"video": {"data": b"jpeg", "mime_type": "image/jpeg"}}, Seen(b"jpeg")),
        ({"audio_stream_end": True}, Silence()),
        ({"interrupt": True}, Stop()),
    ],
)
def test_the_items_of_the_sdk_are_understood(item, content):
    assert read(item) == content


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ("hello", "not str of length 5"),
        ({}, "a dictionary with nothing"),
        ({"text": "a", "audio": {}}, "audio, text"),
        ({"text": 5}, "'text' cannot be 5"),
        ({"text": "x" * 70_000}, "at most 65536 characters"),
        ({"audio": b"ab"}, "'audio' cannot be bytes of length 2"),
        ({"audio": {"data": b"abc"}}, "int16"),
        ({"audio": {"data": b"ab", "mime_type": "audio/mp3"}}, "audio/pcm;rate="),
        ({"audio": {"data": b"ab", "mime_type": "audio/pcm;rate=fast"}}, "rate"),
        ({"audio": {"data": b"ab", "mime_type": "audio/pcm;rate=1"}}, "rate"),
        ({"video": {"data": b"png", "mime_type": "image/png"}}, "must be image/jpeg, not 'image/png'"),
        ({"video": {"data": bytes(800_000)}}, "at most 768000 bytes"),
        ({"sound": b""}, "'sound' cannot be"),
    ],
)
def test_anything_else_is_refused_in_words(item, why):
    with pytest.raises(ValueError, match=why):
        read(item)


def test_a_refusal_never_quotes_what_was_said():
    with pytest.raises(ValueError, match="str of length") as caught:
        items.read({"secret": "my diary"})
    assert "diary" not in str(caught.value)


def test_when_the_queue_is_full_the_oldest_voice_gives_way_and_text_never():
    async def scenario():
        counters = Counters()
        queue = InputQueue(counters, limit=3)
        for item in ({"text": "a"}, {"audio": 1}, {"video": 2}, {"text": "b"}, {"text": "c"}):
            queue.put_nowait(item)
        left = [queue.get_nowait() for _ in range(queue.qsize())]
        return left, counters.dropped

    assert asyncio.run(scenario()) == ([{"text": "a"}, {"text": "b"}, {"text": "c"}], {"input_full": 2})


def test_a_queue_full_of_text_makes_the_sender_wait():
    async def scenario():
        queue = InputQueue(Counters(), limit=1)
        await queue.put({"text": "a"})
        with pytest.raises(asyncio.QueueFull):
            queue.put_nowait({"text": "b"})
        waiting = asyncio.create_task(queue.put({"text": "b"}))
        await asyncio.sleep(0)
        is_waiting = not waiting.done()
        first = await queue.get()
        await waiting
        return is_waiting, first, await queue.get()

    assert asyncio.run(scenario()) == (True, {"text": "a"}, {"text": "b"})
