"""Replies on their way to a loudspeaker on another machine: paced by its credit, cut on a path of their own."""

import pytest
from fakes import FakeLoop

from actors import wire
from actors.gate.pacer import FIRST_WINDOW_MS
from actors.gate.speech import RESEND_FOR_S, RESEND_S, Speech

MS = 24
SESSION = 77


class Far:
    """Speech to a loudspeaker that is told what it has received."""

    def __init__(self):
        self.loop = FakeLoop()
        self.media, self.control = [], []
        self.is_up = True
        self.speech = Speech(self.loop, self._by_media, self._by_control)
        self.credit(0, 0, 0)

    def _by_media(self, envelope):
        if self.is_up:
            self.media.append(envelope)
        return self.is_up

    def _by_control(self, envelope):
        if self.is_up:
            self.control.append(envelope)
        return self.is_up

    def hear(self, body, epoch):
        return self.speech.from_hub(wire.Envelope(wire.VERSION, "session", SESSION, 1, epoch, 5, body))

    def say(self, ms, epoch=1, **times):
        self.hear(wire.SpeechChunk(bytes(ms * MS * 2), **times), epoch)

    def credit(self, epoch, received_ms, played_ms, window_ms=FIRST_WINDOW_MS):
        self.tell(wire.Credit(received_ms * MS, played_ms * MS, window_ms), epoch)

    def tell(self, body, epoch):
        self.speech.from_device(wire.Envelope(wire.VERSION, "kitchen", 8, 1, epoch, 5, body))

    def sent_ms(self):
        return sum(len(e.body.pcm_24k) for e in self.media if isinstance(e.body, wire.SpeechChunk)) // 2 // MS

    def flushes(self):
        return [envelope.epoch for envelope in self.control if isinstance(envelope.body, wire.Flush)]


@pytest.fixture
def far():
    return Far()


def test_a_reply_is_sent_as_there_is_room_and_in_the_name_of_the_session(far):
    far.say(3000)
    far.loop.advance(5)
    assert far.sent_ms() == FIRST_WINDOW_MS
    far.credit(1, 400, 300)
    far.loop.advance(5)
    assert far.sent_ms() == 300 + FIRST_WINDOW_MS
    assert {(e.sender, e.boot_id, e.epoch) for e in far.media} == {("session", SESSION, 1)}
    assert [e.body.position for e in far.media][:3] == [0, 20 * MS, 40 * MS]


def test_the_end_comes_after_the_last_sample(far):
    far.say(100)
    far.hear(wire.SpeechEnd(), 1)
    assert isinstance(far.media[-1].body, wire.SpeechEnd)
    assert far.sent_ms() == 100


def test_what_is_not_speech_is_none_of_its_business(far):
    assert not far.hear(wire.Welcome(), 0)


def test_a_flush_goes_both_ways_at_once_and_nothing_older_follows(far):
    far.say(3000)
    far.media.clear()
    far.hear(wire.Flush(), 2)
    far.loop.advance(3)
    assert far.flushes()[0] == 2
    assert [type(envelope.body) for envelope in far.media] == [wire.Flush]


def test_a_flush_is_said_again_until_the_loudspeaker_speaks_from_beyond_it(far):
    far.hear(wire.Flush(), 2)
    far.loop.advance(2.5 * RESEND_S)
    assert far.flushes() == [2, 2, 2]
    far.tell(wire.Heard(120, is_done=True), 1)
    far.loop.advance(RESEND_S)
    assert far.flushes() == [2, 2, 2, 2]
    far.credit(2, 0, 0)
    far.loop.advance(1)
    assert far.flushes() == [2, 2, 2, 2]


def test_a_loudspeaker_that_does_not_answer_is_told_for_a_second(far):
    far.hear(wire.Flush(), 2)
    far.loop.advance(10)
    assert far.flushes() == [2] * len(far.flushes())
    assert RESEND_FOR_S / RESEND_S * 0.9 < len(far.flushes()) <= RESEND_FOR_S / RESEND_S + 2


def test_of_two_flushes_the_newer_is_repeated(far):
    far.hear(wire.Flush(), 2)
    far.hear(wire.Flush(), 3)
    far.loop.advance(RESEND_S * 1.5)
    assert far.flushes() == [2, 3, 3]
    far.credit(2, 0, 0)
    far.loop.advance(RESEND_S)
    assert far.flushes() == [2, 3, 3, 3]


def test_after_a_cut_it_goes_on_where_the_loudspeaker_is(far):
    far.say(300)
    far.is_up = False
    far.speech.broken()
    far.say(300)
    far.loop.advance(5)
    far.is_up = True
    far.media.clear()
    far.credit(1, 100, 80)
    far.loop.advance(5)
    assert far.media[0].body.position == 100 * MS
    assert far.sent_ms() == 80 + FIRST_WINDOW_MS - 100


def test_a_send_that_fails_is_made_good_after_the_next_credit(far):
    far.is_up = False
    far.say(100)
    far.is_up = True
    far.credit(1, 0, 0)
    assert far.sent_ms() == 100


def test_a_new_session_ends_what_its_predecessor_began(far):
    far.say(100)
    far.speech.session_is_new()
    assert isinstance(far.media[-1].body, wire.SpeechEnd)


def test_the_times_of_a_reply_go_with_it(far):
    far.say(40, voice_ended_ns=9, due_ns=10**18)
    first, second = (envelope.body for envelope in far.media)
    assert (first.voice_ended_ns, second.voice_ended_ns) == (9, 9)
    assert second.due_ns - first.due_ns == 20_000_000


def test_after_the_close_nothing_is_sent(far):
    far.hear(wire.Flush(), 2)
    far.say(3000, epoch=2)
    far.speech.close()
    sent = len(far.media) + len(far.control)
    far.loop.advance(5)
    assert len(far.media) + len(far.control) == sent
