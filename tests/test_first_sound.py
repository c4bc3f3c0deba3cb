"""How long the beginning of a reply was on its way."""

from array import array

from actors.outputs.first_sound import AUDIBLE, FirstSound

MS = 1_000_000
PERIOD = 240
"""Samples: 10 ms."""


def pcm(*levels):
    """One period of so many silent, quiet or loud samples."""
    return array("h", levels).tobytes().ljust(2 * PERIOD, b"\0")


def expecting(sent_ns=1000 * MS, voice_ended_ns=500 * MS, played=0):
    first = FirstSound()
    first.expect(sent_ns, voice_ended_ns, played)
    return first


def test_a_reply_that_begins_in_silence_is_played_at_its_first_sample_and_heard_at_its_first_sound():
    first = expecting()
    first.took(pcm(), PERIOD, 1080 * MS)
    first.took(pcm(*[AUDIBLE - 1] * 120, AUDIBLE), 2 * PERIOD, 1090 * MS)
    latencies = first.latencies()
    assert latencies["receive_to_play"].p50 == 80
    assert latencies["mouth_to_ear"].p50 == 595


def test_what_is_played_before_the_reply_is_not_the_reply():
    first = expecting(played=PERIOD)
    first.took(pcm(AUDIBLE), PERIOD, 1010 * MS)
    assert first.latencies() == {}


def test_a_reply_is_measured_once():
    first = expecting()
    for played in range(1, 9):
        first.took(pcm(AUDIBLE), played * PERIOD, (1000 + 10 * played) * MS)
    assert {name: (each.p50, each.p99) for name, each in first.latencies().items()} == {
        "receive_to_play": (10, 10),
        "mouth_to_ear": (510, 510),
    }


def test_a_reply_to_a_typed_line_has_no_way_from_the_mouth():
    first = expecting(voice_ended_ns=0)
    first.took(pcm(AUDIBLE), PERIOD, 1080 * MS)
    assert list(first.latencies()) == ["receive_to_play"]


def test_a_reply_that_was_cut_before_it_sounded_is_not_measured():
    first = expecting()
    first.forget()
    first.took(pcm(AUDIBLE), PERIOD, 1080 * MS)
    assert first.latencies() == {}
