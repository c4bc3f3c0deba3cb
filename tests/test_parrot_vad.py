import math
import random
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.model.parrot.client_messages import ActivityDetection, Blob
from actors.model.parrot.ear import Ear, read_rate
from actors.model.parrot.journal import AudioKeeper
from actors.model.parrot.refusal import Refusal
from actors.model.parrot.vad import EnergyVad, ManualVad, SpeechEnded, SpeechStarted

RATE_HZ = 16_000


def silence(length_s, rate_hz=RATE_HZ):
    return bytes(2 * round(length_s * rate_hz))


def voice(length_s, level=8000, rate_hz=RATE_HZ):
    samples = (
        round(level * math.sin(2 * math.pi * 200 * n / rate_hz)) for n in range(round(length_s * rate_hz))
    )
    return array("h", samples).tobytes()


def noise(length_s, rms, seed=1):
    dice = random.Random(seed)
    return array("h", (round(dice.gauss(0, rms)) for _ in range(round(length_s * RATE_HZ)))).tobytes()


def kinds(heard):
    return [type(noticed) for noticed in heard]


def test_silence_is_no_speech():
    assert EnergyVad(RATE_HZ).feed(silence(3)) == []


def test_speech_begins_with_voice_and_ends_after_half_a_second_of_silence():
    vad = EnergyVad(RATE_HZ)
    assert vad.feed(silence(1)) == []
    assert vad.feed(voice(1)) == [SpeechStarted(1.0)]
    assert vad.feed(silence(0.48)) == []
    assert kinds(vad.feed(silence(0.04))) == [SpeechEnded]


def test_what_was_said_comes_back_with_a_margin_and_its_voiced_length():
    spoken = voice(1)
    vad = EnergyVad(RATE_HZ)
    _, ended = vad.feed(silence(1) + spoken + silence(1))
    assert ended.voiced_s == pytest.approx(1.0, abs=0.04)
    assert spoken in ended.pcm
    assert len(ended.pcm) / 2 / RATE_HZ == pytest.approx(1.4, abs=0.04)


def test_a_click_is_no_speech():
    assert EnergyVad(RATE_HZ).feed(silence(0.5) + voice(0.03) + silence(1)) == []


def test_a_short_pause_does_not_split_a_sentence():
    heard = EnergyVad(RATE_HZ).feed(voice(0.5) + silence(0.3) + voice(0.5) + silence(1))
    assert kinds(heard) == [SpeechStarted, SpeechEnded]


def test_two_sentences_are_two_turns():
    heard = EnergyVad(RATE_HZ).feed((voice(0.5) + silence(0.8)) * 2)
    assert kinds(heard) == [SpeechStarted, SpeechEnded] * 2


def test_mild_noise_is_no_speech_and_speech_in_it_is_found():
    quiet, loud = noise(2, rms=150), noise(1, rms=3000)
    assert EnergyVad(RATE_HZ).feed(quiet) == []
    assert kinds(EnergyVad(RATE_HZ).feed(quiet + loud + quiet)) == [SpeechStarted, SpeechEnded]


def test_a_steady_noise_stops_being_speech_within_a_dozen_seconds():
    heard = EnergyVad(RATE_HZ).feed(noise(30, rms=1500))
    assert kinds(heard) == [SpeechStarted, SpeechEnded]
    assert heard[1].voiced_s < 12


def test_direct_current_is_no_sound():
    assert EnergyVad(RATE_HZ).feed(array("h", [3000] * 2 * RATE_HZ).tobytes()) == []


def test_speech_without_end_ends_after_a_minute():
    vad = EnergyVad(RATE_HZ)
    heard = [it for _ in range(25) for it in vad.feed((voice(2) + silence(0.1)) + voice(1, level=3000))]
    assert heard[1].voiced_s == pytest.approx(60, abs=1)


def test_no_samples_means_no_time_and_the_end_of_the_stream_closes_speech():
    vad = EnergyVad(RATE_HZ)
    vad.feed(voice(0.5))
    assert kinds(vad.finish()) == [SpeechEnded]
    assert vad.finish() == []


def test_the_setup_can_ask_for_more_voice_and_more_silence():
    vad = EnergyVad(RATE_HZ, start_ms=300, silence_ms=1500)
    assert vad.feed(voice(0.2) + silence(0.5)) == []
    assert kinds(vad.feed(voice(0.5) + silence(1.4))) == [SpeechStarted]
    assert kinds(vad.feed(silence(0.2))) == [SpeechEnded]


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=60))
def test_how_the_stream_is_cut_makes_no_difference(sizes):
    stream = silence(0.3) + voice(0.4) + silence(0.7)
    whole, cut, start = EnergyVad(RATE_HZ).feed(stream), [], 0
    vad = EnergyVad(RATE_HZ)
    for size in sizes:
        cut += vad.feed(stream[start : start + size])
        start += size
    cut += vad.feed(stream[start:])
    assert cut == whole


def test_marked_speech_is_taken_as_marked_even_if_it_is_silent():
    vad = ManualVad(RATE_HZ)
    vad.feed(voice(1))
    assert vad.begin() == [SpeechStarted(1.0)]
    assert vad.begin() == []
    vad.feed(silence(0.5))
    assert vad.finish() == [SpeechEnded(silence(0.5), RATE_HZ, 0.5)]
    vad.feed(voice(1))
    assert vad.finish() == []


def test_an_activity_without_sound_is_no_turn():
    vad = ManualVad(RATE_HZ)
    vad.begin()
    assert vad.finish() == []


def test_marked_speech_has_the_rate_its_sound_declares():
    ear = Ear(ActivityDetection(disabled=True), AudioKeeper("", 1))
    ear.begin()
    ear.hear(Blob(data=voice(1, rate_hz=48_000), mime_type="audio/pcm;rate=48000"))
    (ended,) = ear.finish()
    assert (ended.rate_hz, ended.voiced_s) == (48_000, 1.0)


def test_a_change_of_rate_ends_the_speech_before_it():
    ear = Ear(ActivityDetection(), AudioKeeper("", 1))
    ear.hear(Blob(data=voice(0.5), mime_type="audio/pcm;rate=16000"))
    heard = ear.hear(Blob(data=voice(0.5, rate_hz=8000), mime_type="audio/pcm;rate=8000"))
    assert kinds(heard) == [SpeechEnded, SpeechStarted]
    assert (ear.chunks, ear.samples) == (2, 12_000)


@pytest.mark.parametrize(
    ("mime_type", "rate_hz"),
    [("audio/pcm", 16_000), ("audio/pcm;rate=24000", 24_000), ("Audio/PCM; rate=8000", 8000)],
)
def test_the_rate_is_read_from_the_mime_type(mime_type, rate_hz):
    assert read_rate(mime_type) == rate_hz


@pytest.mark.parametrize("mime_type", ["", "audio/mpeg", "audio/pcm;rate=1", "audio/pcm;rate=999999"])
def test_what_is_no_pcm_is_refused(mime_type):
    with pytest.raises(Refusal):
        read_rate(mime_type)
