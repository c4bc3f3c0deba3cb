"""A reply that runs dry goes on for a moment as it was, fades, and never clicks."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.outputs.concealment import CONCEALED_BYTES, HISTORY_BYTES, conceal, fade_over

RATE_HZ = 24_000
MS = 24


def voice(frequency_hz, ms=60):
    """A vowel: a tone and its overtones."""
    at = np.arange(ms * MS) / RATE_HZ
    return np.int16(
        sum(8000 / n * np.sin(2 * np.pi * n * frequency_hz * at + n) for n in range(1, 6))
    ).tobytes()


def samples(pcm):
    return np.frombuffer(pcm, np.int16).astype(float)


@pytest.mark.parametrize("frequency_hz", [80, 120, 210, 333])
def test_a_voice_goes_on_as_it_would_have(frequency_hz):
    whole = voice(frequency_hz, 90)
    history, really = whole[: 60 * MS * 2], samples(whole[60 * MS * 2 :])[: 10 * MS]
    got = samples(conceal(history))[: 10 * MS]
    assert np.corrcoef(got, really)[0, 1] > 0.95


def test_it_is_full_at_first_and_gone_after_60_ms():
    got = samples(conceal(voice(150)))
    levels = [np.abs(got[at : at + 10 * MS]).max() for at in range(0, len(got), 10 * MS)]
    assert len(got) * 2 == CONCEALED_BYTES
    assert levels == sorted(levels, reverse=True)
    assert levels[0] > 8000
    assert np.abs(got[-MS:]).max() < 400


@pytest.mark.parametrize("frequency_hz", [80, 120, 210, 333])
def test_no_step_is_steeper_than_the_voice_itself(frequency_hz):
    history = voice(frequency_hz)
    heard = samples(history + conceal(history))
    steepest = np.abs(np.diff(samples(history))).max()
    assert np.abs(np.diff(heard)).max() <= steepest * 1.2


def test_even_noise_is_joined_without_a_step():
    noise = np.random.default_rng(3).normal(0, 3000, 60 * MS)
    smooth = np.convolve(noise, np.hanning(24) / 12, "same")
    history = np.int16(smooth).tobytes()
    heard = samples(history + conceal(history))
    assert np.abs(np.diff(heard)).max() <= np.abs(np.diff(samples(history))).max() * 1.2


def test_without_a_past_there_is_nothing_to_go_on_with():
    assert conceal(bytes(HISTORY_BYTES - 2)) == b""
    assert not any(conceal(bytes(HISTORY_BYTES)))


@given(st.binary(min_size=HISTORY_BYTES, max_size=HISTORY_BYTES))
def test_whatever_was_heard_it_gives_60_ms(history):
    assert len(conceal(history)) == CONCEALED_BYTES


def test_it_ends_under_the_fade_in_of_what_comes_next():
    rest, rising = conceal(voice(150)), np.int16(np.linspace(0, 9000, 96)).tobytes()
    joined = samples(fade_over(rest, rising))
    assert len(joined) == 96
    assert abs(joined[0] - samples(rest)[0]) < abs(samples(rest)[0]) * 0.05 + 100
    assert abs(joined[-1] - 9000) < 200


def test_it_ends_by_itself_if_what_comes_next_begins_quietly():
    joined = samples(fade_over(conceal(voice(150)), b""))
    assert len(joined) == 96
    assert abs(joined[-1]) < 150
    assert fade_over(b"", b"\1\0\2\0") == b"\1\0\2\0"


def test_it_is_ready_within_a_device_period():
    history = voice(100)
    conceal(history)
    took_s = min(_took_s(history) for _ in range(5))
    assert took_s < 0.02


def _took_s(history):
    began_s = time.thread_time()
    conceal(history)
    return time.thread_time() - began_s
