"""Pictures for tests: small, of any size and kind, each with a colour of its own; and films of them."""

import importlib.util
import io
import os
import struct

import pytest

if os.environ.get("CI") != "true" and not all(map(importlib.util.find_spec, ("PIL", "linuxpy", "mss"))):
    pytest.skip("the extra `video` is not installed; scripts/test installs it", allow_module_level=True)

from PIL import Image, ImageDraw


def picture(kind="JPEG", size=(64, 48), seed=0, **options):
    """Encode a picture that no other seed gives."""
    image = Image.new("RGB", size, ((seed * 37) % 256, (seed * 91) % 256, 128))
    ImageDraw.Draw(image).line((0, seed % size[1], size[0], size[1]), fill=(255, 255, 0), width=3)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(size=(64, 48)):
    """A picture that does not compress."""
    import random

    return Image.frombytes("RGB", size, random.Random(1).randbytes(size[0] * size[1] * 3))


def noise_jpeg(size, quality):
    """A JPEG that is as large as its pixels allow."""
    file = io.BytesIO()
    noise(size).save(file, "JPEG", quality=quality)
    return file.getvalue()


def without_tables(jpeg):
    """Take the Huffman tables out, as cameras do."""
    at, kept = 2, [jpeg[:2]]
    while jpeg[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at + 1] != 0xC4:
            kept.append(jpeg[at:end])
        at = end
    return b"".join(kept) + jpeg[at:]


def avi(frames):
    """Write a Motion JPEG film in the least of AVI."""
    chunks = b"".join(
        b"00dc" + struct.pack("<I", len(frame)) + frame + bytes(len(frame) % 2) for frame in frames
    )
    movie = b"LIST" + struct.pack("<I", len(chunks) + 4) + b"movi" + chunks
    return b"RIFF" + struct.pack("<I", len(movie) + 4) + b"AVI " + movie


def pixels(jpeg):
    """Decode it: (width, height), and what is in the middle."""
    image = Image.open(io.BytesIO(jpeg))
    image.load()
    return image.size, image.convert("RGB").getpixel((image.width // 2, 1))
