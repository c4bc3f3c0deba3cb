"""A reply that follows silence begins when the device is started anew, so that it need not wait behind that silence."""

from array import array

from actors.outputs.playout import RATE_HZ, Playout

MS = RATE_HZ // 1000
LATENCY_S = 0.08
HOLDS_S = 0.16


class Stage:
    """A playout before a device that takes 160 ms at once when it begins."""

    def __init__(self):
        self.now = 100.0
        self.buffer = Playout(clock=lambda: self.now)
        self.buffer.wait_for_cue(HOLDS_S)

    def speak(self, epoch, ms):
        self.buffer.add(epoch, array("h", [100] * (ms * MS)).tobytes())

    def pull(self, ms=40, latency_s=LATENCY_S):
        heard = self.buffer.read(ms * MS, latency_s)
        self.now += ms / 1000
        return any(heard)

    def begin(self):
        self.buffer.cue()
        return self.pull(latency_s=0.0)


def test_a_device_that_runs_gets_nothing_of_a_reply_before_its_cue():
    stage = Stage()
    stage.speak(1, 1000)
    assert not stage.pull()
    assert stage.begin()
    assert stage.pull()


def test_the_cue_is_due_when_there_is_as_much_as_the_device_takes_at_once():
    stage = Stage()
    stage.speak(1, 159)
    assert not stage.buffer.is_cue_due
    stage.speak(1, 1)
    assert stage.buffer.is_cue_due


def test_the_cue_of_a_complete_reply_is_due_however_short_it_is():
    stage = Stage()
    stage.speak(1, 20)
    stage.buffer.end(1)
    assert stage.buffer.is_cue_due


def test_the_cue_of_a_reply_that_does_not_go_on_is_due_after_half_a_second():
    stage = Stage()
    stage.speak(1, 20)
    stage.now += 0.49
    assert not stage.buffer.is_cue_due
    stage.now += 0.02
    assert stage.buffer.is_cue_due


def test_without_a_reply_no_cue_is_due():
    stage = Stage()
    assert not stage.buffer.is_cue_due
    stage.buffer.end(1)
    stage.buffer.cue()
    assert not stage.buffer.is_cue_due


def test_a_reply_has_one_cue_and_none_after_it_ran_dry():
    stage = Stage()
    stage.speak(1, 160)
    assert stage.begin()
    for _ in range(30):
        stage.pull()
    stage.speak(1, 200)
    assert not stage.buffer.is_cue_due
    assert stage.pull()


def test_a_reply_right_behind_another_needs_no_cue_and_leaves_no_gap():
    stage = Stage()
    stage.speak(1, 200)
    stage.buffer.end(1)
    stage.begin()
    stage.speak(2, 200)
    assert [stage.pull() for _ in range(4 + 5)] == [True] * 9
    assert not stage.buffer.is_cue_due


def test_as_long_as_the_device_may_still_sound_it_is_not_started_anew():
    stage = Stage()
    stage.speak(1, 40)
    stage.buffer.end(1)
    stage.begin()
    stage.pull()
    stage.speak(2, 40)
    stage.buffer.end(2)
    assert not stage.buffer.is_cue_due
    assert stage.pull()


def test_after_a_flush_of_an_aborted_device_the_next_reply_waits_for_its_cue_at_once():
    stage = Stage()
    stage.speak(1, 1000)
    stage.begin()
    stage.buffer.flush(2, fade=False)
    stage.speak(2, 200)
    assert stage.buffer.is_cue_due
    assert not stage.pull()


def test_a_reply_with_a_time_of_its_own_waits_for_that_and_not_for_a_cue():
    stage = Stage()
    stage.buffer.add(1, array("h", [100] * (200 * MS)).tobytes(), due_s=stage.now + LATENCY_S)
    assert not stage.buffer.is_cue_due
    assert stage.pull()
