"""A stream made longer or shorter by a few samples in a thousand: still the same sound."""

from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.outputs.stretch import Stretcher

RATE_HZ = 24_000
BLOCK = 240


def stretched(samples, slips):
    """Blocks of 240 samples, made of 240 + slip each."""
    stretcher, at, out = Stretcher(), 0, b""
    for slip in slips:
        taken = samples[at : at + BLOCK + slip]
        at += BLOCK + slip
        out += stretcher.fit(np.int16(taken).tobytes(), BLOCK)
    return np.frombuffer(out, np.int16).astype(float)


def snr_db(frequency_hz, slip):
    """How far above the error a tone stands when every block slips."""
    blocks = 100
    tone = 10_000 * np.sin(2 * np.pi * frequency_hz * np.arange(blocks * (BLOCK + slip)) / RATE_HZ)
    got = stretched(tone, [slip] * blocks)
    places = np.arange(len(got)) * (BLOCK + slip) / BLOCK - 2
    right = 10_000 * np.sin(2 * np.pi * frequency_hz * places / RATE_HZ)
    settled = slice(BLOCK, None)
    return 10 * np.log10(np.mean(right[settled] ** 2) / np.mean((got - right)[settled] ** 2))


@given(st.lists(st.binary(max_size=600).filter(lambda pcm: len(pcm) % 2 == 0), max_size=8))
def test_a_stream_that_does_not_slip_is_unchanged_and_two_samples_later(blocks):
    stretcher = Stretcher()
    whole = b"".join(blocks)
    out = b"".join(stretcher.fit(block, len(block) // 2) for block in blocks)
    assert out == (bytes(4) + whole)[: len(whole)]


@pytest.mark.parametrize("slip", [-1, 1])
@pytest.mark.parametrize(("frequency_hz", "least_db"), [(200, 70), (1000, 55), (2000, 40), (4000, 20)])
def test_a_tone_of_speech_stays_clean(frequency_hz, least_db, slip):
    assert snr_db(frequency_hz, slip) > least_db


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=30))
def test_blocks_join_without_a_click_however_they_slip(slips):
    tone = 10_000 * np.sin(2 * np.pi * 300 * np.arange(31 * (BLOCK + 2)) / RATE_HZ)
    got = stretched(tone, slips)
    steepest = 10_000 * 2 * np.pi * 300 / RATE_HZ * 1.05 + 2
    assert np.abs(np.diff(got[2:])).max() <= steepest


def test_it_never_overflows():
    square = array("h", [32_767] * 6 + [-32_768] * 6) * 40
    out = Stretcher().fit(square.tobytes(), len(square) - 2)
    assert len(out) == 2 * (len(square) - 2)


def test_after_a_clear_nothing_of_before_is_left():
    stretcher = Stretcher()
    stretcher.fit(array("h", [9000] * 10).tobytes(), 10)
    stretcher.clear()
    assert stretcher.fit(bytes(20), 10) == bytes(20)
