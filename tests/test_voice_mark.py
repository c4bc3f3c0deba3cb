"""Up to where a resumption handle holds the user's voice: exactly where the server says so, by the round trip otherwise."""

import pytest

from actors.model.voice_mark import CONSUME_S, VoiceMark, holds_voice

RTT_S = 0.1


@pytest.fixture
def mark():
    mark = VoiceMark()
    mark.opened()
    for number in range(
        1, 6
    ):  # messages 11 to 15, one each 20 ms, that carry the voice up to 100, 200 ... 500
        mark.sends(10 + number, 100 * number, now=1.0 + 0.02 * number)
    return mark


def test_nothing_is_held_before_a_handle_comes(mark):
    assert (mark.held_ns, mark.sent_ns) == (0, 500)


@pytest.mark.parametrize(("last_index", "held_ns"), [(10, 0), (11, 100), (14, 400), (99, 500)])
def test_a_handle_that_says_what_it_holds_is_believed_whatever_the_link(mark, last_index, held_ns):
    mark.handle_came(holds_voice(last_index, round_trip_s=5, now=1.2))
    assert mark.held_ns == held_ns


def test_without_that_word_a_chunk_is_held_if_it_had_a_round_trip_before_the_handle_came(mark):
    mark.handle_came(holds_voice(None, RTT_S, now=1.06 + RTT_S + CONSUME_S + 0.001))
    assert mark.held_ns == 300


def test_where_nothing_was_on_its_way_the_estimate_is_exact(mark):
    mark.handle_came(holds_voice(None, RTT_S, now=2))
    assert mark.held_ns == 500


def test_a_handle_of_the_next_connection_counts_its_messages_anew_and_never_takes_anything_back(mark):
    mark.handle_came(holds_voice(13, RTT_S, now=2))
    mark.opened()
    assert (mark.held_ns, mark.sent_ns) == (300, 300)
    mark.sends(2, 400, now=3)
    mark.handle_came(holds_voice(1, RTT_S, now=3))
    assert mark.held_ns == 300
    mark.handle_came(holds_voice(2, RTT_S, now=3))
    assert mark.held_ns == 400


def test_a_server_without_handles_settles_what_it_has_answered(mark):
    mark.settle(400)
    mark.settle(200)
    assert mark.held_ns == 400
