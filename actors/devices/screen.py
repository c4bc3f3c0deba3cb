"""Monitors of an X11 display through mss; its only importer, and only when a screen is shown."""

import contextlib
import time
from typing import Any

from actors.devices.audio import DeviceAbsent
from actors.devices.capture import Capture
from actors.devices.encoder import Encoder
from actors.devices.video import SCREEN_MODULES, OnPicture, VideoInfo, Wanted
from actors.devices.video_extra import VideoUnavailable, how_to_install

ALL = "all"


class Screen(Capture):
    """Takes pictures of a monitor, or of all of them side by side."""

    def __init__(self, device: str, wanted: Wanted, on_picture: OnPicture) -> None:
        self._encoder = Encoder(wanted)
        self._display = _open_display()
        try:
            self._monitor = _choose(self._display.monitors, device)
        except DeviceAbsent:
            self._display.close()
            raise
        self.description = f"{_name(self._monitor)}, {_size(self._monitor)}"
        super().__init__(wanted.fps, on_picture)

    def _take(self) -> tuple[bytes, int]:
        taken_ns = time.monotonic_ns()
        shot = self._display.grab(self._monitor)
        return self._encoder.bgrx(shot.raw, shot.width, shot.height), taken_ns

    def _release(self) -> None:
        from mss import ScreenShotError

        with contextlib.suppress(ScreenShotError, OSError):  # the display may have ended before us
            self._display.close()


def list_screens() -> list[VideoInfo]:
    """List every monitor. Raises `VideoUnavailable`, `DeviceAbsent` when there is no X11 display."""
    display = _open_display()
    try:
        monitors = display.monitors[1:]
    finally:
        display.close()
    return [
        VideoInfo(_name(monitor), "screen", str(number), _size(monitor))
        for number, monitor in enumerate(monitors, start=1)
    ]


def _choose(monitors: list[dict[str, Any]], device: str) -> dict[str, Any]:
    """The first of mss's monitors is all of them together."""
    single = monitors[1:]
    if device == ALL:
        return monitors[0]
    if device.isdecimal() and 1 <= int(device) <= len(single):
        return single[int(device) - 1]
    for monitor in single:
        if not device.isdecimal() and device.lower() in _name(monitor).lower():
            return monitor
    there = ", ".join(f"{number} {_name(monitor)}" for number, monitor in enumerate(single, start=1))
    raise DeviceAbsent(f"there is no screen {device!r}; there are: {there or 'none'}, and {ALL!r}")


def _name(monitor: dict[str, Any]) -> str:
    return str(monitor.get("name") or monitor.get("output") or "screen")


def _size(monitor: dict[str, Any]) -> str:
    return f"{monitor['width']}x{monitor['height']}"


def _open_display() -> Any:
    try:
        import mss
    except ImportError as error:
        raise VideoUnavailable(f"{how_to_install('screens need', *SCREEN_MODULES)} ({error})") from error
    try:
        return mss.MSS()
    except (mss.ScreenShotError, OSError) as error:
        raise DeviceAbsent(
            f"no screen can be seen ({str(error).strip()}); it takes an X11 display, named by the variable DISPLAY; "
            "under Wayland only X11 programs can be seen"
        ) from error
