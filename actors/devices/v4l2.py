"""Cameras of Linux (Video4Linux2) through linuxpy; its only importer, and only when a camera is used.

The camera's own JPEGs are passed on as they are. Between two pictures that are wanted its frames are read and thrown away:
what waits in the driver would be old.
"""

import contextlib
import errno
import logging
import select
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from actors.devices.audio import DeviceAbsent, DeviceError
from actors.devices.capture import Capture
from actors.devices.encoder import Encoder
from actors.devices.picture import PictureError, whole_jpeg
from actors.devices.video import CAMERA_MODULES, OnPicture, VideoInfo, Wanted
from actors.devices.video_extra import VideoUnavailable, how_to_install

_JPEG_FORMATS = ("MJPEG", "JPEG")
_FORMATS = (*_JPEG_FORMATS, "YUYV")
"""What we can pass on or encode, the best first; by linuxpy's names."""
_CAMERA_FPS = 10
_PICTURE_WITHIN_S = 5.0
_DEV = Path("/dev")

log = logging.getLogger("v4l2")


class V4l2Camera(Capture):
    """Takes pictures with a camera, as often as wanted."""

    def __init__(self, device: str, wanted: Wanted, on_picture: OnPicture) -> None:
        self._wanted = wanted
        self._encoder = Encoder(wanted)
        self._camera = _find(device)
        try:
            self._frames = self._configure()
        except OSError as error:
            self._camera.close()
            raise _trouble(str(self._camera.filename), error) from error
        except DeviceError:
            self._camera.close()
            raise
        made = self._frames.get_format()
        self._is_jpeg = made.pixel_format.name in _JPEG_FORMATS
        self._width, self._height, self._bytes_per_line = made.width, made.height, made.bytes_per_line
        self.description = f"{_name(self._camera)} ({self._camera.filename}, {made.width}x{made.height} {made.pixel_format.name})"
        super().__init__(wanted.fps, on_picture)

    def _configure(self) -> Any:
        """Choose format and size, and start the stream. Returns linuxpy's `VideoCapture`."""
        from linuxpy.video.device import VideoCapture

        offered = {each.pixel_format.name: each.pixel_format for each in _formats(self._camera)}
        name = next((name for name in _FORMATS if name in offered), None)
        if name is None:
            raise DeviceError(
                f"{_name(self._camera)} ({self._camera.filename}) gives {', '.join(offered) or 'nothing'}; "
                f"{', '.join(_FORMATS)} are understood; choose another camera with `device`"
            )
        capture = VideoCapture(self._camera)
        sizes = list(_sizes(self._camera, offered[name], self._wanted.max_side))
        width, height = best_size(sizes, self._wanted.max_side)
        capture.set_format(width, height, offered[name])
        with contextlib.suppress(OSError):  # not every camera lets us
            capture.set_fps(_CAMERA_FPS)
        capture.open()
        return capture

    def _wait_until(self, due_s: float) -> bool:
        while (left_s := due_s - time.monotonic()) > 0 and not self._stop.is_set():
            self._frame(min(left_s, 0.2))
        return not self._stop.is_set()

    def _take(self) -> tuple[bytes, int]:
        give_up_s = time.monotonic() + _PICTURE_WITHIN_S
        why = "no picture"
        while time.monotonic() < give_up_s and not self._stop.is_set():
            frame, taken_ns = self._frame(0.2), time.monotonic_ns()
            try:
                if frame:
                    return self._encoded(frame), taken_ns
            except PictureError as error:  # the first ones after the start are often broken
                why = f"nothing but {error}"
        raise DeviceError(f"it gives {why}")

    def _encoded(self, frame: bytes) -> bytes:
        if self._is_jpeg:
            return self._encoder.encoded(whole_jpeg(frame))
        return self._encoder.yuyv(frame, self._width, self._height, self._bytes_per_line)

    def _frame(self, within_s: float) -> bytes:
        """Return the next frame, nothing when none came. Raises `OSError` when the camera is gone."""
        if not select.select([self._camera.fileno()], [], [], within_s)[0]:
            return b""
        try:
            return bytes(self._frames.buffer.raw_read().data)
        except BlockingIOError:
            return b""

    def _release(self) -> None:
        with contextlib.suppress(OSError):  # it may have been pulled out
            self._frames.close()
        with contextlib.suppress(OSError):
            self._camera.close()


def best_size(sizes: list[tuple[int, int]], max_side: int) -> tuple[int, int]:
    """Return the largest size that needs no shrinking, otherwise the smallest there is."""
    fitting = [size for size in sizes if max(size) <= max_side]
    if fitting:
        return max(fitting, key=lambda size: size[0] * size[1])
    return min(sizes, key=lambda size: size[0] * size[1], default=(640, 480))


def list_cameras() -> list[VideoInfo]:
    """List every camera that we may open. Raises `VideoUnavailable`."""
    found = []
    for camera in _cameras():
        with contextlib.closing(camera):
            formats = ", ".join(each.pixel_format.name for each in _formats(camera))
            found.append(VideoInfo(_name(camera), "camera", str(camera.filename), formats))
    return found


def _cameras() -> Iterator[Any]:
    """Yield linuxpy's open devices that can take pictures; who takes one closes it."""
    device_type = _linuxpy()
    for path in sorted(_DEV.glob("video*"), key=lambda path: (len(path.name), path.name)):
        camera = device_type(path)
        try:
            camera.open()
            is_camera = bool(_formats(camera))
        except OSError as error:
            log.info("%s: %s", path, error.strerror)
            is_camera = False
        if is_camera:
            yield camera
        else:
            camera.close()


def _find(device: str) -> Any:
    """Open the camera that is meant. Raises `DeviceAbsent`, `DeviceError`."""
    if device.startswith("/"):
        return _open(device)
    names = []
    for camera in _cameras():
        if device.lower() in _name(camera).lower():
            return camera
        names.append(f"{_name(camera)} ({camera.filename})")
        camera.close()
    if device:
        there = f"there are: {', '.join(names)}" if names else "there is none at all"
        raise DeviceAbsent(f"there is no camera named {device!r}; {there}")
    denied = [str(path) for path in sorted(_DEV.glob("video*"))]
    if denied:
        raise DeviceAbsent(
            f"none of {', '.join(denied)} is a camera that we may use; "
            "`sudo usermod -aG video $USER`, then log in again, gives you access"
        )
    raise DeviceAbsent("there is no camera; plug one in, or set device")


def _open(path: str) -> Any:
    camera = _linuxpy()(path)
    try:
        camera.open()
        is_camera = bool(_formats(camera))
    except OSError as error:
        camera.close()
        raise _trouble(path, error) from error
    if is_camera:
        return camera
    camera.close()
    raise DeviceError(f"{path} takes no pictures; choose another device")


def _trouble(path: str, error: OSError) -> DeviceError:
    match error.errno:
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            return DeviceAbsent(f"there is no camera {path}; plug it in, or set another device")
        case errno.EACCES | errno.EPERM:
            return DeviceError(
                f"no access to {path}; `sudo usermod -aG video $USER`, then log in again, gives it to you"
            )
        case errno.EBUSY:
            return DeviceError(f"{path} is used by another program; end that first")
        case errno.ENOTTY:
            return DeviceError(f"{path} is no camera; choose another device")
        case _:
            return DeviceError(f"{path} does not do what a camera should: {error.strerror or error}")


def _formats(camera: Any) -> list[Any]:
    from linuxpy.video.device import BufferType, Capability

    if Capability.VIDEO_CAPTURE not in camera.info.device_capabilities:
        return []  # what else a camera's driver offers, such as its metadata
    return list(camera.info.buffer_formats(BufferType.VIDEO_CAPTURE))


def _sizes(camera: Any, pixel_format: Any, max_side: int) -> Iterator[tuple[int, int]]:
    from linuxpy.video.device import FrameSizeType

    for size in camera.info.format_frame_sizes(pixel_format):
        if size.type == FrameSizeType.DISCRETE:
            yield size.info.width, size.info.height
        else:  # any size: 4:3 is what most sensors see whole
            width = min(size.info.max_width, max_side)
            yield width, min(size.info.max_height, width * 3 // 4)


def _name(camera: Any) -> str:
    return str(camera.info.card)


def _linuxpy() -> Any:
    try:
        from linuxpy.video.device import Device
    except ImportError as error:
        raise VideoUnavailable(f"{how_to_install('cameras need', *CAMERA_MODULES)} ({error})") from error
    return Device
