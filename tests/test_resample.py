"""Frames, channels and rates between what a device speaks and what we speak."""

import subprocess
import sys
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.devices.resample import Framer, Puller, Resampler, from_mono, to_mono

FRAME_NS = 20_000_000


def tone(rate_hz, seconds=1.0, frequency_hz=440):
    wave = 10_000 * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * rate_hz)) / rate_hz)
    return np.int16(wave)


def pieces(pcm, n_bytes):
    return [pcm[start : start + n_bytes] for start in range(0, len(pcm), n_bytes)]


def assert_is_tone(pcm, rate_hz, frequency_hz=440):
    """In the middle, where all is settled: the tone, nothing else above -60 dB, at most 0.2 ms from its place."""
    got = np.frombuffer(pcm, np.int16).astype(float)
    angle = 2 * np.pi * frequency_hz * np.arange(len(got)) / rate_hz
    middle = slice(len(got) // 10, -len(got) // 10)
    basis = np.stack([np.sin(angle), np.cos(angle)], axis=1)[middle]
    (in_phase, shifted), *_ = np.linalg.lstsq(basis, got[middle], rcond=None)
    noise = got[middle] - basis @ (in_phase, shifted)
    assert noise.std() < 0.001 * np.hypot(in_phase, shifted)
    assert np.hypot(in_phase, shifted) == pytest.approx(10_000, rel=0.01)
    assert abs(np.arctan2(shifted, in_phase)) / (2 * np.pi * frequency_hz) < 0.0002


def test_two_channels_are_averaged_and_of_more_the_first_is_taken():
    assert to_mono(array("h", [10, 20, -5, -7]).tobytes(), 2) == array("h", [15, -6]).tobytes()
    assert to_mono(array("h", [32767, 32767]).tobytes(), 2) == array("h", [32767]).tobytes()
    assert to_mono(array("h", [1, 2, 3, 4, 5, 6]).tobytes(), 3) == array("h", [1, 4]).tobytes()


@given(st.binary(max_size=200).filter(lambda pcm: len(pcm) % 2 == 0), st.integers(1, 6))
def test_spreading_over_channels_and_back_changes_nothing(pcm, channels):
    assert to_mono(from_mono(pcm, channels), channels) == pcm


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(48_000, 16_000), (44_100, 16_000), (24_000, 48_000), (24_000, 44_100)]
)
def test_a_tone_keeps_its_shape_and_its_place_at_another_rate(from_hz, to_hz):
    resampler = Resampler(from_hz, to_hz)
    got = b"".join(resampler.process(piece) for piece in pieces(tone(from_hz).tobytes(), from_hz // 100 * 2))
    assert_is_tone(got, to_hz)


@pytest.mark.parametrize("to_hz", [44_100, 48_000])
def test_a_resampler_holds_back_little_and_always_the_same(to_hz):
    resampler, held_s = Resampler(24_000, to_hz), []
    for piece in pieces(tone(24_000).tobytes(), 480):
        resampler.process(piece)
        held_s.append(resampler.delay_s)
    assert max(held_s) <= 0.025
    assert max(held_s[5:]) - min(held_s[5:]) < 0.001


@given(st.lists(st.binary(max_size=300).filter(lambda pcm: len(pcm) % 2 == 0), max_size=30))
def test_frames_have_one_size_and_hold_every_sample_in_order(blocks):
    frames = []
    framer = Framer(16_000, 16_000, 5, lambda pcm, _: frames.append(pcm))
    for block in blocks:
        framer.add(block, 0)
    whole = b"".join(blocks)
    assert b"".join(frames) == whole[: len(whole) // 160 * 160]
    assert {len(frame) for frame in frames} <= {160}


def test_a_frame_carries_the_time_of_its_first_sample():
    frames = []
    framer = Framer(16_000, 16_000, 20, lambda _, captured_ns: frames.append(captured_ns))
    for block in range(6):
        framer.add(bytes(2 * 240), 1_000_000_000 + block * 15_000_000)
    assert frames == [1_000_000_000 + n * FRAME_NS for n in range(4)]


def test_the_delay_of_a_rate_change_is_not_taken_for_later_capture():
    frames = []
    framer = Framer(48_000, 16_000, 20, lambda _, captured_ns: frames.append(captured_ns))
    for block in range(50):
        framer.add(bytes(2 * 480), block * 10_000_000)
    assert [abs(at - n * FRAME_NS) < 100_000 for n, at in enumerate(frames)] == [True] * len(frames)


@pytest.mark.parametrize("to_hz", [24_000, 44_100, 48_000])
def test_a_puller_gives_exactly_what_is_wanted_and_loses_nothing(to_hz):
    source = tone(24_000, 1.2).tobytes()
    position = 0

    def read(n_samples):
        nonlocal position
        position += 2 * n_samples
        return source[position - 2 * n_samples : position]

    puller = Puller(24_000, to_hz, read)
    got = [puller.pull(to_hz // 100) for _ in range(100)]
    assert {len(piece) for piece in got} == {to_hz // 100 * 2}
    assert_is_tone(b"".join(got), to_hz)
    assert puller.delay_s <= 0.025


def test_what_was_pulled_ahead_is_gone_after_clear():
    puller = Puller(24_000, 48_000, lambda n: b"\xff\x7f" * n)
    puller.pull(480)
    puller.clear()
    assert puller.delay_s == 0


def test_a_reader_that_gives_another_number_of_samples_is_refused():
    with pytest.raises(ValueError, match="gave 3 bytes, 240 samples are 480"):
        Puller(24_000, 24_000, lambda _: b"123").pull(240)


def test_a_device_at_its_own_rate_needs_no_numpy():
    script = "import sys, actors.devices.portaudio, actors.devices.wav; print({'numpy', 'soxr'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout == "set()\n"
