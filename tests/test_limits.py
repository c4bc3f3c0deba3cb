"""How much an actor may use: whose word counts, when memory is too much, and when work becomes greed."""

import os

import pytest

from actors.settings import Settings, SupervisionTable
from supervisor.limits import GREEDY_AFTER_S, MIB, Appetite, Limits, limits_of
from supervisor.spec import KINDS, ChildSpec
from supervisor.usage import Usage, cpu_s, usage_of

LIMITS = Limits(100, 90.0, "supervision.max_memory_mb", "supervision.max_cpu_percent")
SLIM = 10 * MIB


def works(appetite, percent, seconds, start=(0.0, 0.0)):
    """Let it use so much for so long, weighed every 2 s. Returns (cpu, time) at the end."""
    used, now = start
    appetite.weigh(Usage(used, SLIM), now)
    for _ in range(int(seconds / 2)):
        used, now = used + 2 * percent / 100, now + 2
        appetite.weigh(Usage(used, SLIM), now)
    return used, now


def test_the_actors_own_table_goes_before_the_common_one():
    settings = Settings(
        supervision=SupervisionTable(max_memory_mb=500),
        actors={"mic": {"max_memory_mb": 50}, "speaker": {"max_cpu_percent": 0.0}},
    )
    mic = limits_of(settings, ChildSpec("mic", "mic", KINDS["mic"]))
    speaker = limits_of(settings, ChildSpec("speaker", "speaker", KINDS["speaker"]))
    session = limits_of(settings, ChildSpec("session", "session", KINDS["session"]))
    assert (mic.memory_mb, mic.memory_key) == (50, "actors.mic.max_memory_mb")
    assert (speaker.memory_mb, speaker.memory_key) == (500, "supervision.max_memory_mb")
    assert (speaker.cpu_percent, speaker.cpu_key) == (0.0, "actors.speaker.max_cpu_percent")
    assert session.cpu_percent == SupervisionTable().max_cpu_percent


def test_memory_beyond_the_limit_is_told_with_both_numbers_and_the_key():
    appetite = Appetite(LIMITS)
    assert appetite.weigh(Usage(0, 100 * MIB), 0) == ""
    assert (
        appetite.weigh(Usage(0, 101 * MIB), 2)
        == "held 101 MiB of memory, supervision.max_memory_mb allows 100"
    )


def test_a_busy_start_is_no_greed_and_a_long_grind_is():
    appetite = Appetite(LIMITS)
    at = works(appetite, 100, GREEDY_AFTER_S - 2)
    assert appetite.greed == ""
    works(appetite, 100, 4, at)
    assert appetite.greed == "uses 100 % of a core, supervision.max_cpu_percent allows 90"


def test_greed_is_over_when_the_work_is():
    appetite = Appetite(LIMITS)
    at = works(appetite, 100, 20)
    works(appetite, 10, 4, at)
    assert appetite.greed == ""


def test_a_pause_begins_the_count_anew():
    appetite = Appetite(LIMITS)
    at = works(appetite, 100, 8)
    at = works(appetite, 0, 2, at)
    works(appetite, 100, 8, at)
    assert appetite.greed == ""


def test_another_process_begins_with_a_clean_record():
    appetite = Appetite(LIMITS)
    works(appetite, 100, 20)
    appetite.born()
    assert appetite.greed == ""
    appetite.weigh(Usage(0.1, SLIM), 100.0)
    assert appetite.greed == ""


def test_zero_is_no_limit():
    appetite = Appetite(Limits(0, 0.0))
    assert appetite.weigh(Usage(0, 10_000 * MIB), 0) == ""
    works(appetite, 100, 60)
    assert appetite.greed == ""


@pytest.mark.parametrize("with_children", [True, False])
def test_our_own_use_is_measured(with_children):
    used = usage_of(os.getpid(), with_children=with_children)
    assert used.cpu_s > 0
    assert used.rss_bytes > 10 * MIB
    assert cpu_s(os.getpid()) >= used.cpu_s or with_children


def test_of_a_process_that_is_gone_nothing_is_known():
    assert usage_of(2**22 + 1, with_children=True) is None
    assert cpu_s(2**22 + 1) is None
