"""Files as a camera: one picture again and again, a folder of them, or a file of JPEGs (Motion JPEG, AVI) round and round.

A picture is read anew each time, so another program may go on writing it; a folder is listed anew after its last picture.
"""

import mmap
import time
from collections.abc import Iterator
from pathlib import Path

from actors.devices.audio import DeviceAbsent, DeviceError
from actors.devices.capture import Capture
from actors.devices.encoder import Encoder
from actors.devices.picture import PictureError, jpegs
from actors.devices.video import OnPicture, Wanted

_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_FILMS = frozenset({".avi", ".mjpeg", ".mjpg"})


class PictureFiles(Capture):
    """Shows files as if a camera saw them."""

    def __init__(self, path: Path, wanted: Wanted, on_picture: OnPicture) -> None:
        self._path = path
        self._encoder = Encoder(wanted)
        self._pictures = _pictures(path)
        self._first = self._next()  # what cannot be shown is told at once
        self.description = f"file {path}, {wanted.fps:g} per second"
        super().__init__(wanted.fps, on_picture)

    def _take(self) -> tuple[bytes, int]:
        first, self._first = self._first, b""
        return first or self._next(), time.monotonic_ns()

    def _next(self) -> bytes:
        try:
            return self._encoder.encoded(next(self._pictures))
        except FileNotFoundError:
            raise DeviceAbsent(
                f"there is no {self._path}; give file:PATH with a picture, a folder of pictures or a film of JPEGs"
            ) from None
        except PictureError as error:
            raise DeviceError(f"{self._path}: {error}; give JPEG, PNG or WebP pictures") from error
        except OSError as error:
            raise DeviceError(f"cannot read {self._path}: {error.strerror}") from error


def _pictures(path: Path) -> Iterator[bytes]:
    """Yield encoded pictures without end."""
    while True:
        some = False
        for picture in _once(path):
            some = True
            yield picture
        if not some:
            raise PictureError("there is no picture in it")


def _once(path: Path) -> Iterator[bytes]:
    if path.is_dir():
        names = sorted(file for file in path.iterdir() if file.suffix.lower() in _PICTURES)
        yield from (file.read_bytes() for file in names)
    elif path.suffix.lower() in _FILMS:
        if not path.stat().st_size:
            return  # an empty file cannot be mapped
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as film:
            yield from jpegs(film)
    else:
        yield path.read_bytes()
