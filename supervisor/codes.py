"""Exit codes of the `supervisor` command, as CONTRACT and README promise them. (`status` has more: see there.)"""

DONE = 0
FAILED = 1
NOT_RUNNING = 3
PERMISSION = 4
BAD_CONFIG = 6
INTERRUPTED = 130
