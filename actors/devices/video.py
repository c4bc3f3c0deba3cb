"""What an actor sees of a camera or a screen: a Protocol, and a factory for each.

A camera is "" for the first one, `/dev/videoN`, a part of its name, or `file:PATH`: a picture, a folder of pictures, or a
file of JPEGs (Motion JPEG, AVI). A screen is "" for the first monitor, its number from 1, a part of its name, or "all".
Pictures come in the device's own thread, which never raises into the actor: what went wrong is kept in `error`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, TypeAlias

from actors.devices.video_extra import how_to_install, missing

FILE_PREFIX = "file:"
CAMERA_MODULES = ("linuxpy", "PIL")
SCREEN_MODULES = ("mss", "PIL")

OnPicture: TypeAlias = Callable[[bytes, int], None]
"""Gets a JPEG, and the monotonic time in ns at which it was taken."""


class Wanted(NamedTuple):
    """How pictures should be."""

    fps: float
    """Pictures per second."""
    max_side: int
    """Pixels of the longer side; larger ones are made smaller."""
    quality: int
    """Of our own JPEGs, 10..95. A camera's own JPEG is left as it is if it fits."""
    max_bytes: int
    first_bytes: int = 0
    """The limit until `Video.limit` sets another; 0 = `max_bytes`."""


class Video(Protocol):
    """An open camera or screen."""

    @property
    def description(self) -> str:
        """Say in words what this is and how it was opened."""

    @property
    def error(self) -> Exception | None:
        """Give what ended the device's thread, if anything did."""

    def is_stalled(self, now: float) -> bool:
        """Have pictures stopped coming? `now` is `time.monotonic()`. True means: close and open again."""

    def limit(self, max_bytes: int) -> None:
        """Make the next pictures so small that they have no more bytes, if that can be done."""

    def close(self) -> None:
        """Stop and let go of the device. May be called twice."""


@dataclass(frozen=True)
class VideoInfo:
    """One camera or monitor, as `supervisor devices` shows it."""

    name: str
    kind: Literal["camera", "screen"]
    address: str
    """What `device` takes."""
    detail: str


def open_camera(device: str, wanted: Wanted, on_picture: OnPicture) -> Video:
    """Open a camera. Raises `DeviceAbsent`, `DeviceError`, `VideoUnavailable`."""
    if device.startswith(FILE_PREFIX):
        from actors.devices.picture_files import PictureFiles

        return PictureFiles(Path(device.removeprefix(FILE_PREFIX)).expanduser(), wanted, on_picture)
    from actors.devices.v4l2 import V4l2Camera

    return V4l2Camera(device, wanted, on_picture)


def open_screen(device: str, wanted: Wanted, on_picture: OnPicture) -> Video:
    """Open a screen. Raises `DeviceAbsent`, `DeviceError`, `VideoUnavailable`."""
    from actors.devices.screen import Screen

    return Screen(device, wanted, on_picture)


def what_is_missing(kind: str, device: str) -> str:
    """Say what has to be installed before this can be opened; empty when nothing has to."""
    if kind == "camera" and not device.startswith(FILE_PREFIX) and missing(*CAMERA_MODULES):
        return how_to_install("cameras need", *CAMERA_MODULES)
    if kind == "screen" and missing(*SCREEN_MODULES):
        return how_to_install("screens need", *SCREEN_MODULES)
    return ""


def list_cameras() -> list[VideoInfo]:
    """List every camera. Raises `VideoUnavailable`."""
    from actors.devices.v4l2 import list_cameras as ask

    return ask()


def list_screens() -> list[VideoInfo]:
    """List every monitor. Raises `VideoUnavailable`, `DeviceAbsent`."""
    from actors.devices.screen import list_screens as ask

    return ask()
