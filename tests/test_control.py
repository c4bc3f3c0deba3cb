"""An actor's mirror of the shared state, and its requests."""

from fakes import FakeLink

from actors import wire
from actors.runtime.control import Control


class Mirror:
    def __init__(self, *, is_up=True):
        self.link = FakeLink(is_up=is_up)
        self.changed = []
        self.synchronised = 0
        self.control = Control(self.link, self.on_change, self.on_synchronised)

    def on_change(self, key):
        self.changed.append((key, getattr(self.control.state, key)))

    def on_synchronised(self):
        self.synchronised += 1


def test_a_snapshot_tells_what_is_different_and_that_all_is_known():
    mirror = Mirror()
    assert not mirror.control.is_synchronised
    mirror.control.take(wire.Snapshot(4, wire.ConversationState(muted=True, epoch=2)))
    assert mirror.changed == [("epoch", 2), ("muted", True)]
    assert (mirror.control.version, mirror.synchronised) == (4, 1)
    assert mirror.control.is_synchronised


def test_changes_are_followed_in_order_and_old_ones_ignored():
    mirror = Mirror()
    mirror.control.take(wire.Snapshot(4, wire.ConversationState(epoch=2)))
    mirror.control.take(wire.Changed(3, "epoch", 1))
    mirror.control.take(wire.Changed(4, "muted", value=True))
    mirror.control.take(wire.Changed(5, "epoch", 3))
    assert mirror.changed == [("epoch", 2), ("epoch", 3)]
    assert mirror.control.state == wire.ConversationState(epoch=3)


def test_a_restarted_coordinator_is_believed_even_if_it_knows_less():
    mirror = Mirror()
    mirror.control.take(wire.Snapshot(9, wire.ConversationState(epoch=2)))
    mirror.control.take(wire.Snapshot(1, wire.ConversationState()))
    mirror.control.take(wire.Changed(2, "epoch", 1))
    assert mirror.control.state.epoch == 1
    assert mirror.synchronised == 2


def test_an_answer_goes_to_whoever_asked_once():
    mirror = Mirror()
    answers = []
    first = mirror.control.get("epoch", lambda answer: answers.append(("first", answer)))
    second = mirror.control.set(
        "muted", True, lambda answer: answers.append(("second", answer)), if_version=3
    )
    assert mirror.link.sent == [wire.GetState(first, "epoch"), wire.SetState(second, "muted", True, 3)]
    refused, value = wire.Refused(second, "no"), wire.StateValue(first, "epoch", 2, 4)
    for answer in (refused, value, value):
        assert mirror.control.take(answer)
    assert answers == [("second", refused), ("first", value)]


def test_what_was_not_answered_is_asked_again_in_order_of_a_restarted_coordinator():
    mirror = Mirror(is_up=False)
    first = mirror.control.set("epoch", 1)
    second = mirror.control.set("epoch", 2)
    third = mirror.control.set("epoch", 3)
    mirror.control.take(wire.StateValue(second, "epoch", 2, 1))
    mirror.link.is_up = True
    mirror.control.welcome()
    assert mirror.link.sent == [wire.SetState(first, "epoch", 1), wire.SetState(third, "epoch", 3)]


def test_what_the_asker_has_given_up_is_not_asked_again():
    mirror = Mirror(is_up=False)
    answers = []
    request = mirror.control.get("epoch", answers.append)
    mirror.control.forget(request)
    mirror.control.forget(request)
    mirror.link.is_up = True
    mirror.control.welcome()
    mirror.control.take(wire.StateValue(request, "epoch", 2, 1))
    assert (mirror.link.sent, answers) == ([], [])


def test_a_flag_has_been_true_only_after_another_change():
    mirror = Mirror()
    was = []
    mirror.control._on_change = lambda key: was.append(mirror.control.has_been(key))
    for version, value in enumerate([True, False, True], start=1):
        mirror.control.take(wire.Changed(version, "connected", value))
    assert was == [False, True, True]


def test_other_messages_are_left_to_the_actor():
    mirror = Mirror()
    assert not mirror.control.take(wire.Notice("hello"))
    assert not mirror.control.take(wire.Yield(1))
