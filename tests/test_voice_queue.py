"""The user's voice on its way to the model: fresh, in order, and with its pauses."""

import pytest

from actors.model.voice import MAX_AGE_S, MAX_WAITING_S, PAUSE_S, Voice, end_ns, in_slices
from actors.runtime.inbox import Counters
from actors.runtime.latency import SLICE_NS
from actors.wire import MicChunk

NS = 1_000_000_000
NOW_NS = 1000 * NS


def chunk(number=0, age_s=0.0, replay=1):
    return MicChunk(bytes([number % 256, 0]) * 320, NOW_NS - int(age_s * NS), replay)


@pytest.fixture
def counters():
    return Counters()


@pytest.fixture
def voice(counters):
    voice = Voice(counters)
    voice.ask(0)
    voice.add(chunk(), NOW_NS)
    voice.take(NOW_NS)  # it has caught up
    return voice


def test_chunks_leave_in_the_order_in_which_they_came(voice):
    chunks = [chunk(number) for number in range(5)]
    for each in chunks:
        voice.add(each, NOW_NS)
    assert [voice.take(NOW_NS) for _ in chunks] == chunks
    assert len(voice) == 0


def test_what_is_too_old_is_dropped_and_counted_because_a_late_burst_is_taken_for_fast_speech(
    voice, counters
):
    old, fresh = chunk(1, MAX_AGE_S + 0.01), chunk(2, MAX_AGE_S - 0.01)
    voice.add(old, NOW_NS)
    voice.add(fresh, NOW_NS)
    assert voice.take(NOW_NS) == fresh
    assert counters.dropped == {"voice_stale": 1}


def test_with_nothing_but_old_chunks_there_is_nothing_to_take(voice, counters):
    for _ in range(3):
        voice.add(chunk(age_s=1), NOW_NS)
    with pytest.raises(IndexError):
        voice.take(NOW_NS)
    assert (len(voice), counters.dropped) == (0, {"voice_stale": 3})


def test_the_queue_holds_as_much_as_the_microphones_do_and_the_oldest_gives_way(voice, counters):
    most = int(MAX_WAITING_S * 50)
    for number in range(most + 3):
        voice.add(chunk(number), NOW_NS)
    assert (len(voice), voice.queue_ms) == (most, 30_000)
    assert voice.take(NOW_NS) == chunk(3)
    assert counters.dropped == {"voice_full": 3}


def test_a_pause_comes_after_what_was_said_and_only_once(voice):
    voice.add(chunk(), NOW_NS)
    voice.paused()
    voice.paused()
    assert [voice.take(NOW_NS), voice.take(NOW_NS), len(voice)] == [chunk(), None, 0]


def test_a_pause_is_told_however_old_what_was_said_before_it_is(voice):
    voice.add(chunk(age_s=5), NOW_NS)
    voice.paused()
    assert voice.take(NOW_NS) is None


def test_a_pause_of_a_stream_that_never_began_is_none(counters):
    voice = Voice(counters)
    voice.ask(0)
    voice.paused()
    assert len(voice) == 0


def test_a_microphone_that_ends_without_a_word_is_a_pause_after_a_while_and_once(voice):
    voice.add(chunk(), NOW_NS)
    assert [voice.take(NOW_NS), voice.watch(NOW_NS + int(PAUSE_S * NS)), len(voice)] == [chunk(), False, 0]
    late_ns = NOW_NS + int((PAUSE_S + 0.1) * NS)
    assert [voice.watch(late_ns), voice.watch(late_ns)] == [True, False]
    assert voice.take(late_ns) is None


def test_after_a_pause_the_next_chunk_begins_a_stream_that_can_pause_again(voice):
    for _ in range(2):
        voice.add(chunk(), NOW_NS)
        voice.paused()
    assert [voice.take(NOW_NS) for _ in range(4)] == [chunk(), None, chunk(), None]


def test_a_microphone_is_there_as_long_as_something_comes_however_old_it_is(voice):
    voice.ask(0)
    voice.add(chunk(age_s=20), NOW_NS)
    assert not voice.watch(NOW_NS + NS)


def test_a_replay_may_be_late_until_it_has_caught_up_and_not_after_that(voice, counters):
    voice.ask(0)
    ages_s = [20, 1, 0.1, 1, 0.1]
    for number, age_s in enumerate(ages_s):
        voice.add(chunk(number, age_s, replay=2), NOW_NS)
    assert [voice.take(NOW_NS).pcm_16k[0] for _ in range(4)] == [0, 1, 2, 4]
    assert (voice.is_live, counters.dropped) == (True, {"voice_stale": 1})


def test_a_replay_that_has_to_wait_just_before_it_has_caught_up_leaves_nothing_out(voice, counters):
    voice.ask(0)
    for number, age_s in enumerate([0.42, 0.38, 0.36]):
        voice.add(chunk(number, age_s, replay=2), NOW_NS)
    assert [voice.take(NOW_NS + int(wait_s * NS)).pcm_16k[0] for wait_s in (0, 0, 0.1)] == [0, 1, 2]
    assert counters.dropped == {}


def test_what_was_sent_for_an_earlier_connection_or_for_none_is_not_taken(voice, counters):
    voice.ask(0)
    voice.add(chunk(1, replay=1), NOW_NS)
    voice.add(chunk(2, replay=2), NOW_NS)
    voice.hang_up()
    voice.add(chunk(3, replay=2), NOW_NS)
    voice.add(chunk(4, replay=0), NOW_NS)
    assert (len(voice), counters.dropped) == (0, {"to_be_replayed": 3})


def test_numbers_are_never_used_again(voice):
    assert [voice.ask(0), voice.ask(0)] == [2, 3]
    voice.hang_up()
    assert voice.ask(0) == 4


def test_it_is_known_up_to_where_the_voice_has_come(voice):
    voice.ask(77)
    assert voice.newest_ns == 77
    voice.add(chunk(replay=2), NOW_NS)
    assert voice.newest_ns == NOW_NS + 20_000_000


def test_a_long_slice_is_as_old_as_its_newest_part(voice, counters):
    silence = MicChunk(bytes(3200), NOW_NS - int((MAX_AGE_S + 0.07) * NS), 1)
    voice.add(silence, NOW_NS)
    assert (voice.take(NOW_NS), counters.dropped) == (silence, {})


@pytest.mark.parametrize("n_bytes", [3200, 640, 700, 2])
def test_cut_into_short_slices_it_is_the_same_at_the_same_time(n_bytes):
    whole = MicChunk(bytes(n % 251 for n in range(n_bytes)), NOW_NS, 3)
    parts = list(in_slices(whole))
    assert b"".join(part.pcm_16k for part in parts) == whole.pcm_16k
    assert [part.captured_ns for part in parts] == [NOW_NS + n * SLICE_NS for n in range(len(parts))]
    assert {part.replay for part in parts} == {3}
    assert end_ns(parts[-1]) == end_ns(whole)
