"""A loudspeaker behind a gate takes every sample once and says how far it is."""

from hypothesis import given
from hypothesis import strategies as st

from actors.outputs.intake import WINDOW_MS, Intake
from actors.wire import Credit, SpeechChunk

MS = 24
WHOLE = b"".join(number.to_bytes(2, "little") for number in range(30_000))


def piece(first, last):
    """Samples `first` to `last` of a reply in which each is its own number."""
    return SpeechChunk(WHOLE[first * 2 : last * 2], position=first)


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 2000)), max_size=20))
def test_pieces_that_overlap_come_out_as_one_stream_without_doubles(spans):
    intake, out, end = Intake(), b"", 0
    for back, length in spans:
        first = max(0, end - back)
        out += intake.take(1, piece(first, first + length))
        end = max(end, first + length)
    assert out == WHOLE[: end * 2]
    assert intake.holes == 0


def test_what_was_passed_over_is_a_hole_and_counts_as_received():
    intake = Intake()
    intake.take(1, piece(0, 100))
    assert intake.take(1, piece(1000, 1100)) == WHOLE[2000:2200]
    assert intake.holes == 900
    assert intake.credit(1, 0) == Credit(1100, 900, WINDOW_MS)
    assert intake.credit(1, 200, always=True) == Credit(1100, 1100, WINDOW_MS)


def test_slices_without_a_position_follow_one_another():
    intake = Intake()
    assert intake.take(1, SpeechChunk(b"\1\0")) + intake.take(1, SpeechChunk(b"\2\0")) == b"\1\0\2\0"
    assert intake.credit(1, 0, always=True) == Credit(2, 0, WINDOW_MS)


def test_credit_is_given_only_when_it_is_news():
    intake = Intake()
    intake.take(1, piece(0, 100 * MS))
    assert intake.credit(1, 0) == Credit(100 * MS, 0, WINDOW_MS)
    assert intake.credit(1, 10 * MS) is None
    assert intake.credit(1, 20 * MS) == Credit(100 * MS, 20 * MS, WINDOW_MS)
    assert intake.credit(1, 20 * MS, always=True) == Credit(100 * MS, 20 * MS, WINDOW_MS)


def test_nothing_received_is_said_too_when_asked():
    assert Intake().credit(0, 0, always=True) == Credit(0, 0, WINDOW_MS)


def test_old_replies_are_forgotten():
    intake = Intake()
    for epoch in range(100):
        intake.take(epoch, piece(0, 10))
    assert len(intake._received) < 10
