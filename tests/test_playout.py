"""The playout buffer: what goes in comes out, once, in order, and an edge never clicks."""

import math
from array import array
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.outputs.playout import RATE_HZ, Playout, Position, PreRoll

MS = RATE_HZ // 1000
QUIET = 100
LOUD = 20_000


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def playout(pre_roll_ms=0, **options):
    return Playout(pre_roll=PreRoll(pre_roll_ms), clock=options.pop("clock", Clock()), **options)


def pcm(ms, value=QUIET):
    return array("h", [value] * round(ms * MS)).tobytes()


def read(buffer, ms):
    return array("h", buffer.read(round(ms * MS)))


def test_a_reply_comes_out_unchanged_and_then_there_is_silence():
    buffer = playout()
    buffer.add(1, pcm(5, 1) + pcm(5, 2))
    buffer.end(1)
    assert read(buffer, 12).tobytes() == pcm(5, 1) + pcm(5, 2) + pcm(2, 0)
    assert (buffer.counts().played, buffer.counts().silent) == (10 * MS, 2 * MS)


def test_a_read_is_exact_even_if_nothing_was_ever_added():
    assert playout().read(7) == bytes(14)


def test_a_sample_cut_in_two_is_put_together_again():
    buffer = playout()
    whole = pcm(10, 0x1234 & 0xFF)
    for start, stop in pairwise([0, 1, 2, 5, 100, 333, len(whole)]):
        buffer.add(1, whole[start:stop])
    assert buffer.read(10 * MS) == whole


def test_half_a_sample_left_at_the_end_is_dropped_and_never_shifts_the_next_reply():
    buffer = playout()
    buffer.add(1, pcm(1, 5) + b"\x01")
    buffer.add(2, pcm(1, 7))
    assert buffer.read(2 * MS) == pcm(1, 5) + pcm(1, 7)
    assert buffer.counts().dropped == {"half": 1}


def test_audio_of_an_older_epoch_is_dropped_and_counted():
    buffer = playout()
    buffer.add(2, pcm(10))
    buffer.add(1, pcm(30))
    assert (buffer.queue_ms, buffer.counts().dropped) == (10, {"stale": 30 * MS})


def test_a_newer_reply_waits_until_the_older_one_was_played():
    buffer = playout()
    buffer.add(1, pcm(10, 1))
    buffer.add(2, pcm(10, 2))
    assert buffer.read(20 * MS) == pcm(10, 1) + pcm(10, 2)
    assert buffer.counts().underruns == 0


def test_a_flush_empties_the_queue_and_counts_what_it_dropped():
    buffer = playout()
    buffer.add(1, pcm(100))
    read(buffer, 10)
    assert buffer.flush(2) == 90 * MS
    assert (buffer.queue_ms, buffer.counts().dropped) == (0, {"flushed": 90 * MS})
    assert not any(read(buffer, 50))


def test_a_flush_that_was_overtaken_by_newer_audio_leaves_that_audio_alone():
    buffer = playout()
    buffer.add(1, pcm(100, 1))
    buffer.add(2, pcm(10, 2))
    buffer.flush(2)
    buffer.flush(2)
    assert buffer.read(10 * MS) == pcm(10, 2)


def test_audio_that_a_flush_overtook_is_stale_when_it_arrives():
    buffer = playout()
    buffer.flush(2)
    buffer.add(1, pcm(10, LOUD))
    assert not any(read(buffer, 20))
    assert buffer.counts().dropped == {"stale": 10 * MS}


def test_a_flush_while_sounding_fades_out_within_four_milliseconds():
    buffer = playout()
    buffer.add(1, pcm(100, LOUD))
    before = read(buffer, 20)[-1]
    buffer.flush(2)
    after = read(buffer, 20)
    steps = [abs(a - b) for a, b in pairwise([before, *after])]
    assert max(steps) <= LOUD / (4 * MS)
    assert not any(after[4 * MS :])


def test_a_flush_beside_an_aborted_device_is_silent_at_once():
    buffer = playout()
    buffer.add(1, pcm(100, LOUD))
    read(buffer, 20)
    buffer.flush(2, fade=False)
    assert not any(read(buffer, 20))
    assert buffer.is_idle


def test_an_underrun_is_counted_when_the_reply_goes_on_after_it_ran_dry():
    buffer = playout()
    buffer.add(1, pcm(10))
    read(buffer, 30)
    assert buffer.counts().underruns == 0
    buffer.add(1, pcm(10))
    buffer.end(1)
    read(buffer, 10)
    assert (buffer.counts().underruns, buffer.counts().gaps) == (1, 20 * MS)


def test_running_dry_at_the_end_of_a_reply_is_no_underrun_even_if_the_end_comes_late():
    buffer = playout()
    buffer.add(1, pcm(10))
    read(buffer, 30)
    buffer.end(1)
    read(buffer, 10)
    assert (buffer.counts().underruns, buffer.is_idle) == (0, True)


class Bell:
    """A clock that tells when it was looked at: a read does so first, under the lock."""

    def __init__(self):
        self.rang = Event()

    def __call__(self):
        self.rang.set()
        return 100.0


AGES_S = 1000.0


def read_meanwhile(buffer, bell, happens):
    """Read 20 ms in the thread of a device that can wait for minutes, while something happens."""
    bell.rang.clear()
    with ThreadPoolExecutor(1) as thread:
        reading = thread.submit(buffer.read, 20 * MS, 0.0, AGES_S)
        assert bell.rang.wait(10)
        happens()  # which takes the lock: not before the read waits
        return array("h", reading.result(10))


def test_a_read_that_would_run_dry_waits_for_what_comes_while_the_device_holds_enough():
    bell = Bell()
    buffer = playout(clock=bell)
    buffer.add(1, pcm(15, 1))
    buffer.read(10 * MS)
    heard = read_meanwhile(buffer, bell, lambda: buffer.add(1, pcm(15, 2)))
    assert heard.tobytes() == pcm(5, 1) + pcm(15, 2)
    assert (buffer.counts().underruns, buffer.counts().silent) == (0, 0)


@pytest.mark.parametrize(
    "happens", [lambda buffer: buffer.end(1), lambda buffer: buffer.flush(2), lambda buffer: buffer.end(2)]
)
def test_a_read_waits_no_longer_when_the_reply_is_over(happens):
    bell = Bell()
    buffer = playout(clock=bell)
    buffer.add(1, pcm(15))
    buffer.read(10 * MS)
    assert not any(read_meanwhile(buffer, bell, lambda: happens(buffer))[5 * MS :])


def test_a_read_waits_neither_for_a_reply_that_is_complete_nor_for_one_that_has_not_begun():
    buffer = playout(pre_roll_ms=40)
    buffer.add(1, pcm(10))
    buffer.end(1)
    buffer.add(2, pcm(10))
    assert buffer.read(20 * MS, 0.0, AGES_S) == pcm(10) + pcm(10, 0)


def test_a_read_that_waited_in_vain_is_silent_and_the_next_one_does_not_wait():
    buffer = playout()
    buffer.add(1, pcm(10))
    assert buffer.read(20 * MS, 0.0, 0.002) == pcm(10) + pcm(10, 0)
    assert not any(buffer.read(20 * MS, 0.0, AGES_S))


def test_both_edges_of_an_underrun_are_faded_and_the_audio_itself_is_untouched():
    buffer = playout()
    buffer.add(1, pcm(10, LOUD))
    out = read(buffer, 25)
    buffer.add(1, pcm(10, LOUD))
    buffer.end(1)
    out += read(buffer, 30)
    steps = [abs(a - b) for a, b in pairwise(out)]
    assert max(steps) <= LOUD / (4 * MS)
    assert list(out).count(LOUD) == 20 * MS


def test_a_reply_with_quiet_edges_gets_no_fades():
    buffer = playout()
    buffer.add(1, pcm(10, QUIET))
    buffer.end(1)
    assert buffer.read(20 * MS) == pcm(10, QUIET) + pcm(10, 0)


def test_a_reply_waits_for_its_pre_roll():
    buffer = playout(pre_roll_ms=40)
    buffer.add(1, pcm(39))
    assert not any(read(buffer, 10))
    buffer.add(1, pcm(1))
    assert all(read(buffer, 40))


def test_a_complete_reply_shorter_than_the_pre_roll_plays_at_once():
    buffer = playout(pre_roll_ms=40)
    buffer.add(1, pcm(10))
    buffer.end(1)
    assert all(read(buffer, 10))


def test_a_short_reply_whose_end_never_comes_plays_after_a_timeout():
    clock = Clock()
    buffer = playout(pre_roll_ms=40, start_timeout_s=0.5, clock=clock)
    buffer.add(1, pcm(10))
    clock.now += 0.49
    assert not any(read(buffer, 1))
    clock.now += 0.02
    assert all(read(buffer, 10))


def test_after_an_underrun_twice_the_pre_roll_is_gathered():
    buffer = playout(pre_roll_ms=40)
    buffer.add(1, pcm(40))
    read(buffer, 50)
    buffer.add(1, pcm(79))
    assert (buffer.pre_roll_ms, any(read(buffer, 10))) == (80, False)
    buffer.add(1, pcm(1))
    assert all(read(buffer, 80))


def test_the_pre_roll_grows_to_its_maximum_and_shrinks_back_after_clean_replies():
    pre_roll = PreRoll(40, 400)
    for _ in range(10):
        pre_roll.underrun()
    assert pre_roll.ms == 400
    pre_roll.clean_reply()
    assert pre_roll.ms == 320
    for _ in range(100):
        pre_roll.clean_reply()
    assert pre_roll.ms == 40


def test_only_a_reply_without_underrun_shrinks_the_pre_roll():
    buffer = playout(pre_roll_ms=40)
    buffer.add(1, pcm(40))
    read(buffer, 50)
    buffer.add(1, pcm(80))
    buffer.end(1)
    read(buffer, 100)
    assert buffer.pre_roll_ms == 80
    buffer.add(2, pcm(80))
    buffer.end(2)
    read(buffer, 100)
    assert buffer.pre_roll_ms == 64


def test_beyond_the_capacity_the_newest_is_refused_and_counted():
    buffer = playout(capacity_s=0.1)
    buffer.add(1, pcm(80, 1))
    buffer.add(1, pcm(80, 2))
    assert (buffer.queue_ms, buffer.counts().dropped) == (100, {"full": 60 * MS})
    assert buffer.read(100 * MS) == pcm(80, 1) + pcm(20, 2)


def test_a_reply_is_heard_when_the_device_has_let_it_go():
    clock = Clock()
    buffer = playout(clock=clock)
    buffer.add(7, pcm(20))
    buffer.end(7)
    buffer.read(20 * MS)
    assert buffer.heard(clock.now + 0.030, 0.040) == {7: Position(0, is_done=False)}
    assert buffer.heard(clock.now + 0.050, 0.040) == {7: Position(10 * MS, is_done=False)}
    assert buffer.heard(clock.now + 0.060, 0.040) == {7: Position(20 * MS, is_done=True)}


def test_what_was_heard_stays_heard_when_the_latency_wavers():
    clock = Clock()
    buffer = playout(clock=clock)
    buffer.add(1, pcm(20))
    buffer.read(20 * MS)
    assert buffer.heard(clock.now + 0.020, 0.010)[1].ms == 10
    assert buffer.heard(clock.now + 0.020, 0.015)[1].ms == 10


def test_a_reply_whose_end_is_unknown_is_not_done_though_all_of_it_was_heard():
    clock = Clock()
    buffer = playout(clock=clock)
    buffer.add(1, pcm(10))
    buffer.read(10 * MS)
    assert buffer.heard(clock.now + 1, 0.02) == {1: Position(10 * MS, is_done=False)}
    assert not buffer.is_idle


def test_a_reply_without_audio_is_done_as_soon_as_it_ends():
    buffer = playout()
    buffer.end(3)
    assert (buffer.heard(0.0, 0.0), buffer.is_idle) == ({3: Position(0, is_done=True)}, True)


def test_audio_after_its_own_end_still_plays():
    buffer = playout()
    buffer.add(1, pcm(10, 1))
    buffer.end(1)
    read(buffer, 20)
    buffer.add(1, pcm(10, 2))
    assert buffer.read(10 * MS) == pcm(10, 2)


def test_old_replies_are_forgotten_but_never_one_that_still_has_to_play():
    buffer = playout()
    for epoch in range(1, 30):
        buffer.add(epoch, pcm(1))
    assert len(buffer.heard(0.0, 0.0)) == 29
    read(buffer, 100)
    buffer.end(30)
    assert list(buffer.heard(0.0, 0.0))[-1] == 30
    assert len(buffer.heard(0.0, 0.0)) == 8


steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.binary(max_size=600)),
        st.tuples(st.just("read"), st.integers(0, 400)),
        st.tuples(st.just("next"), st.booleans()),
    ),
    max_size=60,
)


@given(steps, st.integers(0, 10))
def test_everything_added_and_not_flushed_comes_out_once_in_order(history, pre_roll_ms):
    """Samples are numbered and louder than any fade, so the audio can be told from what was inserted."""
    buffer = playout(pre_roll_ms)
    epoch, stream, number, added, out, n_read = 1, b"", 0, [], array("h"), 0
    for action, value in history:
        if action == "read":
            out.frombytes(buffer.read(value))
            n_read += value
        elif action == "add":
            while len(stream) < len(value):
                number = (number + 1) % 250
                stream += (32_500 + number).to_bytes(2, "little")
            buffer.add(epoch, stream[: len(value)])
            added.append((epoch, stream[: len(value)]))
            stream = stream[len(value) :]
        elif not stream:  # a reply ends between samples
            epoch += 1
            buffer.end(epoch - 1) if value else None
    buffer.end(epoch)
    out.frombytes(buffer.read(60 * 600))
    counts = buffer.counts()
    whole = array("h", b"".join(b for _, b in added)[: sum(len(b) for _, b in added) // 2 * 2])
    assert [sample for sample in out if sample > 32_450] == list(whole)
    assert counts.played == len(whole)
    assert counts.played + counts.silent == n_read + 60 * 600


@given(steps)
def test_every_byte_added_is_played_queued_or_counted_as_dropped(history):
    buffer = playout(pre_roll_ms=2, capacity_s=0.02)
    epoch, n_added = 1, 0
    for action, value in history:
        if action == "read":
            buffer.read(value)
        elif action == "add":
            buffer.add(epoch, value)
            n_added += len(value)
        else:
            epoch += 1
            buffer.flush(epoch) if value else buffer.end(epoch - 1)
    buffer.flush(epoch + 1)
    counts = buffer.counts()
    half = counts.dropped.pop("half", 0)
    assert n_added == 2 * (counts.played + sum(counts.dropped.values())) + half
    assert buffer.queue_ms == 0


# Behind a link that stalls.


def voice(ms):
    """A tone that begins quietly."""
    return array("h", [round(9000 * math.sin(2 * math.pi * 150 * n / RATE_HZ)) for n in range(ms * MS)])


def test_a_voice_that_runs_dry_goes_on_for_60_ms_and_fades():
    buffer = playout(conceals=True)
    buffer.add(1, voice(60).tobytes())
    heard = read(buffer, 60 + 100)
    concealed = heard[60 * MS :]
    assert max(concealed[: 10 * MS]) > 8000
    assert max(map(abs, concealed[60 * MS :])) == 0
    assert buffer.counts().concealed == 60 * MS


def test_what_comes_while_the_voice_goes_on_breaks_in_without_a_click_and_unchanged():
    buffer = playout(conceals=True)
    whole = voice(200)
    buffer.add(1, whole[: 60 * MS].tobytes())
    heard = read(buffer, 60 + 20)
    buffer.add(1, whole[60 * MS :].tobytes())
    heard += read(buffer, 140)
    steps = [abs(b - a) for a, b in pairwise(heard)]
    assert max(steps) <= 1.3 * max(abs(b - a) for a, b in pairwise(whole))
    assert heard.tobytes().find(whole[60 * MS : 190 * MS].tobytes()) > 0
    assert buffer.counts().concealed == 20 * MS


def test_a_flush_ends_a_voice_that_only_goes_on():
    buffer = playout(conceals=True)
    buffer.add(1, voice(60).tobytes())
    read(buffer, 70)
    buffer.flush(2, fade=False)
    assert not any(read(buffer, 60))


def test_a_voice_that_ended_is_not_made_to_go_on():
    buffer = playout(conceals=True)
    buffer.add(1, voice(60).tobytes())
    buffer.end(1)
    read(buffer, 160)
    assert buffer.counts().concealed == 0


def test_a_link_that_asks_for_more_makes_a_reply_gather_more():
    buffer = playout(pre_roll_ms=40)
    buffer.gather(90)
    buffer.add(1, pcm(80))
    assert not any(read(buffer, 10))
    buffer.add(1, pcm(10))
    assert any(read(buffer, 10))
    buffer.gather(10**6)
    assert buffer.pre_roll_ms == 400


# Together with other loudspeakers.


def test_a_reply_waits_for_its_time_to_the_sample():
    clock = Clock()
    buffer = playout(clock=clock)
    buffer.add(1, pcm(50), due_s=clock.now + 0.0305)
    heard = buffer.read(40 * MS)
    quiet = round(30.5 * MS) * 2
    assert heard == bytes(quiet) + pcm(40)[: len(heard) - quiet]


def test_the_time_counts_where_it_is_heard():
    clock = Clock()
    buffer = playout(clock=clock)
    buffer.add(1, pcm(50), due_s=clock.now + 0.1)
    assert not any(buffer.read(20 * MS, 0.079))
    clock.now += 0.02
    assert any(buffer.read(20 * MS, 0.08))


def test_a_reply_that_comes_after_its_time_is_joined_where_the_others_are():
    clock = Clock()
    buffer = playout(clock=clock)
    clock.now += 1
    buffer.add(1, pcm(100, 1) + pcm(100, 2), due_s=clock.now - 0.1)
    buffer.end(1)
    assert buffer.read(100 * MS) == pcm(100, 2)
    assert buffer.counts().dropped == {"late": 100 * MS}
    assert buffer.heard(clock.now + 1, 0.0)[1] == Position(200 * MS, is_done=True)


def test_a_little_late_is_played_whole_and_told():
    clock = Clock()
    buffer = playout(clock=clock)
    buffer.add(1, pcm(100), due_s=clock.now - 0.02)
    assert buffer.read(10 * MS) == pcm(10)
    assert round(buffer.late_s, 3) == 0.02
    assert buffer.counts().dropped == {}


def test_a_reply_that_ran_dry_goes_on_where_the_others_are():
    clock = Clock()
    buffer = playout(clock=clock)
    start_s = clock.now
    buffer.add(1, pcm(20, 1), due_s=start_s)
    buffer.read(50 * MS)
    clock.now += 0.1
    buffer.add(1, pcm(80, 2) + pcm(80, 3), due_s=start_s + 0.02)
    assert buffer.read(80 * MS) == pcm(80, 3)


def test_a_reply_without_a_time_is_never_late():
    buffer = playout()
    buffer.add(1, pcm(100))
    buffer.read(10 * MS)
    assert buffer.late_s is None
