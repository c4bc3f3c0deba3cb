"""When a room is quiet: no louder than its own noise, for a while."""

import math
import random
from array import array

import pytest

from actors.inputs.hush import HANG_OVER_S, LEAST_SWING, NOISE_MEMORY_S, Hush

RATE_HZ = 16_000
FRAME = RATE_HZ // 50
DICE = random.Random(5)


def silence(_at):
    return 0


def hum(at):
    return 3000 * math.sin(2 * math.pi * 50 * at / RATE_HZ)


def rumble(at):
    return 3000 * math.sin(2 * math.pi * 7 * at / RATE_HZ)


def fan(_at):
    return DICE.gauss(0, 1000)


def direct_current(_at):
    return 9000


def after(hush, noise, seconds, *, voice=0):
    """Let it hear something; gives what it says of each frame."""
    said = []
    for start in range(0, int(seconds * RATE_HZ), FRAME):
        samples = array(
            "h", (int(noise(at) + voice * math.sin(at / 7)) for at in range(start, start + FRAME))
        )
        said.append(hush.heard(max(samples) - min(samples), FRAME))
    return said


@pytest.fixture
def hush():
    return Hush(RATE_HZ)


def test_at_first_nobody_knows_and_it_is_lively(hush):
    assert not any(after(hush, silence, HANG_OVER_S))


@pytest.mark.parametrize("noise", [silence, hum, rumble, fan, direct_current])
def test_a_room_is_quiet_when_it_is_no_louder_than_its_own_noise(hush, noise):
    after(hush, noise, HANG_OVER_S + 0.1)
    assert all(after(hush, noise, 10))


@pytest.mark.parametrize("noise", [silence, hum, rumble, fan])
def test_a_voice_is_noticed_in_its_first_frame_and_its_pauses_are_lively(hush, noise):
    after(hush, noise, 5)
    assert after(hush, noise, 0.02, voice=8000) == [False]
    assert not any(after(hush, noise, HANG_OVER_S - 0.1))
    after(hush, noise, 0.2)
    assert hush.is_quiet


def test_what_is_fainter_than_any_speech_disturbs_nobody(hush):
    after(hush, silence, 5)
    assert all(after(hush, silence, 1, voice=LEAST_SWING // 2 - 1))


def test_a_noise_that_begins_is_a_voice_until_it_has_gone_on_without_taking_breath(hush):
    after(hush, silence, 5)
    assert not any(after(hush, fan, NOISE_MEMORY_S))
    after(hush, fan, HANG_OVER_S + 0.2)
    assert hush.is_quiet


def test_stirred_it_is_lively_for_a_while(hush):
    after(hush, silence, 5)
    hush.stir()
    assert not any(after(hush, silence, HANG_OVER_S))
    assert all(after(hush, silence, 1))
