"""How much a loudspeaker gathers follows how unevenly its link delivers."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.outputs.arrivals import LEAST_MS, MOST_MS, UNKNOWN_MS, Arrivals

MS = 1_000_000
S = 1_000_000_000


def feed(arrivals, ways_ms, start_ns=0, every_ms=20, clock_ns=0):
    now_ns = start_ns
    for way_ms in ways_ms:
        now_ns += every_ms * MS
        arrivals.came(now_ns + clock_ns, now_ns + int(way_ms * MS))
    return now_ns


def test_before_anything_is_known_it_is_careful():
    assert Arrivals().target_ms == UNKNOWN_MS


def test_an_even_link_needs_the_least_however_slow_it_is():
    arrivals = Arrivals()
    feed(arrivals, [300] * 100)
    assert arrivals.target_ms == LEAST_MS


@given(st.integers(-(10**17), 10**17))
def test_the_two_clocks_need_not_agree(clock_ns):
    arrivals = Arrivals()
    feed(arrivals, [30, 80] * 50, start_ns=10**18, clock_ns=clock_ns)
    assert arrivals.jitter_ms == pytest.approx(50)


def test_jitter_of_50_ms_gathers_60():
    chance = random.Random(2)
    arrivals = Arrivals()
    feed(arrivals, [chance.uniform(20, 70) for _ in range(1000)])
    assert 50 < arrivals.target_ms < 62


def test_one_in_a_hundred_that_is_very_late_does_not_count():
    arrivals = Arrivals()
    feed(arrivals, ([10] * 99 + [900]) * 5)
    assert arrivals.target_ms == LEAST_MS


def test_a_terrible_link_gathers_no_more_than_the_most():
    arrivals = Arrivals()
    feed(arrivals, [10, 2000] * 100)
    assert arrivals.target_ms == MOST_MS


def test_what_was_bad_a_minute_ago_is_forgotten():
    arrivals = Arrivals()
    now_ns = feed(arrivals, [10, 300] * 50)
    assert arrivals.target_ms > 200
    feed(arrivals, [10] * 10, start_ns=now_ns + 61 * S)
    assert arrivals.target_ms == LEAST_MS


def test_a_clock_that_was_another_one_begins_a_new_measurement():
    arrivals = Arrivals()
    now_ns = feed(arrivals, [10, 300] * 50)
    feed(arrivals, [10] * 10, start_ns=now_ns, clock_ns=-3600 * S)
    assert arrivals.target_ms == LEAST_MS
