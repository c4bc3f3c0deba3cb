"""Frames on their way to the mic actor's loop: at once while somebody speaks, gathered while nobody does; none is lost."""

import os
from array import array

import pytest

from actors.inputs.arrivals import MOST_WAITING, Arrivals
from actors.inputs.hush import HANG_OVER_S
from actors.runtime.inbox import Counters

NS = 1_000_000_000
FRAME_NS = NS // 50
LOUD = array("h", [4000, -4000] * 160).tobytes()


class Room:
    """A microphone in a room, and the loop that takes its frames when it is woken."""

    def __init__(self, quiet_ms=100):
        self.counters = Counters()
        self.may_rest = True
        self.arrivals = Arrivals(16_000, quiet_ms, self.counters, lambda: self.may_rest)
        self.now_ns = 1000 * NS
        self.number = 0
        self.taken = []

    def hear(self, frames=1, pcm=None):
        for _ in range(frames):
            self.number = (self.number + 1) % 100
            self.arrivals.captured(pcm or bytes([self.number, 0]) * 320, self.now_ns)
            self.now_ns += FRAME_NS

    def serve(self):
        """What the loop does; gives how many slices it took."""
        try:
            os.eventfd_read(self.arrivals.wake)
        except BlockingIOError:
            return []
        taken = []
        while self.arrivals.has_slice(at_once=False):
            taken.append(self.arrivals.take())
        self.taken += taken
        return taken

    def fall_silent(self):
        self.hear(int(HANG_OVER_S * 50) + 10)
        while self.arrivals.has_slice(at_once=True):
            self.arrivals.take()
        self.serve()


@pytest.fixture
def room():
    made = Room()
    yield made
    made.arrivals.close()


def test_at_first_and_after_a_voice_every_frame_comes_at_once(room):
    for _ in range(3):
        room.hear()
        assert [slice_.frames for slice_ in room.serve()] == [1]
    room.fall_silent()
    room.hear(pcm=LOUD)
    room.serve()
    room.hear()
    assert [slice_.frames for slice_ in room.serve()] == [1]


def test_in_a_quiet_room_frames_come_together_as_one_slice_and_none_is_missing(room):
    room.fall_silent()
    began_ns, first = room.now_ns, room.number
    slices = []
    for _ in range(20):
        room.hear()
        slices += room.serve()
    assert [slice_.frames for slice_ in slices] == [5] * 4
    assert [slice_.captured_ns for slice_ in slices] == [began_ns + 5 * n * FRAME_NS for n in range(4)]
    heard = b"".join(slice_.pcm for slice_ in slices)
    assert heard == b"".join(bytes([(first + n) % 100, 0]) * 320 for n in range(1, 21))


def test_the_first_loud_frame_takes_all_that_waits_along_and_stands_alone(room):
    room.fall_silent()
    room.hear(3)
    assert room.serve() == []
    room.hear(pcm=LOUD)
    assert [(slice_.frames, slice_.peak, slice_.is_quiet) for slice_ in room.serve()][-1] == (1, 4000, False)
    assert sum(slice_.frames for slice_ in room.taken) >= 4


def test_where_something_is_missing_between_two_frames_they_are_not_joined(room):
    room.fall_silent()
    room.hear(2)
    room.now_ns += NS
    room.hear(3)
    assert [slice_.frames for slice_ in room.serve()] == [2]
    room.hear(2)
    assert [slice_.frames for slice_ in room.serve()] == [5]


def test_what_came_beyond_a_slice_waits_for_the_next(room):
    room.fall_silent()
    room.hear(7)
    assert [slice_.frames for slice_ in room.serve()] == [5]
    room.hear(3)
    assert [slice_.frames for slice_ in room.serve()] == [5]


def test_at_once_means_that_nothing_waits(room):
    room.fall_silent()
    room.hear(2)
    assert room.arrivals.has_slice(at_once=True)
    assert (room.arrivals.take().frames, room.arrivals.has_slice(at_once=True)) == (2, False)


def test_while_it_may_not_rest_every_frame_comes_at_once_and_for_a_while_after_that(room):
    room.fall_silent()
    room.may_rest = False
    room.hear()
    assert len(room.serve()) == 1
    room.may_rest = True
    room.hear()
    assert len(room.serve()) == 1
    assert not room.arrivals.is_resting()


def test_with_nothing_to_gather_every_frame_comes_at_once_however_quiet_it_is():
    room = Room(quiet_ms=0)
    room.fall_silent()
    room.hear()
    assert len(room.serve()) == 1
    room.arrivals.close()


def test_a_loop_that_was_blocked_gets_slices_no_longer_than_others_and_the_oldest_are_counted_as_lost(room):
    room.fall_silent()
    room.hear(MOST_WAITING + 7)
    slices = room.serve()
    assert sum(slice_.frames for slice_ in slices) == MOST_WAITING
    assert max(slice_.frames for slice_ in slices) == 5
    assert room.counters.dropped == {"loop_blocked": 7}
