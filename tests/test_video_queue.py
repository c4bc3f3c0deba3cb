"""Pictures in the session: the newest of each source, and never at the voice's expense."""

import pytest

from actors.model.video import MAX_AGE_S, PAUSE_PER_SENDING, VideoQueue
from actors.runtime.inbox import Counters
from actors.wire import VideoFrame


def frame(number):
    return VideoFrame(b"", number)


class Stand:
    """A queue that is connected, and who was told that the next picture may come."""

    def __init__(self):
        self.counters, self.told = Counters(), []
        self.queue = VideoQueue(self.counters, self.told.append)
        self.queue.connected()

    def send(self, began_s, ended_s):
        """Send what is due, if anything is; gives its number."""
        frame = self.queue.next(began_s)
        if frame is None:
            return None
        self.queue.sent(began_s, ended_s)
        return frame.captured_ns


@pytest.fixture
def stand():
    return Stand()


def test_of_each_source_only_the_newest_is_sent_and_the_others_are_counted(stand):
    for number in (1, 2, 3):
        stand.queue.add(b"camera", frame(number), 10.0)
        stand.queue.add(b"screen", frame(10 * number), 10.0)
    assert [stand.send(10.0, 10.0) for _ in range(3)] == [3, 30, None]
    assert (stand.told, stand.counters.dropped) == ([b"camera", b"screen"], {"video_late": 4})


def test_a_picture_that_took_long_is_followed_by_a_pause_of_several_times_that_length(stand):
    stand.queue.add(b"camera", frame(1), 10.0)
    assert stand.send(10.0, 10.5) == 1
    stand.queue.add(b"camera", frame(2), 10.5)
    pause_ends_s = 10.5 + PAUSE_PER_SENDING * 0.5
    assert stand.send(pause_ends_s - 0.01, 0) is None
    assert stand.send(pause_ends_s, pause_ends_s) == 2


def test_what_has_waited_too_long_is_given_up_and_its_source_is_told(stand):
    stand.queue.add(b"camera", frame(1), 10.0)
    stand.queue.tick(10.0 + MAX_AGE_S)
    assert stand.told == []
    stand.queue.tick(10.01 + MAX_AGE_S)
    assert (stand.told, stand.send(20.0, 20.0), stand.counters.dropped) == (
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
    assert stand.send(10.0, 10.0) == 3


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
    stand.queue.sent(10.0, 10.0)
    assert stand.told == [b"camera"]
    assert stand.send(10.0, 10.0) == 2


def test_the_picture_of_a_source_that_left_is_forgotten(stand):
    stand.queue.add(b"camera", frame(1), 10.0)
    stand.queue.left(b"camera")
    stand.queue.left(b"nobody")
    assert (stand.send(10.0, 10.0), stand.told) == (None, [])
