"""One reply at a time: its number, who listens to it, and when the line it answers is answered."""

from actors.model.reply import Reply
from actors.wire import LineId

LINE, NEXT = LineId("keyboard", 1), LineId("keyboard", 2)
LEFT, RIGHT = b"left", b"right"


def spoken(*speakers, line=LINE):
    """A reply with audio whose turn is over."""
    reply = Reply()
    reply.begin()
    reply.first_audio(speakers)
    reply.whole()
    reply.over(line)
    return reply


def test_each_reply_has_a_higher_number_than_the_one_before():
    reply = Reply(epoch=7)
    assert (reply.begin(), reply.epoch) == (True, 8)
    assert (reply.begin(), reply.epoch) == (False, 8)
    reply.over(None)
    assert (reply.begin(), reply.epoch) == (True, 9)


def test_the_first_audio_of_each_reply_is_the_first_once():
    reply = Reply()
    reply.begin()
    assert [reply.first_audio([LEFT]), reply.first_audio([LEFT])] == [True, False]
    reply.over(None)
    reply.begin()
    assert reply.first_audio([LEFT])


def test_a_line_is_answered_when_its_turn_is_over_and_every_speaker_is_done():
    reply = spoken(LEFT, RIGHT)
    assert reply.answered() == []
    reply.heard_by(LEFT)
    assert (reply.is_heard, reply.answered()) == (False, [])
    reply.heard_by(RIGHT)
    assert (reply.is_heard, reply.answered()) == (True, [LINE])


def test_a_line_is_answered_once():
    reply = spoken()
    assert [reply.answered(), reply.answered()] == [[LINE], []]


def test_a_reply_nobody_plays_is_heard_when_it_is_whole():
    reply = Reply()
    reply.begin()
    assert not reply.is_heard
    reply.whole()
    assert reply.is_heard
    assert reply.answered() == []
    reply.over(LINE)
    assert reply.answered() == [LINE]


def test_a_speaker_that_plays_to_the_end_before_the_turn_is_over_answers_nothing_yet():
    reply = Reply()
    reply.begin()
    reply.first_audio([LEFT])
    reply.whole()
    reply.heard_by(LEFT)
    assert (reply.is_heard, reply.answered()) == (True, [])
    reply.over(LINE)
    assert reply.answered() == [LINE]


def test_after_a_cut_nothing_is_left_to_hear_and_what_is_on_its_way_is_stale():
    reply = spoken(LEFT)
    assert reply.cut(by_user=False) == 1
    assert reply.epoch == 2
    assert reply.answered() == [LINE]


def test_after_the_users_own_cut_the_rest_of_the_turn_is_discarded_and_the_next_one_is_not():
    reply = Reply()
    reply.begin()
    reply.cut(by_user=True)
    assert reply.is_discarded
    assert not reply.begin()
    reply.over(LINE)
    assert not reply.is_discarded
    assert reply.answered() == [LINE]


def test_a_cut_between_turns_discards_nothing():
    reply = spoken(LEFT)
    reply.cut(by_user=True)
    assert not reply.is_discarded


def test_a_new_reply_does_not_wait_for_the_speakers_of_the_old_one():
    reply = spoken(LEFT)
    reply.begin()
    reply.whole()
    reply.over(NEXT)
    assert reply.answered() == [LINE, NEXT]


def test_a_line_whose_reply_is_over_waits_while_the_next_reply_is_open():
    reply = spoken()
    reply.begin()
    assert reply.answered() == []
