"""A loudspeaker whose clock is not the host's: corrected so slowly that nobody hears it, and for days."""

import random

import pytest

from actors.outputs.drift import MOST, Drift

RATE_HZ = 24_000
BLOCK_S = 0.1
BLOCK = int(RATE_HZ * BLOCK_S)
DAY_S = 24 * 3600
TARGET_S = 0.1


def simulate(ppm, seconds, start_s=TARGET_S, jitter_s=0.02):
    """A stream in real time into a buffer that a loudspeaker `ppm` too fast empties; yields the level in s, per block."""
    drift, chance = Drift(), random.Random(ppm)
    came = BLOCK / (1 + ppm / 1e6)  # in the time in which this loudspeaker plays a block
    level = start_s * RATE_HZ - came
    for number in range(int(seconds / BLOCK_S)):
        level += came
        if number % 10 == 0:
            drift.measured(level / RATE_HZ - TARGET_S + chance.uniform(-jitter_s, jitter_s))
        yield level / RATE_HZ, drift
        level -= BLOCK + drift.slip(BLOCK)


@pytest.mark.parametrize("ppm", [-100, 100])
def test_in_a_day_of_100_ppm_the_buffer_neither_grows_nor_empties(ppm):
    levels = [level for level, _ in simulate(ppm, DAY_S)]
    assert max(abs(level - TARGET_S) for level in levels) < 0.02
    assert not any(drift.has_to_jump for _, drift in simulate(ppm, 60))


@pytest.mark.parametrize("ppm", [-200, 0, 200])
def test_the_rate_settles_at_what_the_quartzes_differ_by(ppm):
    rates = [drift.ppm for _, drift in simulate(ppm, 3600)][6000:]
    assert sum(rates) / len(rates) == pytest.approx(-ppm, abs=15)


def test_what_is_late_is_caught_up_without_overshooting():
    levels = [level - TARGET_S for level, _ in simulate(0, 120, start_s=TARGET_S + 0.03, jitter_s=0)]
    assert levels[0] > 0.029
    assert abs(levels[-1]) < 0.001
    assert min(levels) > -0.006


def test_it_never_plays_more_than_half_a_percent_too_fast_or_too_slow():
    drift = Drift()
    for late_s, most in ((10.0, MOST), (-10.0, -MOST)):
        for _ in range(20):
            drift.measured(late_s)
        assert drift.rate == most
    slips = [drift.slip(240) for _ in range(1000)]
    assert sum(slips) == pytest.approx(-240 * 1000 * MOST, abs=1)
    assert set(slips) == {-1, -2}


def test_only_what_stays_far_off_has_to_jump():
    drift = Drift()
    drift.measured(3.0)
    assert not drift.has_to_jump
    for _ in range(15):
        drift.measured(0.6)
    assert drift.has_to_jump
    drift.reset()
    assert not drift.has_to_jump
