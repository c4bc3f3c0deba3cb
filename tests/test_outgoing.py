"""What the microphone sends: from where the session asks, in order, each sample once, and no faster than a link bears."""

import pytest

from actors import wire
from actors.inputs.outgoing import BURST_S, MAX_AGE_S, PAUSE_S, SPEED, Outgoing
from actors.inputs.ring import Ring
from actors.runtime.inbox import Counters

NS = 1_000_000_000
FRAME_NS = NS // 50
BEGAN_NS = 1000 * NS


class Speaker:
    """Somebody who speaks, frame by frame, into an `Outgoing` with a session that takes everything."""

    def __init__(self, **options):
        self.counters = Counters()
        self.outgoing = Outgoing(Ring(BEGAN_NS), self.counters, **options)
        self.now_ns = BEGAN_NS
        self.spoken = 0
        self.sent = []
        self.is_up = True

    def speak(self, frames=1):
        for _ in range(frames):
            self.spoken += 1
            self.outgoing.add(self.spoken.to_bytes(2, "little") * 320, self.now_ns)
            self.now_ns += FRAME_NS
            self.flush()

    def be_silent(self, seconds):
        self.outgoing.cut()
        self.now_ns += int(seconds * NS)
        self.flush()

    def ask(self, number=1, after_ns=0):
        self.outgoing.asked(wire.Replay(number, after_ns))
        self.flush()

    def flush(self):
        while self.is_up and (message := self.outgoing.next(self.now_ns / NS, self.now_ns)) is not None:
            self.outgoing.sent(message)
            self.sent.append(message)

    def wait(self, seconds):
        for _ in range(round(seconds * 50)):
            self.now_ns += FRAME_NS
            self.flush()

    @property
    def numbers(self):
        return [int.from_bytes(m.pcm_16k[:2], "little") if m != wire.MicPaused() else None for m in self.sent]


@pytest.fixture
def speaker():
    return Speaker()


def test_nothing_is_sent_before_somebody_asks_and_then_all_of_it(speaker):
    speaker.speak(10)
    assert speaker.sent == []
    speaker.ask()
    assert speaker.numbers == list(range(1, 11))


def test_a_replay_begins_with_the_first_sample_after_the_time_asked_for_and_bears_its_number(speaker):
    speaker.speak(10)
    speaker.ask(number=7, after_ns=BEGAN_NS + 4 * FRAME_NS)
    assert speaker.numbers == [5, 6, 7, 8, 9, 10]
    assert {chunk.replay for chunk in speaker.sent} == {7}


def test_what_was_sent_for_an_earlier_connection_is_sent_again_for_the_next(speaker):
    speaker.ask(1)
    speaker.speak(10)
    speaker.ask(2, after_ns=BEGAN_NS + 8 * FRAME_NS)
    speaker.speak(2)
    assert speaker.numbers == [*range(1, 11), 9, 10, 11, 12]


def test_a_long_replay_is_faster_than_real_time_and_does_not_flood_the_link(speaker):
    speaker.speak(50 * 20)
    speaker.ask()
    before = len(speaker.sent)
    assert before == pytest.approx(BURST_S * 50, abs=1)
    speaker.wait(1)
    assert len(speaker.sent) - before == pytest.approx(SPEED * 50, abs=2)
    speaker.wait(20 / SPEED)
    assert speaker.numbers == list(range(1, 1001))


def test_what_is_said_during_a_replay_comes_after_it(speaker):
    speaker.speak(500)
    speaker.ask()
    speaker.speak(200)
    assert speaker.numbers == list(range(1, 701))


def test_once_it_has_caught_up_what_comes_late_is_left_out_and_counted(speaker):
    speaker.ask()
    speaker.speak(5)
    speaker.is_up = False
    speaker.speak(40)
    speaker.is_up = True
    speaker.speak()
    late = 41 - int(MAX_AGE_S * 50)
    assert speaker.numbers == [*range(1, 6), *range(6 + late, 47)]
    assert speaker.counters.dropped == {"stale": late}


def test_a_replay_that_has_to_wait_just_before_it_has_caught_up_leaves_nothing_out(speaker):
    speaker.speak(50)
    speaker.ask()
    speaker.wait(0.04)
    assert 0 < len(speaker.numbers) < 50
    speaker.is_up = False
    speaker.wait(0.2)
    speaker.is_up = True
    speaker.wait(1)
    assert speaker.numbers == list(range(1, 51))
    assert speaker.counters.dropped == {}


def test_what_was_left_out_can_still_be_replayed(speaker):
    speaker.ask(1)
    speaker.is_up = False
    speaker.speak(100)
    speaker.is_up = True
    speaker.speak()
    speaker.sent.clear()
    speaker.ask(2)
    speaker.wait(1)
    assert speaker.numbers == list(range(1, 102))


def test_a_new_session_gets_nothing_before_it_asks(speaker):
    speaker.ask()
    speaker.speak(3)
    speaker.outgoing.nobody_asks()
    speaker.speak(3)
    assert speaker.numbers == [1, 2, 3]
    speaker.ask(1, after_ns=BEGAN_NS + 3 * FRAME_NS)
    assert speaker.numbers == [1, 2, 3, 4, 5, 6]


def test_a_pause_is_told_in_the_replay_too_unless_it_was_short(speaker):
    speaker.speak(2)
    speaker.be_silent(PAUSE_S - 0.1)
    speaker.speak(2)
    speaker.be_silent(PAUSE_S + 0.1)
    speaker.speak(2)
    speaker.ask()
    assert speaker.numbers == [1, 2, 3, 4, None, 5, 6]


def test_a_pause_that_was_told_when_it_began_is_not_told_again(speaker):
    speaker.ask()
    speaker.speak(2)
    speaker.be_silent(PAUSE_S + 1)
    assert speaker.outgoing.pause() == wire.MicPaused()
    speaker.outgoing.sent(wire.MicPaused())
    assert speaker.outgoing.pause() is None
    speaker.speak(2)
    assert speaker.numbers == [1, 2, 3, 4]


def test_in_push_to_talk_every_pause_ends_a_turn():
    speaker = Speaker(has_turns=True)
    speaker.speak(2)
    speaker.be_silent(0.1)
    speaker.speak(2)
    speaker.ask()
    assert speaker.numbers == [1, 2, None, 3, 4]


@pytest.mark.parametrize(("after_ns", "is_counted"), [(0, False), (BEGAN_NS - 1, True), (BEGAN_NS, False)])
def test_a_replay_from_before_its_own_memory_is_counted(speaker, after_ns, is_counted):
    speaker.speak(3)
    speaker.ask(after_ns=after_ns)
    assert speaker.numbers == [1, 2, 3]
    assert speaker.counters.dropped == ({"replay_too_old": 1} if is_counted else {})
