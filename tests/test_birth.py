"""When a process was born, whatever the wall clock says and whatever the process is called."""

import os
import shutil
import subprocess
import time

import pytest

from supervisor.birth import birth_of


@pytest.fixture
def sleeper(short_dir):
    """A process whose name looks like the end of its name."""
    path = short_dir / "a) S 1 (b"
    shutil.copy(shutil.which("sleep"), path)
    process = subprocess.Popen([path, "1000"])
    yield process
    process.kill()
    process.wait()


def test_a_birth_is_in_seconds_since_the_machine_started():
    before_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    process = subprocess.Popen(["sleep", "1000"])
    born_s = birth_of(process.pid)
    after_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    process.kill()
    process.wait()
    assert before_s - 0.02 <= born_s <= after_s


def test_a_name_that_looks_like_more_fields_changes_nothing(sleeper):
    assert birth_of(os.getpid()) <= birth_of(sleeper.pid) <= time.clock_gettime(time.CLOCK_BOOTTIME)


def test_a_birth_never_changes_and_a_process_that_is_gone_has_none(sleeper):
    assert birth_of(sleeper.pid) == birth_of(sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    assert birth_of(sleeper.pid) is None
