"""Where blocks stand in time although their stamps waver."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from actors.devices.sample_clock import SampleClock, to_ns, to_samples

RATE_HZ = 24_000
BLOCK = 480
MS = RATE_HZ // 1000
START_NS = 10**15
BEGINNING = 8


def place(errors_ms, drift=0.0):
    """Place blocks that are measured so much too late; gives how many samples each stands from where it is due."""
    clock, begin = SampleClock(RATE_HZ), to_samples(START_NS, RATE_HZ)
    places = []
    for number, error_ms in enumerate(errors_ms):
        due_ns = number * 20_000_000 * (1 + drift)
        places.append(clock.place(START_NS + int(due_ns + error_ms * 1e6), BLOCK) - begin - number * BLOCK)
    return places


def steps(places):
    return [after - before for before, after in pairwise(places)]


@given(sample=st.integers(0, 10**13), rate_hz=st.sampled_from([16_000, 24_000, 44_100, 48_000]))
def test_the_time_of_a_sample_leads_back_to_that_sample(sample, rate_hz):
    assert to_samples(to_ns(sample, rate_hz), rate_hz) == sample


@given(st.lists(st.floats(-14, 14), min_size=BEGINNING, max_size=300))
def test_blocks_follow_one_another_however_their_stamps_waver(errors_ms):
    settled = place(errors_ms)[BEGINNING:]
    assert all(abs(step) <= 1 for step in steps(settled))


def test_a_block_that_is_much_too_early_is_believed_at_once():
    assert place([0] * 40 + [0, -40, -80] + [-80] * 40)[41:] == [-40 * MS, *[-80 * MS] * 41]


def test_a_device_that_fills_its_buffer_in_a_burst_is_soon_placed_right():
    assert place([0, -20, -40, -60, *[-60] * 20])[BEGINNING + 2 :] == [-60 * MS] * 14


def test_a_stall_after_which_the_device_catches_up_moves_nothing():
    assert place([0] * 40 + [160, 140, 120, 100, 80, 60, 40, 20] + [0] * 40) == [0] * 88


def test_lost_samples_move_the_blocks_in_one_step():
    places = place([0] * 40 + [50] * 40)
    assert sorted(set(places)) == [0, 50 * MS]
    assert places.index(50 * MS) < 40 + 20


def test_a_clock_that_drifts_is_followed_sample_by_sample():
    places = place([0] * 50 * 600, drift=50e-6)
    due = [round(number * BLOCK * 50e-6) for number in range(len(places))]
    assert set(steps(places)) == {0, 1}
    assert max(abs(at - wanted) for at, wanted in zip(places, due, strict=True)) < 13 * MS


def test_another_stream_begins_where_it_is_measured():
    assert place([0] * 40 + [5000] * 10)[40:] == [5000 * MS] * 10


def test_after_a_reset_the_next_block_stands_where_it_is_measured():
    clock = SampleClock(RATE_HZ)
    clock.place(START_NS, BLOCK)
    clock.reset()
    assert clock.place(START_NS + 7_000_000, BLOCK) == to_samples(START_NS + 7_000_000, RATE_HZ)
