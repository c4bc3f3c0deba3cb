"""Pixels to JPEG by Pillow; its only importer, and only when something has to be encoded."""

import io
from typing import TYPE_CHECKING, Any

from actors.devices.audio import DeviceError
from actors.devices.picture import PictureError, look, whole_jpeg
from actors.devices.video import Wanted
from actors.devices.video_extra import VideoUnavailable, how_to_install, missing

if TYPE_CHECKING:
    from PIL import Image

_COARSER = ((1, 60), (1, 40), (2, 60), (2, 40), (4, 60), (4, 40), (4, 20))
"""How many times smaller, and which quality: what to try when a picture has too many bytes."""


class Encoder:
    """Makes pictures as they are wanted. Pillow is needed for those that are not so already."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self.limit_bytes = wanted.first_bytes or wanted.max_bytes
        """What the way to the model carries now. Where it cannot be kept, `wanted.max_bytes` is."""

    def encoded(self, data: bytes) -> bytes:
        """Return a JPEG, PNG or WebP as a JPEG that fits: untouched if it is one already.

        Raises `PictureError`, `VideoUnavailable`, `DeviceError`.
        """
        seen = look(data)
        if seen.mime == "image/jpeg":
            data = whole_jpeg(data)
            if max(seen.width, seen.height) <= self._wanted.max_side and self._may_pass(len(data)):
                return data
        pillow = _pillow(
            f"a {seen.mime} of {seen.width}x{seen.height} pixels, {len(data)} bytes, has to be made a small JPEG, which needs"
        )
        try:
            image = pillow.open(io.BytesIO(data))
            image.draft("RGB", (self._wanted.max_side,) * 2)  # a large JPEG is read at a fraction of its size
            return self._jpeg(_upright(image).convert("RGB"))
        except (OSError, pillow.DecompressionBombError, SyntaxError) as error:
            raise PictureError(f"a broken {seen.mime} ({error})") from error

    def _may_pass(self, n_bytes: int) -> bool:
        """Whether a JPEG can stay as it is; where there is no Pillow, more are allowed to."""
        limit = self._wanted.max_bytes if missing("PIL") else min(self.limit_bytes, self._wanted.max_bytes)
        return n_bytes <= limit

    def bgrx(self, pixels: bytes | bytearray, width: int, height: int) -> bytes:
        """Return a screen's pixels, four bytes each, as a JPEG."""
        pillow = _pillow("pictures of a screen need")
        return self._jpeg(pillow.frombuffer("RGB", (width, height), pixels, "raw", "BGRX", 0, 1))

    def yuyv(self, pixels: bytes, width: int, height: int, bytes_per_line: int) -> bytes:
        """Return a camera's raw pixels (YUYV 4:2:2) as a JPEG."""
        pillow = _pillow("a camera without JPEG needs")
        if len(pixels) < bytes_per_line * height or width % 2:
            raise PictureError(f"{len(pixels)} bytes of {width}x{height} pixels")
        packed = b"".join(
            pixels[at : at + 2 * width] for at in range(0, bytes_per_line * height, bytes_per_line)
        )
        size = (width, height)
        luma = pillow.frombytes("L", size, packed[0::2])
        blue, red = (pillow.frombytes("L", (width // 2, height), packed[at::4]).resize(size) for at in (1, 3))
        return self._jpeg(pillow.merge("YCbCr", (luma, blue, red)))

    def _jpeg(self, image: "Image.Image") -> bytes:
        """Encode it as well as the limits allow: first coarser, then smaller."""
        image.thumbnail((self._wanted.max_side,) * 2)
        best = self._wanted.quality
        coarser = (
            (shrunk, min(quality, best)) for shrunk, quality in _COARSER if shrunk > 1 or quality < best
        )
        for shrunk, quality in ((1, best), *coarser):
            file = io.BytesIO()
            image.reduce(shrunk).save(file, "JPEG", quality=quality)
            if file.tell() <= self.limit_bytes:
                break
        if file.tell() <= self._wanted.max_bytes:
            return file.getvalue()
        raise DeviceError(
            f"a picture of {image.width}x{image.height} pixels does not fit into {self._wanted.max_bytes} bytes; "
            "make max_side smaller"
        )


def _upright(image: "Image.Image") -> "Image.Image":
    """Turn a photograph as its camera was held: what we write has no note about that."""
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _pillow(why: str) -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise VideoUnavailable(f"{how_to_install(why, 'PIL')} ({error})") from error
    return Image
