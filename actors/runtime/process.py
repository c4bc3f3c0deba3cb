"""What ties a child process to its supervisor: signals, the lifeline, and the kernel's parent-death signal."""

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time

from actors.runtime import exits
from actors.runtime.loop import Loop

PR_SET_PDEATHSIG = 1
GRACE_AFTER_LIFELINE_S = 2.0


def watch_signals(loop: Loop) -> None:
    """TERM stops the loop; so does Ctrl-C, unless there is a supervisor: its business then, and a closed lifeline is its death."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda *_: None)
    lifeline = os.environ.get("ANTIPHON_LIFELINE")
    signal.signal(signal.SIGINT, signal.SIG_IGN if lifeline is not None else lambda *_: None)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    def woken() -> None:
        with contextlib.suppress(BlockingIOError):
            if {signal.SIGTERM, signal.SIGINT} & set(os.read(reader, 64)):
                loop.stop()

    loop.watch(reader, woken)
    if lifeline is not None:
        threading.Thread(target=_hold_lifeline, args=(int(lifeline),), name="lifeline", daemon=True).start()


def _hold_lifeline(fd: int) -> None:
    """Wait for the supervisor's end of the pipe to close: a graceful end first, then the hard one."""
    with contextlib.suppress(OSError):
        while os.read(fd, 1):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_AFTER_LIFELINE_S)
    os._exit(exits.TEMPORARY)


def die_with_parent(supervisor_pid: int) -> None:
    """Ask the kernel for SIGTERM when the supervisor dies, and look whether it has died already."""
    if not supervisor_pid:
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != supervisor_pid:
        sys.exit(exits.TEMPORARY)
