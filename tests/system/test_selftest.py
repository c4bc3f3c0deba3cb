"""`supervisor selftest` as a user runs it, on a machine without a key."""

import re
import time

from trees import tree

from supervisor.selftest.checks import CHECKS


def test_every_promise_holds_within_a_minute_and_nothing_is_left():
    with tree() as conversation:
        began_s = time.monotonic()
        answer = conversation.command("selftest")
        assert answer.returncode == 0, answer.stdout + answer.stderr
        lines = answer.stdout.splitlines()
        assert [line.split()[0] for line in lines[1:-1]] == ["ok"] * len(CHECKS)
        assert re.fullmatch(rf"all {len(CHECKS)} checks hold, in \d+ s", lines[-1])
        assert time.monotonic() - began_s < 60
        assert conversation.leftovers() == []
