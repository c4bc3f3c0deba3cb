"""Whether a child is started again, told as histories: how it ended, when, and what follows."""

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime import exits
from supervisor.policy import (
    DEVICE_OFTEN_S,
    DEVICE_WAIT_S,
    GOOD_RUN_S,
    LONGEST_DEVICE_WAIT_S,
    LONGEST_WAIT_S,
    NEW_DEVICE_WAIT_S,
    SLOW_RETRY_S,
    Decision,
    History,
    Verdict,
    in_words,
)
from supervisor.spec import KINDS

KILLED = -signal.SIGKILL


def history(kind="mic", max_restarts=5, within_s=60.0, jitter=0.5):
    return History(KINDS[kind], max_restarts, within_s, jitter=lambda: jitter)


class Life:
    """A child that is started when the decision says so, and ends as told."""

    def __init__(self, past):
        self.past = past
        self.now = 1000.0

    def ends(self, code, after_s=0.0, *, was_ready=False):
        if was_ready:
            self.past.was_ready()
        self.now += after_s
        decision = self.past.ended(code, after_s, self.now)
        self.now += decision.wait_s or 0.0
        return decision


def test_a_crash_is_followed_by_a_restart_after_a_short_wait():
    assert history().ended(exits.CRASH, 10.0, 0.0) == Decision(Verdict.RESTART, 0.25)


def test_crashes_in_a_row_are_waited_for_longer_and_longer():
    life = Life(history(max_restarts=100))
    waits = [life.ends(KILLED).wait_s for _ in range(9)]
    assert waits == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, LONGEST_WAIT_S, LONGEST_WAIT_S, LONGEST_WAIT_S]


def test_a_good_run_starts_the_waits_anew():
    life = Life(history(max_restarts=100))
    for _ in range(5):
        life.ends(KILLED)
    assert life.ends(KILLED, GOOD_RUN_S, was_ready=True).wait_s == 0.25
    assert life.ends(KILLED, GOOD_RUN_S - 0.1, was_ready=True).wait_s == 0.5


def test_a_run_that_never_was_ready_is_no_good_one_however_long_it_was():
    life = Life(history(max_restarts=100))
    life.ends(KILLED, 99.0, was_ready=True)
    assert [life.ends(KILLED, 99.0).wait_s for _ in range(3)] == [0.5, 1.0, 2.0]


@given(st.floats(0.0, 1.0), st.integers(1, 40))
def test_a_wait_is_spread_by_at_most_a_fifth_either_way(jitter, crashes):
    life = Life(history(max_restarts=1000, jitter=jitter))
    for number in range(crashes):
        expected_s = min(LONGEST_WAIT_S, 0.25 * 2**number)
        assert 0.8 * expected_s - 1e-9 <= life.ends(KILLED).wait_s <= 1.2 * expected_s + 1e-9


def test_too_many_crashes_within_a_minute_end_the_tree_of_a_critical_child():
    life = Life(history("session"))
    verdicts = [life.ends(KILLED).verdict for _ in range(6)]
    assert verdicts == [Verdict.RESTART] * 5 + [Verdict.END_TREE]


def test_too_many_crashes_of_any_other_child_are_tried_again_slowly():
    life = Life(history("speaker"))
    for _ in range(5):
        life.ends(KILLED)
    assert life.ends(KILLED) == Decision(Verdict.FATAL, SLOW_RETRY_S)
    assert life.ends(KILLED, was_ready=True).verdict is Verdict.FATAL
    assert life.ends(KILLED, after_s=60.0, was_ready=True) == Decision(Verdict.RESTART, 0.25)


def test_crashes_that_are_far_apart_never_add_up():
    life = Life(history("session"))
    assert {life.ends(KILLED, after_s=13.0).verdict for _ in range(500)} == {Verdict.RESTART}
    assert len(life.past.crashes) <= 5


def test_where_no_restart_is_allowed_the_first_crash_is_the_last():
    assert history("session", max_restarts=0).ended(KILLED, 99.0, 0.0).verdict is Verdict.END_TREE


@pytest.mark.parametrize(
    "code", [exits.CRASH, exits.TEMPORARY, 1, 2, -signal.SIGTERM, -signal.SIGSEGV, KILLED]
)
def test_every_end_that_may_pass_is_a_crash(code):
    assert history("session").ended(code, 1.0, 0.0).verdict is Verdict.RESTART


@pytest.mark.parametrize(("code", "exit_code"), [(exits.USAGE, 1), (exits.DENIED, 6), (exits.BAD_CONFIG, 6)])
def test_what_would_fail_again_is_not_tried_again(code, exit_code):
    assert history("session").ended(code, 1.0, 0.0) == Decision(Verdict.END_TREE, None, exit_code)
    assert history("mic").ended(code, 1.0, 0.0) == Decision(Verdict.FATAL, None, exit_code)


def test_a_mistake_in_the_tools_ends_the_tree_and_their_crashes_do_not():
    assert history("tools").ended(exits.BAD_CONFIG, 1.0, 0.0) == Decision(Verdict.END_TREE, None, 6)
    life = Life(history("tools"))
    assert [life.ends(KILLED).verdict for _ in range(6)][-1] is Verdict.FATAL


def test_a_keyboard_may_end_and_a_console_may_not():
    assert history("keyboard").ended(exits.DONE, 9.0, 0.0) == Decision(Verdict.STOPPED)
    assert history("console").ended(exits.DONE, 9.0, 0.0).verdict is Verdict.RESTART


def absences(life, count, **how):
    return [life.ends(exits.DEVICE_ABSENT, **how).wait_s for _ in range(count)]


def test_a_device_that_never_was_there_is_looked_for_often_and_then_more_and_more_rarely():
    often = int(DEVICE_OFTEN_S / NEW_DEVICE_WAIT_S) + 1
    waits = absences(Life(history()), often + 5)
    assert waits == [NEW_DEVICE_WAIT_S] * often + [4.0, 8.0, 16.0] + [LONGEST_DEVICE_WAIT_S] * 2


def test_a_device_that_was_pulled_out_is_looked_for_often_and_then_more_and_more_rarely():
    life = Life(history())
    first = life.ends(exits.DEVICE_ABSENT, after_s=99.0, was_ready=True)
    assert first == Decision(Verdict.ABSENT, DEVICE_WAIT_S)
    often = int(DEVICE_OFTEN_S / DEVICE_WAIT_S)
    assert absences(life, often) == [DEVICE_WAIT_S] * often
    assert absences(life, 6) == [2.0, 4.0, 8.0, 16.0, LONGEST_DEVICE_WAIT_S, LONGEST_DEVICE_WAIT_S]


def test_a_device_that_came_back_and_is_pulled_out_again_is_looked_for_often_again():
    life = Life(history())
    life.ends(exits.DEVICE_ABSENT, after_s=9.0, was_ready=True)
    absences(life, 200)
    assert life.ends(exits.DEVICE_ABSENT, after_s=9.0, was_ready=True).wait_s == DEVICE_WAIT_S


def test_an_absent_device_is_no_crash_however_long_it_is_away():
    life = Life(history())
    month = [life.ends(exits.DEVICE_ABSENT) for _ in range(100_000)]
    assert {decision.verdict for decision in month} == {Verdict.ABSENT}
    assert (max(decision.wait_s for decision in month), len(life.past.crashes)) == (LONGEST_DEVICE_WAIT_S, 0)


CODES = st.sampled_from([0, 1, 64, 69, 70, 75, 77, 78, -9, -15])


@given(
    st.sampled_from(sorted(KINDS)),
    st.lists(st.tuples(CODES, st.floats(0.0, 100.0), st.booleans()), max_size=40),
)
def test_no_history_is_restarted_without_a_wait_or_more_often_than_allowed(kind, ends):
    life = Life(history(kind, max_restarts=3, within_s=60.0))
    restarts = []
    for code, after_s, was_ready in ends:
        decision = life.ends(code, after_s, was_ready=was_ready)
        if decision.verdict is Verdict.RESTART:
            restarts.append(life.now)
        if decision.wait_s is not None:
            assert 0.2 <= decision.wait_s <= 30.0
        if decision.verdict is Verdict.END_TREE:
            assert KINDS[kind].is_critical or KINDS[kind].must_be_right
    for earlier, later in zip(restarts, restarts[3:], strict=False):
        assert later - earlier > 60.0 - LONGEST_WAIT_S * 1.2


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit 0 (ended)"),
        (70, "exit 70 (crashed)"),
        (69, "exit 69 (device absent)"),
        (3, "exit 3"),
        (-9, "killed by SIGKILL"),
        (-40, "killed by signal 40"),
    ],
)
def test_an_end_is_told_in_words(code, words):
    assert in_words(code) == words


def test_a_child_that_cannot_be_spawned_is_tried_again_and_again_and_never_given_up():
    history = History(KINDS["session"], max_restarts=1, within_s=60.0, jitter=lambda: 0.5)
    decisions = [history.unborn() for _ in range(20)]
    assert {decision.verdict for decision in decisions} == {Verdict.RESTART}
    assert [decision.wait_s for decision in decisions[:4]] == [0.25, 0.5, 1.0, 2.0]
    assert decisions[-1].wait_s == 15.0
    assert history.ended(70, 0.0, 100.0).verdict is Verdict.RESTART, (
        "what it was short of is not held against it"
    )
