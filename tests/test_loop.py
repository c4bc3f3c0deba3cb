"""The two bodies of the loop: the same promises, kept by epoll and by asyncio."""

import asyncio
import os
import threading

import pytest

from actors.runtime.asyncloop import AsyncLoop
from actors.runtime.loop import PollLoop


@pytest.fixture
def pipe():
    reader, writer = os.pipe2(os.O_NONBLOCK)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def run_polling(scenario):
    loop = PollLoop()
    scenario(loop)
    loop.call_later(20.0, lambda: pytest.fail("the loop was not stopped"))
    loop.run()
    loop.close()


def run_on_asyncio(scenario):
    async def run():
        loop = AsyncLoop(asyncio.get_running_loop())
        scenario(loop)
        await asyncio.wait_for(loop.stopped.wait(), 20.0)

    asyncio.run(run())


both = pytest.mark.parametrize("run", [run_polling, run_on_asyncio])


@both
def test_timers_come_in_the_order_of_their_time_and_never_early(run):
    came = []

    def scenario(loop):
        began = loop.now()
        loop.call_later(0.02, lambda: came.append(("late", loop.now() - began >= 0.02)))
        loop.call_later(0.0, lambda: came.append(("early", True)))
        loop.call_later(0.03, loop.stop)

    run(scenario)
    assert came == [("early", True), ("late", True)]


@both
def test_a_cancelled_timer_does_not_come(run):
    came = []

    def scenario(loop):
        loop.call_later(0.0, lambda: came.append("cancelled")).cancel()
        loop.call_later(0.01, loop.stop)

    run(scenario)
    assert came == []


@both
def test_a_descriptor_calls_for_as_long_as_it_can_be_read_and_is_watched(run, pipe):
    reader, writer = pipe
    read = []

    def scenario(loop):
        def readable():
            read.append(os.read(reader, 1))
            if len(read) == 2:
                loop.unwatch(reader)
                loop.call_later(0.01, loop.stop)

        loop.watch(reader, readable)
        os.write(writer, b"abc")

    run(scenario)
    assert read == [b"a", b"b"]


@both
def test_soon_means_in_order_and_not_now(run):
    came = []

    def scenario(loop):
        loop.call_soon(lambda: came.append("first"))
        loop.call_soon(lambda: (came.append("second"), loop.stop()))
        came.append("before")

    run(scenario)
    assert came == ["before", "first", "second"]


@both
def test_a_stop_before_the_loop_runs_is_not_forgotten(run):
    run(lambda loop: loop.stop())


@both
def test_unwatching_what_is_not_watched_is_harmless(run, pipe):
    def scenario(loop):
        loop.unwatch(pipe[0])
        loop.stop()

    run(scenario)


def test_what_is_called_soon_may_call_soon_without_starving_the_rest():
    loop = PollLoop()
    came = []

    def again():
        came.append("again")
        loop.call_soon(again)

    again()
    loop.call_later(0.0, lambda: came.append("timer"))
    for _ in range(3):
        loop.run_once(None)
    loop.close()
    assert came.index("timer") == 2


def test_a_round_waits_no_longer_than_for_the_first_timer():
    loop = PollLoop()
    came = []
    loop.call_later(9999.0, lambda: None)
    loop.call_later(9999.0, lambda: None).cancel()
    loop.call_later(0.01, lambda: came.append(1))
    while not came:
        loop.run_once(None)
    loop.close()


def test_a_round_without_anything_to_do_ends_after_the_time_given():
    loop = PollLoop()
    before = loop.now()
    loop.run_once(0.01)
    loop.close()
    assert loop.now() - before >= 0.009


def test_a_waiting_loop_is_woken_by_a_descriptor(pipe):
    reader, writer = pipe
    loop = PollLoop()
    loop.watch(reader, lambda: (os.read(reader, 1), loop.stop()))
    waker = threading.Thread(target=lambda: os.write(writer, b"x"))
    waker.start()
    loop.run()
    waker.join()
    loop.close()
