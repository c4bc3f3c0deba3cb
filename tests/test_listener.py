"""The caller's output streamers at a real hub: what they are given, and what the session is told was heard."""

import asyncio

import pytest
from fakes import Centre

from actors import BaseOutputStreamer, wire
from actors.runtime.asyncloop import AsyncLoop
from actors.runtime.inbox import Counters
from actors.streamers.listener import Listener

TENTH = b"\1\0" * 2_400


class Keeps(BaseOutputStreamer):
    def __init__(self):
        self.got = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def handle(self, data):
        await self.gate.wait()
        self.got.append(next(iter(data)))


class Scene:
    """A hub on asyncio, a listener with one streamer, and what passes between them."""

    def __init__(self, centre, listener, streamer, counters):
        self.centre, self.listener, self.streamer, self.counters = centre, listener, streamer, counters

    def send(self, *messages, epoch=1):
        for message in messages:
            self.centre.hub.broadcast(message, epoch)

    def heard(self):
        return [
            (received.envelope.epoch, received.envelope.body.is_done)
            for received in self.centre.got
            if isinstance(received.envelope.body, wire.Heard)
        ]

    async def until(self, condition):
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - sockets have no event to wait for
                await asyncio.sleep(0.002)


class Loop(AsyncLoop):
    def __init__(self):
        super().__init__(asyncio.get_running_loop())
        self.to_close = []


def on_stage(scenario, short_dir):
    async def run():
        loop, counters = Loop(), Counters()
        centre = Centre(loop, f"ipc://{short_dir}/med.ipc")
        streamer = Keeps()
        listener = Listener(loop, "listener", [streamer], counters)
        listener.connect(f"ipc://{short_dir}/med.ipc")
        serving = listener.outlets.serve()
        scene = Scene(centre, listener, streamer, counters)
        try:
            await scene.until(lambda: centre.route_of("listener"))
            return await scenario(scene)
        finally:
            for task in serving:
                task.cancel()
            listener.close()
            scene.centre.hub.close()

    return asyncio.run(run())


def test_it_joins_as_a_listener_and_gives_text_and_speech_in_order(short_dir):
    async def scenario(scene):
        scene.send(
            wire.InputText("a"),
            wire.OutputText("b"),
            wire.SpeechChunk(TENTH),
            wire.TextComplete(),
            wire.Flush(),
        )
        await scene.until(lambda: len(scene.streamer.got) == 5)
        kinds = [peer.kind for peer in scene.centre.hub.peers.values()]
        return kinds, scene.streamer.got

    kinds, got = on_stage(scenario, short_dir)
    assert kinds == ["listener"]
    assert got == ["input_text", "output_text", "audio", "text_complete", "interrupted"]


def test_a_reply_is_heard_when_it_is_complete_and_has_lasted_as_long_as_it_is(short_dir):
    async def scenario(scene):
        scene.send(wire.SpeechChunk(TENTH), wire.SpeechChunk(TENTH))
        await scene.until(lambda: len(scene.streamer.got) == 2)
        began = asyncio.get_running_loop().time()
        before = [heard for heard in scene.heard() if heard[1]]
        scene.send(wire.SpeechEnd())
        await scene.until(lambda: (1, True) in scene.heard())
        return before, asyncio.get_running_loop().time() - began

    before, lasted_s = on_stage(scenario, short_dir)
    assert before == []
    assert lasted_s > 0.1


def test_a_cut_reply_is_done_at_once_and_what_still_comes_of_it_is_dropped(short_dir):
    async def scenario(scene):
        scene.send(wire.SpeechChunk(TENTH * 50))
        await scene.until(lambda: scene.streamer.got)
        scene.send(wire.Flush(), wire.Flush(), epoch=2)
        await scene.until(lambda: (1, True) in scene.heard())
        scene.send(wire.SpeechChunk(TENTH), epoch=1)
        scene.send(wire.SpeechChunk(TENTH), epoch=3)
        await scene.until(lambda: scene.streamer.got.count("audio") == 2)
        return scene.streamer.got, scene.counters.dropped

    assert on_stage(scenario, short_dir) == (["audio", "interrupted", "audio"], {"stale": 1})


def test_a_cut_that_finds_nothing_more_to_cut_is_not_told(short_dir):
    async def scenario(scene):
        scene.send(wire.OutputText("a"))
        for epoch in (2, 3):
            scene.send(wire.Flush(), epoch=epoch)
        scene.send(wire.TextComplete(), epoch=3)
        await scene.until(lambda: "text_complete" in scene.streamer.got)
        return scene.streamer.got

    assert on_stage(scenario, short_dir) == ["output_text", "interrupted", "text_complete"]


def test_a_streamer_that_hangs_keeps_the_reply_from_being_heard_for_two_seconds_only(short_dir, monkeypatch):
    monkeypatch.setattr("actors.streamers.outlets.LATE_S", 0.2)

    async def scenario(scene):
        scene.streamer.gate.clear()
        scene.send(wire.SpeechChunk(TENTH), wire.SpeechEnd())
        await scene.until(lambda: (1, True) in scene.heard())
        return scene.streamer.got, scene.counters.dropped

    assert on_stage(scenario, short_dir) == ([], {"streamer_late": 1})


def test_a_new_session_hears_what_an_earlier_one_left_and_when_it_is_over(short_dir):
    async def scenario(scene):
        scene.send(wire.SpeechChunk(TENTH * 3))
        await scene.until(lambda: scene.streamer.got)
        scene.centre.hub.close()
        again = Centre(scene.listener._loop, f"ipc://{short_dir}/med.ipc")
        again.hub.boot_id += 1
        scene.centre = again
        await scene.until(lambda: (1, True) in scene.heard())
        return scene.heard()

    heard = on_stage(scenario, short_dir)
    assert heard[0] == (1, False)
    assert heard[-1] == (1, True)


@pytest.fixture(autouse=True)
def _quiet(caplog):
    caplog.set_level("ERROR")
