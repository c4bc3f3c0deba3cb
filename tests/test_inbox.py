"""The bounded queue: what is dropped, what is not, and that it is counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import wire
from actors.runtime.inbox import Counters, Inbox, Received


def received(body):
    return Received(wire.Envelope(wire.VERSION, "mic", 1, 1, 0, 0, body))


def voice(number):
    return received(wire.MicChunk(b"", number))


def text(number):
    return received(wire.OutputText(str(number)))


def filled(limit, *items):
    counters = Counters()
    inbox = Inbox(limit, counters)
    for item in items:
        inbox.put(item)
    return inbox, counters


def emptied(inbox):
    return [inbox.take() for _ in range(len(inbox))]


def test_messages_come_out_in_the_order_they_came_in():
    inbox, _ = filled(9, text(1), voice(2), text(3))
    assert emptied(inbox) == [text(1), voice(2), text(3)]


def test_when_full_the_oldest_live_audio_gives_way_and_is_counted():
    inbox, counters = filled(3, text(1), voice(2), voice(3), text(4), voice(5))
    assert emptied(inbox) == [text(1), text(4), voice(5)]
    assert counters.dropped == {"inbox_full": 2}


def test_when_full_of_what_must_not_be_dropped_there_is_no_room():
    inbox, counters = filled(2, text(1), text(2))
    assert not inbox.has_room
    with pytest.raises(OverflowError, match="2 messages that must not be dropped"):
        inbox.put(text(3))
    assert emptied(inbox) == [text(1), text(2)]
    assert counters.dropped == {}


def test_a_note_of_our_own_keeps_its_place_even_when_there_is_no_room():
    inbox, _ = filled(2, text(1), text(2))
    inbox.note(text(3))
    assert not inbox.has_room
    assert emptied(inbox) == [text(1), text(2), text(3)]


def test_taking_from_an_empty_inbox_is_an_index_error():
    with pytest.raises(IndexError):
        filled(1)[0].take()


def test_the_peak_is_remembered_when_the_inbox_is_empty_again():
    inbox, _ = filled(9, text(1), text(2), text(3))
    emptied(inbox)
    assert (inbox.peak, len(inbox)) == (3, 0)


@given(st.lists(st.sampled_from(["voice", "text", "take"]), max_size=60))
def test_the_bound_holds_and_everything_is_taken_or_counted_or_still_there(steps):
    inbox, counters = filled(5)
    put, taken = [], []
    for number, step in enumerate(steps):
        if step == "take" and len(inbox):
            taken.append(inbox.take())
        elif step != "take" and inbox.has_room:
            put.append(voice(number) if step == "voice" else text(number))
            inbox.put(put[-1])
        assert len(inbox) <= 5
    out = taken + emptied(inbox)
    lost = [item for item in put if item not in out]

    assert out == [item for item in put if item not in lost]
    assert all(isinstance(item.envelope.body, wire.MicChunk) for item in lost)
    assert counters.dropped.get("inbox_full", 0) == len(lost)
