"""The caller's input streamers at a real hub: text exactly once, voice as a microphone's, one picture at a time."""

import asyncio
import contextlib

from fakes import Centre

from actors import BaseInputStreamer, wire
from actors.runtime.asyncloop import AsyncLoop
from actors.runtime.inbox import Counters
from actors.streamers.feeder import Feeder


class Source(BaseInputStreamer):
    async def stream_input(self):
        pass


class Scene:
    def __init__(self, loop, short_dir):
        self.loop, self.address = loop, f"ipc://{short_dir}/med.ipc"
        self.counters = Counters()
        self.feeder = Feeder(loop, "feeder", [Source()], self.counters)
        self.queue = self.feeder.queues[0][1]
        self.centre = self.hub()

    def hub(self, boot=0):
        made = Centre(self.loop, self.address)
        made.hub.boot_id += boot
        return made

    def tell(self, message):
        self.centre.hub.broadcast(message)

    async def put(self, *items):
        for item in items:
            await self.queue.put(item)

    async def until(self, condition):
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - sockets have no event to wait for
                await asyncio.sleep(0.002)

    async def got(self, kind, count):
        await self.until(lambda: len(self.centre.of(kind)) >= count)
        return self.centre.of(kind)


class Loop(AsyncLoop):
    def __init__(self):
        super().__init__(asyncio.get_running_loop())
        self.to_close = []


def on_stage(scenario, short_dir):
    async def run():
        scene = Scene(Loop(), short_dir)
        scene.feeder.connect(scene.address)
        draining = asyncio.create_task(scene.feeder.drain(*scene.feeder.queues[0]))
        try:
            await scene.until(lambda: scene.centre.route_of("feeder"))
            return await scenario(scene)
        finally:
            draining.cancel()
            scene.feeder.close()
            with contextlib.suppress(Exception):
                scene.centre.hub.close()

    return asyncio.run(run())


def audio(pcm, rate_hz=16_000):
    return {"audio": {"data": pcm, "mime_type": f"audio/pcm;rate={rate_hz}"}}


def test_text_is_numbered_and_sent_as_lines_that_are_on_the_users_screen(short_dir):
    async def scenario(scene):
        await scene.put({"text": "one"}, {"text": "two"})
        return await scene.got(wire.TextLine, 2)

    assert on_stage(scenario, short_dir) == [
        wire.TextLine(wire.LineId("feeder", 1), "one"),
        wire.TextLine(wire.LineId("feeder", 2), "two"),
    ]


def test_a_new_session_gets_again_what_no_context_holds(short_dir):
    async def scenario(scene):
        await scene.put({"text": "kept"}, {"text": "lost"})
        await scene.got(wire.TextLine, 2)
        scene.tell(wire.LineKept(wire.LineId("feeder", 1)))
        await scene.until(lambda: 1 not in scene.feeder._texts)
        scene.centre.hub.close()
        scene.centre = scene.hub(boot=1)
        return await scene.got(wire.TextLine, 1)

    assert [line.text for line in on_stage(scenario, short_dir)] == ["lost"]


def test_it_is_idle_when_every_text_was_answered(short_dir):
    async def scenario(scene):
        await scene.put({"text": "one"})
        await scene.got(wire.TextLine, 1)
        line = wire.LineId("feeder", 1)
        before = scene.feeder.is_idle
        scene.tell(wire.LineKept(line))
        await scene.until(lambda: scene.feeder._kept)
        kept = scene.feeder.is_idle
        scene.tell(wire.LineAnswered(line))
        await scene.until(lambda: scene.feeder.is_idle)
        return before, kept

    assert on_stage(scenario, short_dir) == (False, False)


def test_a_refused_text_is_logged_and_not_waited_for(short_dir, caplog):
    async def scenario(scene):
        await scene.put({"text": "one"})
        await scene.got(wire.TextLine, 1)
        scene.tell(wire.LineRefused(wire.LineId("feeder", 1), "too many"))
        await scene.until(lambda: scene.feeder.is_idle)

    on_stage(scenario, short_dir)
    assert "too many" in caplog.text


def test_voice_of_any_rate_comes_in_frames_of_20_ms_at_16_khz(short_dir):
    async def scenario(scene):
        await scene.put(audio(bytes(3_200)), audio(bytes(24_000), 24_000))
        scene.tell(wire.Replay(1, 0))
        return await scene.got(wire.MicChunk, 5 + 20)

    chunks = on_stage(scenario, short_dir)
    assert {len(chunk.pcm_16k) for chunk in chunks} == {640}
    assert all(chunk.captured_ns for chunk in chunks)


def test_the_user_may_cut_the_reply_short(short_dir):
    async def scenario(scene):
        await scene.put({"interrupt": True})
        return await scene.got(wire.Interrupt, 1)

    assert on_stage(scenario, short_dir) == [wire.Interrupt()]


def test_an_item_that_cannot_be_sent_is_logged_once_and_the_next_is_sent(short_dir, caplog):
    async def scenario(scene):
        await scene.put({"sound": 1}, {"sound": 1}, {"text": "one"})
        await scene.got(wire.TextLine, 1)
        return scene.counters.dropped

    assert on_stage(scenario, short_dir) == {"bad_item": 2}
    assert caplog.text.count("'sound' cannot be") == 1


def test_of_pictures_the_newest_is_sent_when_the_session_has_taken_the_one_before(short_dir):
    async def scenario(scene):
        await scene.put(*({"video": {"data": bytes([n]), "mime_type": "image/jpeg"}} for n in range(4)))
        await scene.until(lambda: scene.queue.empty() and scene.counters.dropped.get("video_late") == 2)
        await scene.got(wire.VideoFrame, 1)
        scene.tell(wire.VideoTaken(64_000))
        return await scene.got(wire.VideoFrame, 2)

    assert [frame.jpeg for frame in on_stage(scenario, short_dir)] == [b"\0", b"\3"]
