"""Which part of what is played goes with which frame of the microphone."""

from array import array

import pytest

from actors.inputs.near_end import FAR_RATE_HZ, LEAD_S, PATIENCE_S, NearEnd
from actors.inputs.reference import CAPACITY_S

FRAME_NS = 20_000_000
FAR_BYTES = FAR_RATE_HZ // 100 * 2
LEAD_NS = int(LEAD_S * 1e9)
NOW_NS = 10**15


def pcm(samples):
    return array("h", samples).tobytes()


class Notes:
    """A canceller that only writes down what it was given."""

    def __init__(self):
        self.far = b""
        self.restarted_at = []

    def restart(self):
        self.restarted_at.append(len(self.far) // FAR_BYTES)

    def clean(self, mic, far):
        assert (len(mic), len(far)) == (320, FAR_BYTES)
        self.far += far
        return bytes(reversed(mic))


@pytest.fixture
def notes():
    return Notes()


@pytest.fixture
def near_end(notes):
    return NearEnd(notes, 14_000_000)


def frame(near_end, number=0, n_parts=2):
    """Let the frame of that number arrive, as its last sample is captured."""
    began_ns = NOW_NS + number * FRAME_NS
    return near_end.clean(bytes(320 * n_parts), began_ns, began_ns + n_parts * FRAME_NS // 2)


def test_a_frame_goes_with_what_sounds_a_lead_later(near_end, notes):
    played = pcm(range(1, 481))
    near_end.announced(played, NOW_NS + LEAD_NS, NOW_NS)
    frame(near_end)
    assert notes.far == played


def test_frames_that_arrive_late_still_go_with_their_own_reference(near_end, notes):
    played = pcm(range(1, 481)) * 30
    near_end.announced(played, NOW_NS + LEAD_NS, NOW_NS)
    for number in range(30):
        late_ns = 60_000_000 if number % 10 == 9 else 0
        began_ns = NOW_NS + number * FRAME_NS
        near_end.clean(bytes(640), began_ns, began_ns + FRAME_NS + late_ns)
    assert notes.far == played


def test_what_comes_back_was_captured_earlier_by_the_delay_of_the_canceller(near_end):
    assert frame(near_end) == (bytes(640), NOW_NS - 14_000_000)


def test_every_ten_milliseconds_of_a_frame_are_cleaned_and_stay_in_order(near_end):
    parts = [bytes([number] * 320) for number in range(1, 4)]
    assert near_end.clean(b"".join(parts), NOW_NS, NOW_NS)[0] == b"".join(parts)


def test_the_canceller_sees_a_frame_that_is_skipped_with_the_reference_that_came_meanwhile(near_end, notes):
    near_end.skip(bytes(640), NOW_NS + FRAME_NS)
    assert notes.far == b""
    near_end.announced(pcm(range(1, 961)), NOW_NS + LEAD_NS, NOW_NS + 5 * FRAME_NS)
    assert len(frame(near_end, 1)[0]) == 640
    assert notes.far == pcm(range(1, 961))


def test_when_the_microphone_is_opened_again_its_frames_are_placed_anew(near_end, notes):
    frame(near_end)
    near_end.skip(bytes(640), NOW_NS + 2 * FRAME_NS)
    near_end.reopened()
    began_ns = NOW_NS + 300_000_000
    near_end.announced(pcm(range(1, 481)), began_ns + LEAD_NS, began_ns)
    near_end.clean(bytes(640), began_ns, began_ns + FRAME_NS)
    assert notes.far[960:] == pcm(range(1, 481))


def test_each_reply_after_a_second_of_silence_begins_with_a_canceller_that_knows_nothing(near_end, notes):
    for number in range(200):
        is_played = number in {10, 50, 110, 120}
        if is_played:
            began_ns = NOW_NS + number * FRAME_NS
            near_end.announced(pcm([5] * 480), began_ns + LEAD_NS, began_ns)
        frame(near_end, number)
    assert notes.restarted_at == [20, 220]


def test_after_a_cut_and_after_lost_frames_the_room_is_learnt_anew(near_end, notes):
    for number in range(60):
        began_ns = NOW_NS + number * FRAME_NS + (100_000_000 if number >= 20 else 0)
        near_end.announced(pcm([5] * 480), began_ns + LEAD_NS, began_ns)
        if number == 10:
            near_end.cut(began_ns + 10**9)
        near_end.clean(bytes(640), began_ns, began_ns + FRAME_NS)
    assert len(notes.restarted_at) == 3
    assert notes.restarted_at[:2] == [0, 20]
    assert 40 < notes.restarted_at[2] < 80


def test_two_loudspeakers_are_heard_together(near_end, notes):
    near_end.announced(pcm([20_000] * 480), NOW_NS + LEAD_NS, NOW_NS)
    near_end.announced(pcm([20_000] * 240), NOW_NS + LEAD_NS, NOW_NS)
    frame(near_end)
    assert notes.far == pcm([32_767] * 240 + [20_000] * 240)


def test_what_was_aborted_is_no_reference(near_end, notes):
    near_end.announced(pcm([5] * 480), NOW_NS + LEAD_NS, NOW_NS)
    near_end.cut(NOW_NS + LEAD_NS + FRAME_NS // 2)
    frame(near_end)
    assert notes.far == pcm([5] * 240 + [0] * 240)


def test_a_reference_that_comes_after_its_frame_is_counted(near_end):
    frame(near_end)
    near_end.announced(pcm([5] * 480), NOW_NS + LEAD_NS, NOW_NS + FRAME_NS)
    near_end.announced(pcm([5] * 480), NOW_NS + LEAD_NS + FRAME_NS, NOW_NS + FRAME_NS)
    assert (near_end.late, near_end.misplaced) == (1, 0)


@pytest.mark.parametrize("away_s", [-3, 3])
def test_a_reference_far_from_now_is_refused_and_counted(near_end, notes, away_s):
    near_end.announced(pcm([5] * 480), NOW_NS + away_s * 10**9, NOW_NS)
    frame(near_end)
    assert not any(notes.far)
    assert (near_end.late, near_end.misplaced) == (0, 1)
    assert away_s > CAPACITY_S / 2 or away_s < -CAPACITY_S / 2


def test_a_frame_waits_for_its_reference_and_is_lost_in_the_end(near_end):
    near_end.announced(pcm([5] * 480), NOW_NS, NOW_NS)
    came_ns = NOW_NS + FRAME_NS
    assert near_end.reference(came_ns, came_ns) == "coming"
    assert near_end.reference(came_ns, came_ns + int(PATIENCE_S * 1e9)) == "lost"
    near_end.announced(pcm([5] * 480), came_ns, came_ns)
    assert near_end.reference(came_ns, came_ns) == "here"


def test_nothing_is_waited_for_when_no_loudspeaker_announces_anything(near_end):
    assert near_end.reference(NOW_NS, NOW_NS) == "here"
    near_end.announced(pcm([5] * 480), NOW_NS, NOW_NS)
    assert near_end.reference(NOW_NS + 4 * 10**9, NOW_NS + 4 * 10**9) == "here"
