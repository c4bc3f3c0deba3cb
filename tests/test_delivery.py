"""Which typed line goes out when, and when it is done: typed at a terminal, and piped as a dialogue."""

from hypothesis import given
from hypothesis import strategies as st

from actors.inputs.delivery import MAX_UNSETTLED, Delivery


def typed(*numbers):
    return filled(Delivery(one_at_a_time=False), numbers)


def piped(*numbers):
    return filled(Delivery(one_at_a_time=True), numbers)


def filled(delivery, numbers):
    for number in numbers:
        delivery.add(number)
    return delivery


def hand_over(delivery, now=0.0):
    due = delivery.due()
    for number in due:
        delivery.handed(number, now)
    return due


def test_typed_lines_go_out_at_once_and_in_order():
    delivery = typed(1, 2, 3)
    assert hand_over(delivery) == [1, 2, 3]
    assert delivery.due() == []


def test_a_piped_line_waits_for_the_answer_to_the_one_before():
    delivery = piped(1, 2)
    assert hand_over(delivery) == [1]
    delivery.sent(1)
    assert delivery.due() == []
    delivery.answered(1)
    assert hand_over(delivery) == [2]


def test_a_new_session_is_given_what_is_not_settled_again_and_nothing_else():
    delivery = typed(1, 2, 3)
    hand_over(delivery)
    delivery.kept(1)
    delivery.answered(2)
    delivery.session_is_new(5.0)
    assert hand_over(delivery) == [2, 3]


def test_a_new_session_is_given_answered_lines_of_a_pipe_and_the_one_that_waits():
    delivery = piped(1, 2, 3)
    hand_over(delivery)
    delivery.answered(1)
    hand_over(delivery)
    delivery.session_is_new(5.0)
    assert hand_over(delivery) == [1, 2]


def test_a_line_is_answered_in_a_pipe_only_when_its_reply_was_heard_though_it_is_kept_before():
    delivery = piped(1, 2)
    hand_over(delivery)
    delivery.sent(1)
    delivery.kept(1)
    assert delivery.due() == []
    delivery.answered(1)
    assert hand_over(delivery) == [2]


def test_a_pipe_is_done_when_the_last_reply_was_heard_and_not_when_its_line_is_kept():
    delivery = piped(1)
    hand_over(delivery)
    delivery.sent(1)
    delivery.kept(1)
    assert not delivery.is_all_answered
    delivery.answered(1)
    assert delivery.is_all_answered


def test_a_line_that_was_kept_before_this_session_knew_us_has_no_reply_to_wait_for():
    delivery = piped(1, 2)
    hand_over(delivery)
    delivery.kept(1)
    assert hand_over(delivery) == [2]


def test_a_kept_line_whose_session_died_has_no_reply_to_wait_for():
    delivery = piped(1, 2)
    hand_over(delivery)
    delivery.sent(1)
    delivery.kept(1)
    delivery.session_is_new(5.0)
    assert hand_over(delivery) == [2]


def test_a_refused_line_is_over():
    delivery = piped(1, 2)
    hand_over(delivery)
    delivery.settled(1)
    assert hand_over(delivery) == [2]


def test_what_nobody_waits_for_changes_nothing():
    delivery = piped(1)
    for strange in (delivery.sent, delivery.answered, delivery.kept, delivery.settled):
        strange(7)
    assert delivery.due() == [1]
    assert delivery.has_room


def test_a_reply_that_takes_too_long_names_its_line():
    delivery = piped(1, 2)
    hand_over(delivery, now=10.0)
    assert delivery.overdue(129.9, 120.0) is None
    assert delivery.overdue(130.0, 120.0) == 1
    delivery.answered(1)
    assert delivery.overdue(9999.0, 120.0) is None


def test_the_patience_begins_anew_with_a_new_session():
    delivery = piped(1)
    hand_over(delivery, now=10.0)
    delivery.session_is_new(100.0)
    assert delivery.overdue(139.0, 120.0) is None
    hand_over(delivery, now=140.0)
    assert delivery.overdue(259.9, 120.0) is None
    assert delivery.overdue(260.0, 120.0) == 1


def test_a_hundred_lines_may_be_on_their_way():
    delivery = typed(*range(MAX_UNSETTLED))
    assert not delivery.has_room
    delivery.kept(50)
    assert delivery.has_room


EVENTS = st.sampled_from(["hand over", "sent", "answered", "kept", "new session"])


@given(st.lists(st.tuples(EVENTS, st.integers(1, 4)), max_size=60))
def test_a_dialogue_never_goes_on_before_the_line_in_front_is_answered_or_settled(steps):
    delivery = piped(1, 2, 3, 4)
    over = set()
    for event, number in steps:
        match event:
            case "hand over":
                handed = hand_over(delivery)
                assert set(range(1, max(handed, default=1))) <= over
            case "answered":
                delivery.answered(number)
                over.add(number)
            case "kept":
                delivery.kept(number)
                over.add(number)
            case "sent":
                delivery.sent(number)
            case "new session":
                delivery.session_is_new(0.0)
