"""The user's voice on its way to the model: fresh, in order, and with its pauses."""

import pytest

from actors.model.voice import MAX_AGE_S, MAX_CHUNKS, PAUSE_S, Voice
from actors.runtime.inbox import Counters
from actors.wire import MicChunk

NS = 1_000_000_000
NOW_NS = 1000 * NS


def chunk(number=0, age_s=0.0):
    return MicChunk(bytes([number % 256, 0]) * 320, NOW_NS - int(age_s * NS))


@pytest.fixture
def counters():
    return Counters()


@pytest.fixture
def voice(counters):
    return Voice(counters)


def test_chunks_leave_in_the_order_in_which_they_came(voice):
    chunks = [chunk(number) for number in range(5)]
    for each in chunks:
        voice.add(each)
    assert [voice.take(NOW_NS) for _ in chunks] == chunks
    assert len(voice) == 0


def test_what_is_too_old_is_dropped_and_counted_because_a_late_burst_is_taken_for_fast_speech(
    voice, counters
):
    old, fresh = chunk(1, MAX_AGE_S + 0.01), chunk(2, MAX_AGE_S - 0.01)
    voice.add(old)
    voice.add(fresh)
    assert voice.take(NOW_NS) == fresh
    assert counters.dropped == {"voice_stale": 1}


def test_with_nothing_but_old_chunks_there_is_nothing_to_take(voice, counters):
    for _ in range(3):
        voice.add(chunk(age_s=1))
    with pytest.raises(IndexError):
        voice.take(NOW_NS)
    assert (len(voice), counters.dropped) == (0, {"voice_stale": 3})


def test_the_queue_is_bounded_and_the_oldest_gives_way(voice, counters):
    for number in range(MAX_CHUNKS + 3):
        voice.add(chunk(number))
    assert len(voice) == MAX_CHUNKS
    assert voice.take(NOW_NS) == chunk(3)
    assert counters.dropped == {"voice_full": 3}


def test_a_pause_comes_after_what_was_said_and_only_once(voice):
    voice.add(chunk())
    voice.paused()
    voice.paused()
    assert [voice.take(NOW_NS), voice.take(NOW_NS), len(voice)] == [chunk(), None, 0]


def test_a_pause_is_told_however_old_what_was_said_before_it_is(voice):
    voice.add(chunk(age_s=5))
    voice.paused()
    assert voice.take(NOW_NS) is None


def test_a_pause_of_a_stream_that_never_began_is_none(voice):
    voice.paused()
    assert len(voice) == 0


def test_a_microphone_that_ends_without_a_word_is_a_pause_after_a_while_and_once(voice):
    voice.add(chunk())
    assert [voice.take(NOW_NS), voice.watch(NOW_NS + int(PAUSE_S * NS)), len(voice)] == [chunk(), False, 0]
    late_ns = NOW_NS + int((PAUSE_S + 0.1) * NS)
    assert [voice.watch(late_ns), voice.watch(late_ns)] == [True, False]
    assert voice.take(late_ns) is None


def test_after_a_pause_the_next_chunk_begins_a_stream_that_can_pause_again(voice):
    for _ in range(2):
        voice.add(chunk())
        voice.paused()
    assert [voice.take(NOW_NS) for _ in range(4)] == [chunk(), None, chunk(), None]


def test_what_is_forgotten_is_counted_under_its_reason(voice, counters):
    voice.clear("muted")
    voice.add(chunk())
    voice.add(chunk())
    voice.clear("muted")
    assert (len(voice), counters.dropped) == (0, {"muted": 2})
