"""Runs the checks and prints one line for each."""

import shutil
import tempfile
import time
from pathlib import Path

from supervisor import codes
from supervisor.selftest.checks import CHECKS, Check
from supervisor.selftest.trial import CheckFailedError, Trial

TIME_S = 52.0
"""For all checks: with the ordered stop it is over within a minute."""
WIDTH = max(len(check.promise) for check in CHECKS)


def run() -> int:
    """Run all checks. Returns 0 when all hold, else 1; the logs are then kept, and where is said."""
    print(
        f"A whole conversation with the embedded parrot, on file devices, with faults ({TIME_S + 8:.0f} s at most):",
        flush=True,
    )
    directory = Path(tempfile.mkdtemp(prefix="antiphon-selftest-"))
    began_s = time.monotonic()
    failed = 0
    with Trial(directory, TIME_S) as trial:
        try:
            failed = sum(not _holds(check, trial) for check in CHECKS)
            if failed:
                print("\n".join(["the supervisor's last words:", *trial.last_words()]))
        finally:
            if not failed:
                shutil.rmtree(directory, ignore_errors=True)
    took_s = time.monotonic() - began_s
    if failed:
        print(f"{failed} of {len(CHECKS)} checks FAILED in {took_s:.0f} s; everything is kept in {directory}")
        return codes.FAILED
    print(f"all {len(CHECKS)} checks hold, in {took_s:.0f} s")
    return codes.DONE


def _holds(check: Check, trial: Trial) -> bool:
    if not trial.is_alive:
        print(f"FAILED  {check.promise:<{WIDTH}}  not tried: the conversation is over", flush=True)
        return False
    try:
        measure = check.trial(trial)
    except CheckFailedError as failure:
        print(f"FAILED  {check.promise:<{WIDTH}}  {failure}", flush=True)
        return False
    print(f"ok      {check.promise:<{WIDTH}}  {measure}", flush=True)
    return True
