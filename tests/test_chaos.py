"""What `scripts/chaos` does and concludes: one seed is one story, and its books would notice a loss."""

import pytest

from scripts.chaotic.books import Books, quarters, settled, slope_per_h
from scripts.chaotic.plan import ACTORS, CUTS, HEALED_WITHIN_S, WEIGHTS, schedule


def books(*lines, perhaps=()):
    made = Books()
    for line in lines:
        made.typed(line, is_sure=line not in perhaps)
    return made


def test_a_seed_is_one_story_whose_beginning_does_not_depend_on_its_length():
    assert schedule(7, 180)[:20] == schedule(7, 20)
    assert schedule(7, 20) != schedule(8, 20)


def test_in_half_an_hour_every_kind_of_fault_and_every_actor_has_its_turn():
    faults = schedule(1, 180)
    assert {fault.kind for fault in faults} == set(WEIGHTS) == set(HEALED_WITHIN_S)
    assert {target for fault in faults for target in fault.targets} >= {*ACTORS, *CUTS}
    assert [fault.number for fault in faults] == list(range(1, 181))


def test_a_story_may_be_of_some_kinds_of_faults_only():
    kinds = {fault.kind for fault in schedule(1, 100, only=["kill", "kill two"])}
    assert kinds == {"kill", "kill two"}


def test_growth_is_told_in_quarters_and_does_not_count_the_first():
    samples = [(at_s, 10.0 if at_s < 25 else 20.0) for at_s in range(0, 101, 5)]
    assert quarters(samples) == [10.0, 20.0, 20.0, 20.0]
    assert slope_per_h(samples) > 1
    assert slope_per_h(settled(samples)) == 0
    assert quarters([(3.0, 7.0)]) == [7.0]


def test_a_line_that_is_lost_or_doubled_is_named():
    kept = books("one", "two", "three")
    assert kept.odd_lines({"one": 1, "two": 1, "three": 1}) == []
    assert kept.odd_lines({"one": 1, "two": 2}) == [
        "'two' is 2 times in the model's context",
        "'three' is 0 times in the model's context",
    ]
    assert kept.missing({"one": 1}) == ["two", "three"]


def test_what_was_typed_to_a_dying_keyboard_may_be_missing_and_never_twice():
    kept = books("one", perhaps={"one"})
    assert kept.odd_lines({}) == kept.odd_lines({"one": 1}) == kept.missing({}) == []
    assert kept.odd_lines({"one": 2}) != []


@pytest.mark.parametrize(
    ("ran", "told", "is_right"),
    [
        (["call 1"], ["call 1"], True),
        (["call 1"], ["call 1", "call 1"], True),  # told again after a lost connection
        (["call 1", "call 1"], ["call 1"], False),
        ([], [], False),
        (["call 1"], [], False),
    ],
)
def test_a_call_runs_once_and_the_model_is_told(ran, told, is_right):
    assert (books("call 1", "line 1").odd_calls(ran, told) == []) is is_right


def test_a_call_whose_process_was_killed_may_not_have_run_but_not_twice():
    kept = books("call 1", perhaps={"call 1"})
    assert kept.odd_calls([], []) == kept.odd_calls(["call 1"], []) == []
    assert kept.odd_calls(["call 1", "call 1"], []) != []


def test_a_result_for_which_the_model_does_not_wait_any_more_need_not_be_told():
    kept = books("call 1")
    assert kept.odd_calls(["call 1"], [], ["call 1"]) == []
    assert kept.odd_calls(["call 1", "call 1"], [], ["call 1"]) != []


def test_the_slope_of_a_leak_is_its_growth_per_hour():
    assert slope_per_h([(0, 20.0), (1800, 21.0), (3600, 22.0)]) == pytest.approx(2.0)
    assert slope_per_h([(0, 20.0)]) == slope_per_h([]) == 0.0
