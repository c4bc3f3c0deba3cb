"""How old a block is, although the device's own word wanders."""

import pytest

from actors.devices.capture_time import CaptureAge

RATE_HZ = 16_000
BLOCK = 160
PERIOD_S = 0.01
LATENCY_S = 0.02


class Device:
    """Delivers a block every 10 ms, some of them late."""

    def __init__(self):
        self.age = CaptureAge(RATE_HZ, LATENCY_S)
        self.now = 100.0

    def deliver(self, reported_s, late_s=0.0):
        self.now += PERIOD_S
        return self.age.of(BLOCK, reported_s, self.now + late_s)


def test_a_plausible_word_of_the_device_is_believed():
    device = Device()
    assert [device.deliver(0.014) for _ in range(100)] == pytest.approx([0.014] * 100)


def test_a_word_that_falls_is_not_believed_for_some_seconds():
    device = Device()
    device.deliver(0.016)
    assert [device.deliver(0.006) for _ in range(900)] == pytest.approx([0.016] * 900)
    assert [device.deliver(0.012) for _ in range(200)][-1] == pytest.approx(0.012)


def test_a_punctual_block_is_not_older_than_what_the_device_holds():
    device = Device()
    device.deliver(0.014)
    assert device.deliver(0.045) == pytest.approx(LATENCY_S)


def test_a_block_is_not_younger_than_it_is_long():
    assert Device().deliver(0.007) == PERIOD_S


def test_a_block_that_comes_late_is_so_much_older():
    device = Device()
    device.deliver(0.014)
    assert device.deliver(0.064, late_s=0.05) == pytest.approx(0.064)


def test_after_a_gap_in_the_capture_blocks_are_not_old():
    device = Device()
    device.deliver(0.014)
    device.now += 5  # suspended
    assert [device.deliver(0.014) for _ in range(50)] == pytest.approx([0.014] * 50)


def test_two_clocks_that_drift_apart_do_not_make_blocks_older():
    device = Device()
    for _ in range(100_000):
        device.now += 200e-6 * PERIOD_S
        age = device.deliver(0.5)
    assert age == pytest.approx(LATENCY_S, abs=0.001)


@pytest.mark.parametrize("nonsense_s", [0.0, -3.0, 1e6])
def test_without_a_word_of_the_device_its_latency_has_to_do(nonsense_s):
    assert Device().deliver(nonsense_s) == LATENCY_S
