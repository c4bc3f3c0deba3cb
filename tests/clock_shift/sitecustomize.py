"""First in PYTHONPATH of a tree: every Python process of it begins anew with the shim beside this file before its C library.

An actor gets no LD_PRELOAD from its supervisor's environment, so it gives it to itself.
"""

import os
import sys
from pathlib import Path

SHIM = str(Path(__file__).with_name("shim.so"))

if os.environ.get("LD_PRELOAD") != SHIM:
    os.environ["LD_PRELOAD"] = SHIM
    os.execv(sys.executable, sys.orig_argv)
