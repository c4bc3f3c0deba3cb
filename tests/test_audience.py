"""Who is waited for before the model is asked anything."""

from actors.model.audience import JOINED_WITHIN_S, Audience


def expecting(*names):
    audience = Audience(names)
    audience.expect(now=100.0)
    return audience


def test_a_conversation_without_loudspeakers_waits_for_nobody():
    assert expecting().is_there(100.0)


def test_the_first_line_waits_for_every_loudspeaker():
    audience = expecting("speaker", "kitchen")
    audience.settled("speaker")
    assert not audience.is_there(100.1)
    audience.settled("kitchen")
    assert audience.is_there(100.1)


def test_somebody_else_who_comes_is_not_the_one_waited_for():
    audience = expecting("speaker")
    audience.settled("console")
    assert not audience.is_there(100.1)


def test_a_loudspeaker_that_does_not_come_is_given_up_after_its_time():
    audience = expecting("speaker")
    assert not audience.is_there(100.0 + JOINED_WITHIN_S - 0.01)
    assert audience.is_there(100.0 + JOINED_WITHIN_S)


def test_a_loudspeaker_that_dies_later_is_not_waited_for_again():
    audience = expecting("speaker")
    audience.settled("speaker")
    audience.settled("speaker")
    assert audience.is_there(100.1)
