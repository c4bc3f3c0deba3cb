"""The other machine's clock, seen through a link that wavers."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gate.clock_offset import ClockOffset

MS = 1_000_000
S = 1_000_000_000


class Other:
    """A machine whose clock is `ahead_ns` ahead of ours at 0 and `ppm` faster."""

    def __init__(self, ahead_ns=7 * S, ppm=0.0):
        self.ahead_ns, self.ppm = ahead_ns, ppm

    def at(self, ours_ns):
        return ours_ns + self.ahead_ns + int(ours_ns * self.ppm / 1e6)


def converse(offset, other, seconds, way_ns, start_ns=100 * S):
    """One question a second; `way_ns()` is how long each way takes. Returns our time at the end."""
    now_ns = start_ns
    for _ in range(int(seconds)):
        asked_ns = now_ns
        told_ns = other.at(asked_ns + way_ns())
        offset.answered(asked_ns, told_ns, asked_ns + (told_ns - other.at(asked_ns)) + way_ns())
        now_ns += S
    return now_ns


def test_an_even_link_gives_the_offset_exactly():
    offset = ClockOffset()
    now_ns = converse(offset, Other(7 * S), 3, lambda: 5 * MS)
    assert offset.offset_ns == 7 * S
    assert offset.to_ours(now_ns + 7 * S) == now_ns
    assert offset.to_theirs(now_ns) == now_ns + 7 * S
    assert offset.delay_ms == 5


def test_nothing_known_changes_no_time():
    offset = ClockOffset()
    assert not offset.is_known
    assert (offset.to_ours(5), offset.to_theirs(5), offset.delay_ms, offset.jitter_ms) == (5, 5, 0, 0)


def test_jitter_of_50_ms_leaves_the_offset_known_to_a_few_milliseconds():
    chance = random.Random(1)
    offset = ClockOffset()
    converse(offset, Other(-3 * S), 60, lambda: int(chance.uniform(10, 60) * MS))
    assert offset.offset_ns == pytest.approx(-3 * S, abs=6 * MS)
    assert 10 <= offset.delay_ms <= 20
    assert 50 <= offset.jitter_ms <= 100


@pytest.mark.parametrize("ppm", [-100, -20, 20, 100])
def test_clocks_that_drift_apart_are_followed_and_the_drift_is_told(ppm):
    chance = random.Random(ppm)
    offset, other = ClockOffset(), Other(S, ppm)
    now_ns = converse(offset, other, 900, lambda: int((2 + chance.expovariate(1 / 5)) * MS))
    assert offset.steps == 0
    assert offset.to_theirs(now_ns) == pytest.approx(other.at(now_ns), abs=5 * MS)
    assert offset.drift_ppm == pytest.approx(ppm, abs=8)


def test_a_machine_that_slept_is_believed_at_once():
    offset = ClockOffset()
    now_ns = converse(offset, Other(7 * S), 30, lambda: 5 * MS)
    converse(offset, Other(2 * S), 1, lambda: 5 * MS, now_ns)
    assert offset.steps == 1
    assert offset.offset_ns == 2 * S


def test_questions_come_quickly_at_first_and_again_after_a_step():
    offset = ClockOffset()
    waits = []
    for number in range(12):
        waits.append(offset.ask_again_s)
        offset.answered(number * S, number * S + S + MS, number * S + 2 * MS)
    assert waits == [0.1] * 10 + [1.0] * 2
    offset.answered(20 * S, 500 * S, 20 * S + MS)
    assert offset.ask_again_s == 0.1


def test_an_answer_heard_before_it_was_asked_is_ignored():
    offset = ClockOffset()
    offset.answered(10 * S, 5, 9 * S)
    assert not offset.is_known


@given(
    st.integers(-(10**15), 10**15),
    st.lists(st.tuples(st.integers(0, 500 * MS), st.integers(0, 500 * MS)), min_size=1, max_size=80),
)
def test_the_offset_is_never_further_off_than_half_the_quickest_round_trip_plus_drift(ahead_ns, ways):
    offset, now_ns = ClockOffset(), 10**16
    for there_ns, back_ns in ways:
        offset.answered(now_ns, now_ns + there_ns + ahead_ns, now_ns + there_ns + back_ns)
        now_ns += S
    quickest_ns = min(there + back for there, back in ways)
    assert offset.steps == 0
    assert abs(offset.offset_ns - ahead_ns) <= quickest_ns // 2 + len(ways) * 200_000 + 1
