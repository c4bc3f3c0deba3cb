"""One picture in a file, to be shown with a line of text: read, looked at, and made as small as can be sent."""

import stat
from pathlib import Path

from actors.devices.audio import DeviceError
from actors.devices.encoder import Encoder
from actors.devices.picture import PictureError, look
from actors.devices.video import Wanted
from actors.devices.video_extra import VideoUnavailable, how_to_install

WORDS = "Look at this picture."
"""What is said with a picture when the user says nothing."""
MAX_FILE_BYTES = 32 << 20
MAX_SIDE = 2048
QUALITY = 85
"""Of the JPEG, from 1 to 95, that becomes of a picture that is too large."""


class PictureRefusedError(Exception):
    """The picture cannot be sent; the message says why and what to do."""


def load(path: Path) -> bytes:
    """Return the picture in a file, of any size. Raises `PictureRefusedError`."""
    data = _read(path)
    try:
        look(data)
    except PictureError as error:
        raise PictureRefusedError(_no_picture(path, error)) from error
    return data


def smaller(path: Path, data: bytes, max_bytes: int) -> bytes:
    """Return a picture with too many bytes as one that can be sent. Raises `PictureRefusedError`."""
    try:
        return Encoder(Wanted(1, MAX_SIDE, QUALITY, max_bytes)).encoded(data)
    except (PictureError, DeviceError) as error:
        raise PictureRefusedError(_no_picture(path, error)) from error
    except VideoUnavailable as error:
        raise PictureRefusedError(
            f"{path} has {len(data) / 1e6:.1f} MB, at most {max_bytes / 1e6:.1f} are sent: make it smaller; "
            f"{how_to_install('to have that done here needs', 'PIL')}"
        ) from error


def fitting(path: Path, max_bytes: int) -> bytes:
    """Return the picture in a file as it can be sent. Raises `PictureRefusedError`."""
    data = load(path)
    return data if len(data) <= max_bytes else smaller(path, data, max_bytes)


def _no_picture(path: Path, error: Exception) -> str:
    return f"{path} is {error}; JPEG, PNG and WebP can be shown"


def _read(path: Path) -> bytes:
    try:
        there = path.stat()
        if not stat.S_ISREG(there.st_mode):
            raise PictureRefusedError(f"{path} is no file")
        if there.st_size > MAX_FILE_BYTES:
            raise PictureRefusedError(f"{path} has {there.st_size / 1e6:.0f} MB; that is no picture to send")
        return path.read_bytes()
    except FileNotFoundError:
        raise PictureRefusedError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a zero in it
        raise PictureRefusedError(f"{path} cannot be read: {error}") from error
