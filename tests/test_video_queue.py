"""Pictures in the session: the newest of each source, and never at the voice's expense."""

import pytest

from actors.model.video import (
    ARRIVES_WITHIN_S,
    LEAST_BYTES,
    MAX_AGE_S,
    ON_LINK_S,
    PAUSE_PER_PICTURE,
    VideoQueue,
)
from actors.runtime.inbox import Counters
from actors.wire import FIRST_PICTURE_BYTES, MAX_PICTURE_BYTES, VideoFrame


def frame(number, size=0):
    return VideoFrame(bytes(size), number)


class Stand:
    """A queue that is connected, and who was told that the next picture may come, and how large."""

    def __init__(self):
        self.counters, self.told, self.limits = Counters(), [], []
        self.queue = VideoQueue(self.counters, self._taken)
        self.queue.connected()

    def _taken(self, source, max_bytes):
        self.told.append(source)
        self.limits.append(max_bytes)

    def send(self, now, took_s=0.0):
        """Send what is due, if anything is; gives its number."""
        frame = self.queue.next(now)
        if frame is None:
            return None
        self.queue.arrived(took_s, now + took_s)
        return frame.captured_ns

    def send_of_size(self, size, took_s):
        """Send a picture after a long time; gives how large the next may be."""
        self.queue.add(b"camera", frame(1, size), 1000.0 * len(self.told))
        self.send(1000.0 * len(self.told), took_s)
        return self.limits[-1]


@pytest.fixture
def stand():
    return Stand()


def test_of_each_source_only_the_newest_is_sent_and_the_others_are_counted(stand):
    for number in (1, 2, 3):
        stand.queue.add(b"camera", frame(number), 10.0)
        stand.queue.add(b"screen", frame(10 * number), 10.0)
    assert [stand.send(10.0) for _ in range(3)] == [3, 30, None]
    assert (stand.told, stand.counters.dropped) == ([b"camera", b"screen"], {"video_late": 4})


def test_a_picture_that_took_long_is_followed_by_a_pause_of_several_times_that_length(stand):
    stand.queue.add(b"camera", frame(1), 10.0)
    assert stand.send(10.0, took_s=0.5) == 1
    stand.queue.add(b"camera", frame(2), 10.5)
    pause_ends_s = 10.5 + PAUSE_PER_PICTURE * 0.5
    assert stand.send(pause_ends_s - 0.01) is None
    assert stand.send(pause_ends_s) == 2


def test_one_picture_is_on_the_link_at_a_time(stand):
    for source in (b"camera", b"screen"):
        stand.queue.add(source, frame(1), 10.0)
    assert stand.queue.next(10.0) is not None
    assert stand.queue.next(10.1) is None
    stand.queue.arrived(0.0, 10.2)
    assert stand.queue.next(10.2) is not None


def test_the_first_pictures_are_small_and_double_while_that_goes_well(stand):
    limit, limits = FIRST_PICTURE_BYTES, []
    while limit < MAX_PICTURE_BYTES:
        limit = stand.send_of_size(limit, took_s=0.01)
        limits.append(limit)
    assert limits == [64_000, 128_000, 256_000, 512_000, MAX_PICTURE_BYTES]


def test_a_picture_says_no_more_of_larger_ones_than_its_own_pace():
    assert Stand().send_of_size(1_000, took_s=0.01) == FIRST_PICTURE_BYTES
    assert Stand().send_of_size(2_000, took_s=0.01) == 40_000
    assert Stand().send_of_size(10_000, took_s=0.01) == 2 * FIRST_PICTURE_BYTES


def test_a_picture_that_took_long_says_how_large_the_next_may_be(stand):
    assert stand.send_of_size(100_000, took_s=2 * ON_LINK_S) == 50_000
    assert stand.send_of_size(50_000, took_s=ON_LINK_S) == 50_000
    assert stand.send_of_size(50_000, took_s=0.6 * ON_LINK_S) == 83_333
    assert stand.send_of_size(50_000, took_s=100 * ON_LINK_S) == LEAST_BYTES


def test_a_new_connection_begins_with_small_pictures(stand):
    assert stand.send_of_size(FIRST_PICTURE_BYTES, took_s=0.01) == 2 * FIRST_PICTURE_BYTES
    stand.queue.disconnected()
    stand.queue.add(b"camera", frame(1), 10.0)
    assert stand.limits[-1] == FIRST_PICTURE_BYTES


def test_a_server_that_never_says_that_a_picture_arrived_gets_the_next_one_all_the_same(stand):
    stand.queue.add(b"camera", frame(1, 100_000), 10.0)
    stand.queue.next(10.0)
    stand.queue.tick(10.0 + ARRIVES_WITHIN_S)
    assert stand.told == []
    stand.queue.tick(10.1 + ARRIVES_WITHIN_S)
    assert (stand.told, stand.limits) == ([b"camera"], [LEAST_BYTES])
    stand.queue.arrived(0.0, 20.0)
    assert stand.told == [b"camera"], "late word of it changes nothing"


def test_what_has_waited_too_long_is_given_up_and_its_source_is_told(stand):
    stand.queue.add(b"camera", frame(1), 10.0)
    stand.queue.tick(10.0 + MAX_AGE_S)
    assert stand.told == []
    stand.queue.tick(10.01 + MAX_AGE_S)
    assert (stand.told, stand.send(20.0), stand.counters.dropped) == (
        [b"camera"],
        None,
        {"video_late": 1},
    )


def test_without_a_connection_nothing_waits_and_every_source_is_told(stand):
    stand.queue.add(b"camera", frame(1), 10.0)
    stand.queue.disconnected()
    stand.queue.add(b"screen", frame(2), 10.0)
    assert (len(stand.queue), stand.told) == (0, [b"camera", b"screen"])
    assert stand.counters.dropped == {"video_unconnected": 2}
    stand.queue.connected()
    stand.queue.add(b"camera", frame(3), 10.0)
    assert stand.send(10.0) == 3


def test_the_source_of_a_picture_whose_sending_broke_off_is_told(stand):
    stand.queue.add(b"camera", frame(1), 10.0)
    assert stand.queue.next(10.0) == frame(1)
    stand.queue.disconnected()
    assert (stand.told, stand.counters.dropped) == ([b"camera"], {"video_unconnected": 1})


def test_a_picture_that_comes_while_another_is_being_sent_is_sent_after_it(stand):
    stand.queue.add(b"camera", frame(1), 10.0)
    stand.queue.next(10.0)
    stand.queue.add(b"camera", frame(2), 10.0)
    stand.queue.tick(10.0)
    stand.queue.arrived(0.0, 10.0)
    assert stand.told == [b"camera"]
    assert stand.send(10.0) == 2


def test_the_picture_of_a_source_that_left_is_forgotten(stand):
    stand.queue.add(b"camera", frame(1), 10.0)
    stand.queue.left(b"camera")
    stand.queue.left(b"nobody")
    assert (stand.send(10.0), stand.told) == (None, [])
