"""The microphone's ring: bounded by time, oldest first out, and every frame found by when it was captured."""

from hypothesis import given
from hypothesis import strategies as st

from actors.inputs.ring import Frame, Ring

FRAME = bytes(640)
FRAME_NS = 20_000_000


def filled(n_frames, **options):
    ring = Ring(**options)
    for number in range(n_frames):
        ring.add(FRAME, number * FRAME_NS)
    return ring


def kept(ring, after=0):
    frames = []
    while (frame := ring.next_after(after)) is not None:
        frames.append(frame)
        after = frame.seq
    return frames


def test_frames_are_numbered_from_one_and_come_back_as_they_were():
    ring = Ring()
    ring.add(b"ab", 10)
    ring.add(b"cd", 100_000, is_after_pause=True)
    assert kept(ring) == [Frame(1, 10, b"ab"), Frame(2, 100_000, b"cd", is_after_pause=True)]
    assert kept(ring, after=1) == [Frame(2, 100_000, b"cd", is_after_pause=True)]
    assert ring.next_after(2) is None


def test_thirty_seconds_are_kept_unless_said_otherwise_and_it_is_known_what_is_forgotten():
    ring = filled(2000, began_ns=5)
    assert ring.ms_after(0) == 30_000
    assert (ring.next_after(0).seq, ring.forgotten_ns) == (501, 500 * FRAME_NS)
    assert filled(3, began_ns=5).forgotten_ns == 5


def test_frames_follow_one_another_although_the_clock_that_stamps_them_was_set_back():
    ring = filled(3)
    ring.add(FRAME, FRAME_NS)
    assert [frame.captured_ns for frame in kept(ring)] == [0, FRAME_NS, 2 * FRAME_NS, 3 * FRAME_NS]


def test_the_frame_that_ends_at_a_time_is_found_although_the_clock_wavers_by_less_than_half_a_frame():
    ring = filled(10)
    for wrong_ns in (-9_000_000, 0, 9_000_000):
        assert ring.seq_at(4 * FRAME_NS + wrong_ns) == 4
    assert (ring.seq_at(0), ring.seq_at(99 * FRAME_NS)) == (0, 10)


def test_before_the_oldest_frame_comes_all_that_is_kept():
    ring = filled(8, capacity_s=0.1)
    assert [frame.seq for frame in kept(ring, after=ring.seq_at(1))] == [4, 5, 6, 7, 8]


@given(st.lists(st.integers(1, 40), max_size=80), st.integers(0, 90))
def test_the_ring_never_holds_more_than_its_capacity_and_only_the_newest(lengths, seq):
    ring = Ring(capacity_s=0.2, rate_hz=1000)
    for number, length in enumerate(lengths):
        ring.add(bytes(2 * length), number)
    numbers = [frame.seq for frame in kept(ring)]
    assert ring.ms_after(0) <= 200
    assert numbers == list(range(len(lengths) - len(numbers) + 1, len(lengths) + 1))
    assert [frame.seq for frame in kept(ring, after=seq)] == [each for each in numbers if each > seq]
