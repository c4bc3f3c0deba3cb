"""How old a block is when it is taken, and when the device is looked at again."""

import pytest

from actors.devices.capture_pace import AGAIN_S, FIRST_S, REST_S, SHOWN_S, CapturePace
from actors.devices.capture_time import BEHIND_S, CaptureAge

RATE_HZ = 16_000
BLOCK = 320
PERIOD_S = 0.02


class Device:
    """Has a block every 20 ms; who takes it comes late now and then, or takes several at once."""

    def __init__(self):
        self.age = CaptureAge(RATE_HZ)
        self.now = 100.0

    def deliver(self, blocks=1, late_s=0.0):
        self.now += blocks * PERIOD_S
        return self.age.of(blocks * BLOCK, self.now + late_s) - BEHIND_S


def test_a_punctual_block_is_as_old_as_it_is_long():
    device = Device()
    assert [device.deliver(blocks) for blocks in (1, 2, 3, 1)] == pytest.approx([0.02, 0.04, 0.06, 0.02])


def test_a_block_that_comes_late_is_so_much_older():
    device = Device()
    device.deliver()
    assert device.deliver(late_s=0.05) == pytest.approx(0.07)
    assert device.deliver(blocks=2, late_s=0.01) == pytest.approx(0.05)


def test_after_a_gap_in_the_capture_blocks_are_not_old():
    device = Device()
    device.deliver()
    device.now += 5  # suspended
    assert [device.deliver() for _ in range(50)] == pytest.approx([PERIOD_S] * 50)
    assert device.age.gaps == 1


def test_samples_that_are_missing_are_noticed_and_blocks_that_are_late_are_not():
    device = Device()
    for number in range(500):
        device.deliver(late_s=0.01 * (number % 2))
    assert device.age.gaps == 0
    device.now += 0.05
    for _ in range(200):
        age = device.deliver()
    assert (device.age.gaps, age) == (1, pytest.approx(PERIOD_S))


def test_two_clocks_that_drift_apart_do_not_make_blocks_older():
    device = Device()
    for _ in range(100_000):
        device.now += 200e-6 * PERIOD_S
        age = device.deliver()
    assert age == pytest.approx(PERIOD_S, abs=0.001)


def test_in_a_hurry_it_looks_when_the_next_period_is_due_and_often_until_it_is_there():
    pace = CapturePace(PERIOD_S)
    assert PERIOD_S - AGAIN_S <= pace.wait_s(PERIOD_S, is_resting=False) < PERIOD_S
    assert pace.wait_s(0.0, is_resting=False) == AGAIN_S


def test_it_rests_only_when_the_device_has_shown_that_it_holds_what_nobody_takes():
    pace = CapturePace(PERIOD_S)
    assert pace.wait_s(3 * PERIOD_S, is_resting=True) < PERIOD_S
    assert pace.wait_s(SHOWN_S, is_resting=True) == REST_S
    assert pace.wait_s(PERIOD_S, is_resting=True) == REST_S < SHOWN_S < FIRST_S
    assert pace.wait_s(PERIOD_S, is_resting=False) < PERIOD_S
