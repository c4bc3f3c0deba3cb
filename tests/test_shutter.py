"""Half duplex remembers when a reply was heard: what was captured then is never sent, not even later."""

from actors.model.shutter import Shutter


def test_what_was_captured_while_a_reply_was_heard_stays_unsent_afterwards():
    shutter = Shutter()
    shutter.shut(100)
    shutter.open(200)
    shutter.shut(300)
    shutter.open(400)
    assert [shutter.was_shut(time) for time in (99, 100, 199, 200, 299, 300, 399, 400)] == (
        [False, True, True, False, False, True, True, False]
    )


def test_while_it_is_shut_only_what_was_captured_before_may_pass():
    shutter = Shutter()
    shutter.shut(100)
    shutter.shut(150)
    assert [shutter.was_shut(time) for time in (99, 100, 10**18)] == [False, True, True]


def test_opening_what_is_open_is_nothing():
    shutter = Shutter()
    shutter.open(100)
    assert not shutter.was_shut(50)
