"""Makes an actor misbehave: first in PYTHONPATH of a tree, it is in every process of it, and waits for a file beside its logs.

A file `hang` there, and every actor keeps the interpreter to itself in one long call into C.
"""

import os
import re
import threading
import time
from pathlib import Path


def hold_the_interpreter():
    """Match for longer than the world has been there; the regex engine lets nobody else run."""
    re.match("(a+)+$", "a" * 64 + "b")


def wait_and_hang(sign):
    """Hang when the sign is there."""
    while not sign.exists():
        time.sleep(0.05)
    if sign.stat().st_mtime > BORN_S:  # whoever was born later is well
        hold_the_interpreter()


BORN_S = time.time()
WORDS = Path("/proc/self/cmdline").read_bytes().split(b"\0")
if b"actors.runtime.boot" in WORDS and b"parrot" not in WORDS:
    sign = Path(os.environ["ANTIPHON_SPEC"].partition('"run_dir":"')[2].partition('"')[0]).parents[1] / "hang"
    threading.Thread(target=wait_and_hang, args=(sign,), daemon=True).start()
