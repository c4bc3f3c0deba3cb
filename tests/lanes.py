"""Which worker runs which file, and when: the scheduler behind `pytest -n N --dist loadfile`.

A file stays with one worker: its tests share what they start. Those that measure times, or hear what a late process does to
a voice, stay with one worker altogether: none of them shall measure another. What takes long begins first, so that nobody is
left with it at the end; xdist itself begins with the files of most tests, which are the quickest.
"""

from pathlib import PurePath

import pytest
from xdist.scheduler import LoadFileScheduling

MEASURING = (
    "test_bad_link",
    "test_voice",
    "test_barge_in",
    "test_full_duplex",
    "test_half_duplex",
    "test_latency",
    "test_heal_times",
    "test_video_slow_link",
    "test_busy_tools",
    "test_footprint",
    "test_busy_machine",
)
LONG = (
    "test_tools",
    "test_no_loss",
    "test_python_api",
    "test_start_stop",
    "test_device_faults",
    "test_remote",
    "test_faults",
    "test_devices",
    "test_lan",
    "test_hung_actors",
    "test_limits",
    "test_conversation",
    "test_video",
    "test_terminal_sharing",
    "test_commands",
    "test_cuts",
    "test_selftest",
)
"""The longest of tests/system, the longest first."""


class Lanes(LoadFileScheduling):
    """Hands out files in the order in which `sort` put them."""

    def __init__(self, config, log=None):
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid):
        file = super()._split_scope(nodeid)
        return "measuring" if PurePath(file).stem in MEASURING else file


def sort(items: list[pytest.Item]) -> None:
    """Put what takes long first: what measures, the long ones, the rest of the system tests, the others."""
    items.sort(key=lambda item: _place(item.path))


def _place(path) -> int:
    order = (*MEASURING, *LONG)
    if path.parent.name != "system":
        return len(order) + 1
    return order.index(path.stem) if path.stem in order else len(order)
