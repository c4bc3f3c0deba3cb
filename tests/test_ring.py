"""The microphone's ring: bounded by time, oldest first out, every drop counted."""

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


def test_frames_are_numbered_from_one_and_come_back_as_they_were():
    ring = Ring()
    assert [ring.add(b"ab", 10), ring.add(b"cd", 20)] == [1, 2]
    assert ring.since(0) == [Frame(1, 10, b"ab"), Frame(2, 20, b"cd")]
    assert ring.since(1) == [Frame(2, 20, b"cd")]
    assert ring.since(2) == []


def test_beyond_its_capacity_the_oldest_frame_gives_way_and_is_counted():
    ring = filled(8, capacity_s=0.1)
    assert [frame.seq for frame in ring.since(0)] == [4, 5, 6, 7, 8]
    assert (ring.dropped, ring.queue_ms, ring.peak_queue_ms) == ({"overflow": 3}, 100, 100)


def test_thirty_seconds_are_kept_unless_said_otherwise():
    assert filled(2000).queue_ms == 30_000


def test_delivered_frames_are_forgotten_without_counting_as_dropped():
    ring = filled(5)
    ring.forget(3)
    assert ([frame.seq for frame in ring.since(0)], ring.dropped, ring.queue_ms) == ([4, 5], {}, 40)


def test_stale_frames_are_dropped_and_counted_under_their_reason():
    ring = filled(10)
    assert ring.drop_stale(now_ns=10 * FRAME_NS, max_age_s=0.1) == 5
    assert ([frame.seq for frame in ring.since(0)], ring.dropped) == ([6, 7, 8, 9, 10], {"stale": 5})


def test_clearing_counts_every_frame_and_goes_on_numbering():
    ring = filled(3)
    assert ring.clear("muted") == 3
    assert (ring.dropped, ring.queue_ms, ring.since(0)) == ({"muted": 3}, 0, [])
    assert (ring.add(FRAME, 0), ring.last_seq) == (4, 4)


@given(st.lists(st.integers(0, 40), max_size=80), st.integers(0, 90))
def test_the_ring_never_holds_more_than_its_capacity_and_only_the_newest(lengths, seq):
    ring = Ring(capacity_s=0.2, rate_hz=1000)
    for number, length in enumerate(lengths):
        ring.add(bytes(2 * length), number)
    kept = [frame.seq for frame in ring.since(0)]
    assert ring.queue_ms <= 200
    assert kept == list(range(len(lengths) - len(kept) + 1, len(lengths) + 1))
    assert len(kept) + ring.dropped.get("overflow", 0) == len(lengths)
    assert [frame.seq for frame in ring.since(seq)] == [each for each in kept if each > seq]
