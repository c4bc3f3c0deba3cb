"""Lines that show a picture, `/image PATH words`: what they mean, and the picture as it can be sent."""

import stat
from pathlib import Path

from actors.devices.audio import DeviceError
from actors.devices.encoder import Encoder
from actors.devices.picture import PictureError, look
from actors.devices.video import Wanted
from actors.devices.video_extra import VideoUnavailable, how_to_install
from actors.wire import MAX_PICTURE_BYTES

COMMAND = "/image"
WORDS = "Look at this picture."
"""What is said with a picture when the user says nothing."""
MAX_FILE_BYTES = 32 << 20
SMALLER = Wanted(fps=1, max_side=2048, quality=85, max_bytes=MAX_PICTURE_BYTES)
"""What becomes of a picture that is too large."""


class PictureRefusedError(Exception):
    """The picture cannot be sent; the message says why and what to do."""


def is_picture(text: str) -> bool:
    """Whether a line shows a picture."""
    return text.split(maxsplit=1)[:1] == [COMMAND]


def parse(text: str) -> tuple[Path, str]:
    """Return the path and the words of a line. A path with spaces stands in quotes, or has a backslash before each."""
    rest = text.removeprefix(COMMAND).strip()
    if rest[:1] in {'"', "'"}:
        path, closing, words = rest[1:].partition(rest[0])
        if not closing:
            raise PictureRefusedError(f"the quote {rest[0]} before the path is not closed")
    else:
        path, words = _first_word(rest)
    if not path:
        raise PictureRefusedError(f"write {COMMAND} PATH, and behind it what you want to say")
    try:
        return Path(path).expanduser(), words.strip() or WORDS
    except RuntimeError as error:  # ~somebody
        raise PictureRefusedError(f"{path}: {error}") from error


def _first_word(text: str) -> tuple[str, str]:
    word, at = "", 0
    while at < len(text) and not text[at].isspace():
        at += text[at] == "\\" and at + 1 < len(text)
        word += text[at]
        at += 1
    return word, text[at:]


def load(path: Path) -> bytes:
    """Return the picture in a file, of any size. Raises `PictureRefusedError`."""
    data = _read(path)
    try:
        look(data)
    except PictureError as error:
        raise PictureRefusedError(_no_picture(path, error)) from error
    return data


def smaller(path: Path, data: bytes) -> bytes:
    """Return a picture with too many bytes as one that can be sent. Raises `PictureRefusedError`."""
    try:
        return Encoder(SMALLER).encoded(data)
    except (PictureError, DeviceError) as error:
        raise PictureRefusedError(_no_picture(path, error)) from error
    except VideoUnavailable as error:
        raise PictureRefusedError(
            f"{path} has {len(data) / 1e6:.1f} MB, at most {MAX_PICTURE_BYTES / 1e6:.1f} are sent: make it smaller; "
            f"{how_to_install('to have that done here needs', 'PIL')}"
        ) from error


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
