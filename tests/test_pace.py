"""Loudspeakers whose clocks differ play a long reply together: the real playout, with devices that run too fast or too slow."""

from array import array

import numpy as np
import pytest

from actors.outputs.pace import Pace
from actors.outputs.playout import RATE_HZ, Playout

BLOCK = 240
LATENCY_S = 0.05
REPLY_S = 120


class Clock:
    def __init__(self):
        self.now = 50.0

    def __call__(self):
        return self.now


def ramp(seconds):
    """A reply in which every sample says where it stands: a slow triangle."""
    at = np.arange(int(seconds * RATE_HZ))
    return np.int16(16_000 + 8000 * np.sin(2 * np.pi * at / RATE_HZ)).tobytes()


def play(ppm, late_s=0.0, seconds=REPLY_S):
    """A device `ppm` too fast plays a reply due in half a second; yields our time and how late it is, block by block."""
    clock = Clock()
    playout = Playout(clock=clock)
    pace = Pace(playout)
    playout.add(1, ramp(seconds + 2), due_s=clock.now + 0.5 - late_s)
    for _ in range(int(seconds * RATE_HZ / BLOCK)):
        pcm = pace.read(BLOCK, LATENCY_S)
        assert len(pcm) == BLOCK * 2
        if playout.late_s is not None:
            yield playout.late_s, array("h", pcm)
        clock.now += BLOCK / RATE_HZ / (1 + ppm / 1e6)


@pytest.mark.parametrize("ppm", [-200, 200])
def test_two_minutes_of_200_ppm_stay_within_five_milliseconds(ppm):
    assert max(abs(late_s) for late_s, _ in play(ppm)) < 0.005


def test_what_began_a_little_late_is_caught_up():
    lates = [late_s for late_s, _ in play(0, late_s=0.475, seconds=60)]
    assert lates[0] == pytest.approx(0.025, abs=0.006)  # a fade of 4 ms is put before it
    assert abs(lates[-1]) < 0.001


def test_no_correction_clicks():
    heard = np.concatenate([block for _, block in play(200, late_s=0.475, seconds=20)]).astype(float)
    assert np.abs(np.diff(heard[BLOCK:])).max() < 8000 * 2 * np.pi / RATE_HZ * 1.1 + 2


def test_what_is_far_off_jumps_to_where_it_ought_to_be():
    clock = Clock()
    playout = Playout(clock=clock)
    pace = Pace(playout)
    playout.add(1, ramp(20), due_s=clock.now)
    lates = []
    for number in range(400):
        pace.read(BLOCK, 0.0)
        if playout.late_s is not None:
            lates.append(playout.late_s)
        clock.now += BLOCK / RATE_HZ + (2.0 if number == 100 else 0.0)  # its machine slept
    assert max(lates) == pytest.approx(2.0, abs=0.05)
    assert abs(lates[-1]) < 0.04
    assert playout.counts().dropped["late"] == pytest.approx(2 * RATE_HZ, rel=0.05)
