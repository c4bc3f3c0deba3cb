"""Whatever a server sends, the real SDK and ours make events of it that can be passed on, or leave it out."""

import asyncio
import contextlib
import json
import random
import secrets

import msgspec
import pytest

from actors import wire
from actors.model import events, google
from actors.model.parrot.options import ParrotOptions
from actors.model.parrot.script import Do, Raw
from actors.model.parrot.server import Parrot
from actors.model.reconnect import ConnectionEndedError
from actors.settings import ModelTable

AUDIO = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "AAAA"}}
MESSAGES = [
    {"serverContent": {"modelTurn": {"parts": [AUDIO, {"text": "hm", "thought": True}]}}},
    {"serverContent": {"inputTranscription": {"text": "hello"}, "outputTranscription": {"text": "hi"}}},
    {"serverContent": {"interrupted": True}},
    {
        "serverContent": {"generationComplete": True, "turnComplete": True},
        "usageMetadata": {"totalTokenCount": 7},
    },
    {"toolCall": {"functionCalls": [{"id": "1", "name": "add", "args": {"a": 1}}]}},
    {"toolCallCancellation": {"ids": ["1"]}},
    {"goAway": {"timeLeft": "50s"}},
    {"sessionResumptionUpdate": {"newHandle": "h", "resumable": True, "lastConsumedClientMessageIndex": "3"}},
    {"setupComplete": {}},
]
STRANGE = [
    None, True, -1, 2**70, 1e300, "", "x" * 100_000, "\ud800", "\0", "-5s", "nan", "infs", [], {}, [[]], {"a": None},
    "audio/pcm;rate=0", "audio/pcm;rate=99999999999999999999", "AAA", "=", {"parts": [{}]}, {"text": 5},
]  # fmt: skip
END = "the end of it"


def mutated(chance, value):
    """The same message with something in it that does not belong there."""
    if not isinstance(value, dict | list) or not value or chance.random() < 0.2:
        return chance.choice(STRANGE)
    if isinstance(value, list):
        at = chance.randrange(len(value))
        return [mutated(chance, inner) if at == here else inner for here, inner in enumerate(value)]
    key = chance.choice(list(value))
    changed = {**value, key: mutated(chance, value[key])}
    return changed | {"unknown": 1} if chance.random() < 0.1 else changed


def broken(chance):
    """The bytes of a message, or of what is none."""
    frame = json.dumps(mutated(chance, chance.choice(MESSAGES))).encode()
    match chance.randrange(8):
        case 0:
            return frame[: chance.randrange(len(frame) + 1)]
        case 1:
            at = chance.randrange(len(frame))
            return frame[:at] + bytes([chance.randrange(256)]) + frame[at + 1 :]
        case 2:
            return chance.choice(
                [b"", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"error": {"code": 3}}', b"[" * 5000]
            )
        case _:
            return frame


def passable(event):
    """Every event becomes something that crosses a process, or a plain value."""
    match event:
        case events.Said(text=text) | events.Understood(text=text):
            body = wire.OutputText(text)
        case events.HandleIssued(handle=handle):
            body = wire.SetState(1, "resumption", wire.Resumption(handle))
        case events.GoingAway(time_left_s=left_s):
            return left_s >= 0
        case _:
            return True
    frame = wire.encode(wire.Envelope(wire.VERSION, "session", 1, 1, 0, 0, body))
    return wire.decode(frame).body == body


@contextlib.asynccontextmanager
async def connected(monkeypatch, tmp_path):
    key = secrets.token_urlsafe(16)
    monkeypatch.setenv("A_KEY", key)
    async with Parrot(ParrotOptions(voice="tones"), key=key) as parrot:
        table = ModelTable(
            provider="gemini", api_key_env="A_KEY", base_url=parrot.base_url, ca_file=str(parrot.ca_file)
        )
        async with google.connect(table, tmp_path, "") as live:
            yield parrot, live


async def events_of_frames(monkeypatch, tmp_path, frames):
    end = json.dumps({"serverContent": {"outputTranscription": {"text": END}}}).encode()
    found = []
    async with connected(monkeypatch, tmp_path) as (parrot, live), asyncio.timeout(60):
        for frame in [*frames, end]:
            await parrot.inject(Do(raw=Raw(base64=frame)))
        async with contextlib.aclosing(live.events()) as received:
            async for event in received:
                found.append(event)
                if event == events.Said(END):
                    return found
    raise AssertionError("the connection ended")


@pytest.mark.parametrize("seed", range(8))
def test_broken_and_unknown_messages_neither_end_the_connection_nor_make_events_that_cannot_be_passed_on(
    monkeypatch, tmp_path, seed
):
    chance = random.Random(seed)
    healthy = json.dumps(
        {"serverContent": {}}
    ).encode()  # between them: 20 broken ones in a row mean something else
    frames = [frame for _ in range(40) for frame in (broken(chance) or b" ", healthy)]
    found = asyncio.run(events_of_frames(monkeypatch, tmp_path, frames))
    assert all(passable(event) for event in found)


def test_a_server_that_sends_nothing_but_broken_messages_is_left_for_a_reason(monkeypatch, tmp_path):
    with pytest.raises(ConnectionEndedError, match="nothing but broken messages"):
        asyncio.run(events_of_frames(monkeypatch, tmp_path, [b"{"] * 30))


def test_texts_are_cut_and_mended_and_handles_that_cannot_be_kept_are_none():
    assert events.plain("a\ud800b" + "x" * 100_000) == "a?b" + "x" * (events.MAX_TEXT_CHARS - 3)
    assert [events.is_handle(text) for text in (None, "", "h", "\ud800", "x" * 8193)] == [
        False,
        False,
        True,
        False,
        False,
    ]
    assert msgspec.msgpack.encode(events.plain("\udfff")) == b"\xa1?"
