"""When a kill is put down to the kernel that was out of memory."""

import pytest

from supervisor.oom import RECENT_S, OomWatch


@pytest.fixture
def vmstat(tmp_path):
    file = tmp_path / "vmstat"
    file.write_text("pgfault 7\noom_kill 3\nballoon_inflate 0\n")
    return file


def kill(vmstat):
    words = vmstat.read_text().split()
    vmstat.write_text(vmstat.read_text().replace(f"oom_kill {words[3]}", f"oom_kill {int(words[3]) + 1}"))


def test_kills_before_our_time_are_none_of_ours(vmstat):
    assert not OomWatch(vmstat).is_recent(100.0)


def test_a_kill_is_recent_for_some_seconds_whoever_looked_first(vmstat):
    watch = OomWatch(vmstat)
    kill(vmstat)
    watch.look(100.0)
    assert watch.is_recent(100.0 + RECENT_S)
    assert not watch.is_recent(100.1 + RECENT_S)
    kill(vmstat)
    assert watch.is_recent(200.0)


@pytest.mark.parametrize("words", ["", "oom_kill", "oom_kill many", "pgfault 7"])
def test_a_kernel_that_counts_nothing_is_never_blamed(vmstat, words):
    vmstat.write_text(words)
    watch = OomWatch(vmstat)
    assert not watch.is_recent(100.0)
    vmstat.unlink()
    assert not watch.is_recent(101.0)
