"""A conversation outlives its connections: nothing typed, said or done for it is lost or doubled, whatever cuts them."""

import random
import time

import pytest
from cutting import KINDS, Talk, Typist, kinds, spoken, steps, summary, talking
from trees import wait_for
from voices import tell

GAP_S = 3.0
LATE_S = 1.0
"""What a loaded machine may add."""


def cut_often(talk: Talk, order: list[str], seed: int, apart_s: tuple[float, float]) -> None:
    """Cut in this order, at moments of chance: the user speaks or is silent, lines and calls are on their way."""
    chance = random.Random(seed)
    wait_for(lambda: talk.events("handle"), "the first handle")
    for kind in order:
        time.sleep(chance.uniform(*apart_s))
        talk.cut(kind)


def assert_nothing_lost(talk: Talk, typed: list[str], seconds: float) -> None:
    late = talk.late_slices()
    assert talk.process.stdin is not None
    talk.process.stdin.close()
    assert talk.process.wait(300) == 0, talk.tree.logs()
    context = talk.events("turn_complete")[-1]["texts"]
    assert {text: count for text, count in context.items() if text in set(talk.words)} == dict.fromkeys(
        typed, 1
    )
    assert (talk.tree.directory / "written").read_text().split() == typed
    heard = talk.lineage()
    holes = steps(heard, spoken(seconds))
    tell(heard_s=len(heard) / 16_000, cuts=summary(talk.cuts), holes=holes, late_slices=late)
    assert sum(slices for _, slices in holes) <= late, (
        "nothing is missing but what was counted as too late to be live"
    )
    assert all(slices > 0 for _, slices in holes), "nothing is there twice"


@pytest.mark.timeout(300)
def test_a_conversation_that_is_cut_in_every_way_loses_and_doubles_nothing():
    seconds, order = 200.0, [*KINDS, "reset"]
    with talking([f"word-{number}" for number in range(200)], seconds) as talk:
        others, typist = talk.pids(), Typist(talk, apart_s=0.7)
        cut_often(talk, order, seed=1, apart_s=(0.3, 1.5))
        typist.stop()
        assert talk.pids() == others
        assert_nothing_lost(talk, typist.typed, seconds)
        assert max(cut.gap_s for cut in talk.cuts) < GAP_S + LATE_S
        assert all(setup["resumed"] for setup in talk.events("setup")[1:])


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [1])
def test_100_cuts_lose_and_double_nothing(seed):
    seconds = 1500.0
    with talking([f"word-{number}" for number in range(2000)], seconds) as talk:
        others, typist = talk.pids(), Typist(talk, apart_s=1.5)  # cuts delay them; more would only wait
        cut_often(talk, kinds(100, seed), seed, apart_s=(0.3, 4.0))
        typist.stop()
        assert talk.pids() == others
        assert_nothing_lost(talk, typist.typed, seconds)
        assert max(cut.gap_s for cut in talk.cuts) < GAP_S + LATE_S
        assert all(setup["resumed"] for setup in talk.events("setup")[1:])
