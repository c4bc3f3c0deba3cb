"""A screen, on a virtual X server: its picture, its monitors, and what is said without one."""

import contextlib
import os
import queue
import shutil
import subprocess

import pytest
from pictures import pixels

from actors.devices.audio import DeviceAbsent
from actors.devices.screen import Screen, list_screens
from actors.devices.video import Wanted

WANTED = Wanted(fps=50, max_side=320, quality=80, max_bytes=768_000)
WITHIN_S = 20
needs_xvfb = pytest.mark.skipif(shutil.which("Xvfb") is None, reason="there is no Xvfb (apt install xvfb)")


@contextlib.contextmanager
def x_server():
    """Run a virtual X server of 800x600; gives its process and the name of its display."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "800x600x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as told:
            yield server, f":{told.readline().strip()}"
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def display(monkeypatch):
    with x_server() as (server, name):
        monkeypatch.setenv("DISPLAY", name)
        yield server


@needs_xvfb
@pytest.mark.usefixtures("display")
def test_the_screen_is_seen_and_made_as_small_as_wanted():
    seen = queue.SimpleQueue()
    screen = Screen("", WANTED, lambda jpeg, taken_ns: seen.put(jpeg))
    try:
        size, colour = pixels(seen.get(timeout=WITHIN_S))
    finally:
        screen.close()
    assert (size, screen.description) == ((320, 240), "screen, 800x600")
    assert max(colour) < 10, "an X server without windows is black"


@needs_xvfb
@pytest.mark.usefixtures("display")
def test_monitors_are_listed_and_chosen_by_number_name_or_all_together():
    (one,) = list_screens()
    assert (one.kind, one.address, one.detail) == ("screen", "1", "800x600")
    for device in ("1", one.name[:3].upper(), "all"):
        Screen(device, WANTED, lambda *_: None).close()
    for device in ("2", "0", "HDMI-9"):
        with pytest.raises(
            DeviceAbsent, match=f"there is no screen '{device}'; there are: 1 {one.name}, and 'all'"
        ):
            Screen(device, WANTED, lambda *_: None)


@needs_xvfb
def test_a_screen_whose_server_ends_says_so(display):
    seen = queue.SimpleQueue()
    screen = Screen("", WANTED, lambda jpeg, taken_ns: seen.put(jpeg))
    seen.get(timeout=WITHIN_S)
    display.kill()
    screen._thread.join(WITHIN_S)
    assert screen.error is not None
    assert screen.is_stalled(0)
    screen.close()


def test_without_a_display_it_is_absent_and_what_it_takes_is_said(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(DeviceAbsent, match="it takes an X11 display, named by the variable DISPLAY"):
        Screen("", WANTED, lambda *_: None)
