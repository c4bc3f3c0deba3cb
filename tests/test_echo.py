"""The echo canceller against rooms of our own making."""

import subprocess
import sys

import numpy as np
import pytest
from talkers import talker

from actors.devices import echo

pytestmark = pytest.mark.skipif(not echo.is_installed(), reason=echo.how_to_install())

MIC_HZ, FAR_HZ = echo.MIC_RATE_HZ, echo.FAR_RATE_HZ
SECONDS = 8
CONVERGED_S = 3


def room(played, delay_ms, loudness_db):
    """What a microphone hears of it: later, quieter, with 50 ms of reverberation and a little noise."""
    rng = np.random.default_rng(1)
    response = 0.15 * rng.standard_normal(MIC_HZ // 20) * np.exp(-np.arange(MIC_HZ // 20) / 150)
    response[0] = 1
    echoed = np.convolve(played.astype(float), response)[: len(played)] * 10 ** (loudness_db / 20)
    delayed = np.concatenate([np.zeros(delay_ms * MIC_HZ // 1000), echoed])[: len(played)]
    return np.clip(delayed + 3 * rng.standard_normal(len(played)), -32_768, 32_767).astype(np.int16)


def clean(heard, played):
    canceller, mic, far = echo.EchoCanceller(), MIC_HZ // 100, FAR_HZ // 100
    parts = [
        canceller.clean(
            heard[at * mic : (at + 1) * mic].tobytes(), played[at * far : (at + 1) * far].tobytes()
        )
        for at in range(len(heard) // mic)
    ]
    return np.frombuffer(b"".join(parts), np.int16)


def rms(samples):
    return float(np.sqrt((samples.astype(float) ** 2).mean()))


def loudness(samples):
    """RMS of every 20 ms."""
    n = MIC_HZ // 50
    return np.sqrt((samples[: len(samples) // n * n].astype(float).reshape(-1, n) ** 2).mean(axis=1))


@pytest.mark.parametrize("loudness_db", [-6, -12])
@pytest.mark.parametrize("delay_ms", [20, 80, 250])
def test_an_echo_is_gone_after_three_seconds(delay_ms, loudness_db):
    heard = room(talker(SECONDS, MIC_HZ), delay_ms, loudness_db)
    cleaned = clean(heard, talker(SECONDS, FAR_HZ))
    settled = slice(CONVERGED_S * MIC_HZ, None)
    erle_db = 20 * np.log10(rms(heard[settled]) / max(rms(cleaned[settled]), 0.1))
    print(
        f"delay {delay_ms} ms, {loudness_db} dB: ERLE {erle_db:.0f} dB, loudest from the start {loudness(cleaned).max():.0f}"
    )
    assert erle_db > 20


@pytest.mark.parametrize("moved", [-16, 4, 16, 160])
def test_an_echo_that_has_moved_between_two_replies_is_gone_at_once_after_a_restart(moved):
    played, said = talker(4, FAR_HZ), talker(4, MIC_HZ)
    pause = MIC_HZ * 2
    heard = room(
        np.concatenate([said, np.zeros(pause + moved, np.int16), said, np.zeros(MIC_HZ, np.int16)]), 80, -6
    )
    canceller, mic, far = echo.EchoCanceller(), MIC_HZ // 100, FAR_HZ // 100
    played = np.concatenate([played, np.zeros(FAR_HZ * 2, np.int16), played])
    cleaned = b""
    for at in range(len(played) // far):
        if at == 600:
            canceller.restart()
        cleaned += canceller.clean(heard[at * mic :][:mic].tobytes(), played[at * far :][:far].tobytes())
    assert loudness(np.frombuffer(cleaned, np.int16)).max() < 100


def test_without_its_reference_an_echo_stays():
    heard = room(talker(SECONDS, MIC_HZ), 80, -6)
    assert rms(clean(heard, np.zeros(SECONDS * FAR_HZ, np.int16))) > 0.5 * rms(heard)


def test_a_voice_is_kept_while_nothing_is_played_and_comes_out_as_late_as_declared():
    said = talker(SECONDS, MIC_HZ, 210)
    kept = clean(said, np.zeros(SECONDS * FAR_HZ, np.int16))
    late = echo.DELAY_NS * MIC_HZ // 10**9
    assert abs(best_shift(treble(kept), treble(said)) - late) <= MIC_HZ // 1000
    assert np.corrcoef(treble(kept)[late:], treble(said)[:-late])[0, 1] > 0.9
    assert rms(kept) == pytest.approx(rms(said), rel=0.3)


def test_a_voice_over_the_echo_comes_through():
    said, played = talker(SECONDS, MIC_HZ, 210), talker(SECONDS, MIC_HZ)
    said[: 5 * MIC_HZ] = 0
    heard = room(played, 80, -12)
    cleaned = clean((heard + said).astype(np.int16), talker(SECONDS, FAR_HZ))
    late = echo.DELAY_NS * MIC_HZ // 10**9
    alike = np.corrcoef(loudness(cleaned[late:][5 * MIC_HZ :]), loudness(said[5 * MIC_HZ :][:-late]))[0, 1]
    share = rms(cleaned[5 * MIC_HZ :]) / rms(said[5 * MIC_HZ :])
    print(f"double talk: loudness correlates {alike:.2f}, {share:.0%} of it is left")
    assert alike > 0.5
    assert share > 0.3


def test_the_same_length_comes_out_at_once():
    assert len(echo.EchoCanceller().clean(bytes(320), bytes(480))) == 320


def test_looking_for_it_imports_nothing_of_it():
    script = "import sys; from actors.devices import echo; echo.is_installed(); sys.exit('livekit.rtc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def treble(samples):
    """What is above 1 kHz: below it the high-pass filter turns the phase."""
    spectrum = np.fft.rfft(samples)
    spectrum[np.fft.rfftfreq(len(samples), 1 / MIC_HZ) < 1000] = 0
    return np.fft.irfft(spectrum, len(samples))


def best_shift(late, early):
    size = 2 * len(early)
    likeness = np.fft.irfft(np.fft.rfft(late, size) * np.conj(np.fft.rfft(early, size)))
    return int(np.argmax(likeness[:MIC_HZ]))
