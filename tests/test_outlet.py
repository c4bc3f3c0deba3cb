"""One output streamer of the caller's: slow, raising or hanging, it hurts nobody else; and how long its audio sounds."""

import asyncio

import pytest

from actors import BaseOutputStreamer
from actors.runtime.inbox import Counters
from actors.streamers.outlet import Outlet, Piece
from actors.streamers.pace import Pace
from actors.streamers.sounding import Sounding

SECOND = b"\1\0" * 24_000


class Keeps(BaseOutputStreamer):
    def __init__(self, fails=False):
        self.got, self.fails = [], fails
        self.gate = asyncio.Event()
        self.gate.set()

    async def handle(self, data):
        await self.gate.wait()
        self.got.append(data)
        if self.fails:
            raise RuntimeError("broken streamer")


def audio(epoch=1, pcm=SECOND):
    return Piece({"audio": pcm}, epoch)


def text(words, epoch=1):
    return Piece({"output_text": words}, epoch)


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the loop's own rounds are what is waited for
            await asyncio.sleep(0)


def served(scenario, **options):
    async def run():
        counters = Counters()
        streamer = Keeps(options.pop("fails", False))
        outlet = Outlet(streamer, counters, **options)
        serving = asyncio.create_task(outlet.serve())
        try:
            return await scenario(outlet, streamer, counters)
        finally:
            serving.cancel()

    return asyncio.run(run())


def test_pieces_are_handed_over_in_order():
    async def scenario(outlet, streamer, _):
        for piece in (text("a"), audio(), text("b")):
            outlet.add(piece)
        await until(lambda: outlet.is_idle)
        return [next(iter(data)) for data in streamer.got]

    assert served(scenario) == ["output_text", "audio", "output_text"]


def test_a_failing_streamer_goes_on_and_is_logged_once(caplog):
    async def scenario(outlet, streamer, counters):
        for _ in range(3):
            outlet.add(text("a"))
        await until(lambda: outlet.is_idle)
        return len(streamer.got), counters.dropped

    assert served(scenario, fails=True) == (3, {"streamer_failed": 3})
    assert len([record for record in caplog.records if "Keeps.handle failed" in record.message]) == 1


def test_a_slow_streamer_loses_the_oldest_audio_and_then_the_oldest_text():
    async def scenario(outlet, streamer, counters):
        streamer.gate.clear()
        outlet.add(text("being handled"))
        await until(lambda: not outlet._waiting)
        for piece in (text("a"), audio(), audio(), text("b"), text("c"), text("d")):
            outlet.add(piece)
        streamer.gate.set()
        await until(lambda: outlet.is_idle)
        return [data.get("output_text") for data in streamer.got], counters.dropped

    assert served(scenario, limit=3) == (["being handled", "b", "c", "d"], {"streamer_slow": 3})


def test_after_a_cut_the_audio_of_older_replies_is_not_given_any_more():
    async def scenario(outlet, streamer, _):
        streamer.gate.clear()
        outlet.add(text("being handled"))
        await until(lambda: not outlet._waiting)
        for piece in (audio(1), text("said", 1), audio(2)):
            outlet.add(piece)
        outlet.cut(2, now_s=0.0)
        streamer.gate.set()
        await until(lambda: outlet.is_idle)
        return [next(iter(data)) for data in streamer.got]

    assert served(scenario) == ["output_text", "output_text", "audio"]


def test_a_reply_is_done_when_it_was_handled_and_has_sounded():
    async def scenario(outlet, _, __):
        outlet.add(audio())
        before = outlet.is_done(1, now_s=float("inf"))
        await until(lambda: outlet.is_idle)
        return (
            before,
            outlet.is_done(1, outlet.sounding.until_s - 0.01),
            outlet.is_done(1, outlet.sounding.until_s),
        )

    assert served(scenario) == (False, False, True)


def test_nobody_waits_for_audio_that_nobody_hears():
    async def scenario(outlet, streamer, _):
        type(streamer).is_heard = False
        try:
            outlet.add(audio())
            await until(lambda: outlet.is_idle)
            return outlet.is_done(1, now_s=0.0)
        finally:
            type(streamer).is_heard = True

    assert served(scenario) is True


def test_pieces_sound_one_after_the_other_from_when_they_were_given():
    sounding = Sounding()
    sounding.give(2.0, now_s=10.0)
    sounding.give(1.0, now_s=10.5)
    assert (sounding.until_s, sounding.played_s(11.0)) == (13.0, 1.0)
    sounding.give(1.0, now_s=20.0)
    assert (sounding.until_s, sounding.played_s(20.5), sounding.played_s(99)) == (21.0, 3.5, 4.0)
    sounding.stop(20.5)
    assert (sounding.until_s, sounding.played_s(20.5)) == (20.5, 0.0)


def test_voice_in_real_time_never_waits_and_a_flood_is_slowed_to_four_times_real_time():
    pace = Pace()
    assert [pace.wait_s(0.02, number * 0.02) for number in range(500)] == [0.0] * 500

    pace, now_s = Pace(), 0.0
    for _ in range(500):  # 10 s of voice
        now_s += pace.wait_s(0.02, now_s)
    assert now_s == pytest.approx((10 - 1) / 4, abs=0.02)
