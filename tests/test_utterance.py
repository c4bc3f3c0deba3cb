"""When the user stopped speaking."""

from array import array

from actors.model.utterance import MOST_NS, Utterance
from actors.wire import MicChunk

CHUNK = 320
CHUNK_NS = 20_000_000
NS_PER_SAMPLE = 62_500


def hear(levels, utterance=None, begin_ns=CHUNK_NS):
    """Send chunks of a square wave; gives the utterance."""
    utterance = utterance or Utterance()
    for number, level in enumerate(levels):
        utterance.sent(MicChunk(chunk(level), begin_ns + number * CHUNK_NS))
    return utterance


def chunk(level, loud=CHUNK, offset=0):
    wave = [offset + (level if at % 2 else -level) * (at < loud) for at in range(CHUNK)]
    return array("h", wave).tobytes()


def test_the_voice_ended_with_its_last_loud_sample():
    utterance = hear([0, 3000, 3000])
    utterance.sent(MicChunk(chunk(3000, loud=100), 4 * CHUNK_NS))
    hear([0, 0, 0], utterance, begin_ns=5 * CHUNK_NS)
    assert utterance.answered(10 * CHUNK_NS) == 4 * CHUNK_NS + 99 * NS_PER_SAMPLE


def test_a_voice_is_answered_once():
    utterance = hear([3000])
    assert utterance.answered(10 * CHUNK_NS) > 0
    assert utterance.answered(11 * CHUNK_NS) == 0


def test_silence_is_no_voice():
    assert hear([0, 100, 0]).answered(10 * CHUNK_NS) == 0


def test_a_steady_noise_is_no_voice_after_a_while_and_a_voice_above_it_is():
    noise = hear([600] * 50 * 12)
    noise.answered(0)
    hear([600] * 50, noise, begin_ns=50 * 13 * CHUNK_NS)
    assert noise.answered(50 * 14 * CHUNK_NS) == 0
    hear([5000], noise, begin_ns=50 * 14 * CHUNK_NS)
    assert noise.answered(50 * 15 * CHUNK_NS) > 0


def test_the_direct_current_of_a_sound_card_is_no_voice():
    utterance = Utterance()
    utterance.sent(MicChunk(chunk(50, offset=4000), CHUNK_NS))
    assert utterance.answered(2 * CHUNK_NS) == 0


def test_what_comes_a_minute_after_the_voice_does_not_answer_it():
    assert hear([3000]).answered(3 * CHUNK_NS + MOST_NS) == 0


def test_an_odd_chunk_and_an_empty_one_are_taken():
    utterance = Utterance()
    utterance.sent(MicChunk(b"", CHUNK_NS))
    utterance.sent(MicChunk(chunk(3000)[:-1], CHUNK_NS))
    assert utterance.answered(2 * CHUNK_NS) > 0
