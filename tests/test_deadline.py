"""A call that hangs ends its process, and only then."""

import subprocess
import sys

from actors.runtime import exits

SCRIPT = """
import sys, time
from actors.runtime.deadline import deadline
with deadline("opening the bell", within_s=float(sys.argv[1])):
    time.sleep(float(sys.argv[2]))
print("done")
"""


def run(within_s, takes_s):
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(within_s), str(takes_s)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_call_that_hangs_ends_the_process_as_one_without_its_device_and_says_where():
    ended = run(within_s=0.2, takes_s=60)
    assert (ended.returncode, ended.stdout) == (exits.DEVICE_ABSENT, "")
    assert "exit 69: opening the bell hangs for 0.2 s" in ended.stderr
    assert "most recent call first" in ended.stderr


def test_a_call_in_time_goes_on():
    assert run(within_s=20, takes_s=0).stdout == "done\n"
