"""What an encoded picture is, read from its first bytes: JPEG, PNG or WebP, and how large. Pure, and decodes nothing."""

from collections.abc import Iterator
from mmap import mmap
from typing import NamedTuple

_SOI = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
_START_OF_SCAN, _END, _TABLES = 0xDA, 0xD9, 0xC4
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a length: nothing, and restarts."""
_SIZES = frozenset(range(0xC0, 0xD0)) - {_TABLES, 0xC8, 0xCC}
"""Markers of a frame header, whatever the coding."""
_HUFFMAN_TABLES = bytes.fromhex(
    "ffc4001f0000010501010101010100000000000000000102030405060708090a0bffc400b510000201030302040305050404"
    "0000017d01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a2526"
    "2728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a83848586878889"
    "8a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4"
    "e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9faffc4001f0100030101010101010101010000000000000102030405060708090a0bff"
    "c400b51100020102040403040705040400010277000102031104052131061241510761711322328108144291a1b1c1092333"
    "52f0156272d10a162434e125f11718191a262728292a35363738393a434445464748494a535455565758595a636465666768"
    "696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5"
    "c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
)
"""The ones of the standard (ITU T.81, Annex K), as segments."""


class PictureError(ValueError):
    """These bytes are no picture we know; the text says why."""


class Seen(NamedTuple):
    """What kind of picture it is, and its size in pixels."""

    mime: str
    width: int
    height: int


def look(data: bytes) -> Seen:
    """Tell what picture this is. Raises `PictureError` when it is no JPEG, PNG or WebP, or breaks off."""
    seen = _jpeg(data) or _png(data) or _webp(data)
    if seen is None:
        raise PictureError("no JPEG, PNG or WebP picture")
    if not (seen.width and seen.height):
        raise PictureError(f"a {seen.mime} of {seen.width}x{seen.height} pixels")
    return seen


def jpegs(data: bytes | mmap) -> Iterator[bytes]:
    """Yield every whole JPEG in a file of them (Motion JPEG, AVI), leaving out what stands between."""
    start = data.find(_SOI)
    while start >= 0:
        end = _end_of_jpeg(data, start)
        if end:
            yield bytes(data[start:end])
        start = data.find(_SOI, end or start + len(_SOI))


def whole_jpeg(data: bytes) -> bytes:
    """Return a camera's JPEG as other programs can read it: without padding, and with the tables that cameras leave out.

    Raises `PictureError` when it is none, or breaks off.
    """
    end = _end_of_jpeg(data, 0) if data.startswith(_SOI) else 0
    if not end:
        raise PictureError("a JPEG that breaks off" if data.startswith(_SOI) else "no JPEG")
    has_tables = any(marker == _TABLES for marker, _, _ in _segments(data, 0))
    return data[:end] if has_tables else data[:2] + _HUFFMAN_TABLES + data[2:end]


def _segments(data: bytes | mmap, start: int) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, begin, end) of the segments of a JPEG, to the end of the file or of what can be understood."""
    at = start + 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # padding before a marker
            at += 1
            continue
        if marker == _END:
            yield marker, at, at + 2
            return
        length = 0 if marker in _ALONE else int.from_bytes(data[at + 2 : at + 4], "big")
        end = at + 2 + length
        yield marker, at, end
        at = _behind_scan(data, end) if marker == _START_OF_SCAN else end
    if data[at : at + 2] == bytes((0xFF, _END)):
        yield _END, at, at + 2


def _behind_scan(data: bytes | mmap, at: int) -> int:
    """Return where the next marker stands behind entropy-coded data, in which FF is followed by 00 or a restart."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        if data[at + 1] and data[at + 1] not in _ALONE and data[at + 1] != 0xFF:
            return at
        at += 1
    return len(data)


def _end_of_jpeg(data: bytes | mmap, start: int) -> int:
    """Return where it ends; 0 when it does not."""
    return next((end for marker, _, end in _segments(data, start) if marker == _END), 0)


def _jpeg(data: bytes) -> Seen | None:
    if not data.startswith(_SOI):
        return None
    if not _end_of_jpeg(data, 0):
        raise PictureError("a JPEG that breaks off")
    for marker, begin, end in _segments(data, 0):
        if marker in _SIZES and end - begin >= 9:
            height, width = data[begin + 5 : begin + 7], data[begin + 7 : begin + 9]
            return Seen("image/jpeg", int.from_bytes(width, "big"), int.from_bytes(height, "big"))
    raise PictureError("a JPEG without a frame header")


def _png(data: bytes) -> Seen | None:
    if not data.startswith(_PNG):
        return None
    if data[12:16] != b"IHDR" or b"IEND" not in data[-16:]:
        raise PictureError("a PNG that breaks off")
    return Seen("image/png", int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"))


def _webp(data: bytes) -> Seen | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    if len(data) < max(30, int.from_bytes(data[4:8], "little")):
        raise PictureError("a WebP that breaks off")
    match data[12:16]:
        case b"VP8X":
            width, height = 1 + _le(data[24:27]), 1 + _le(data[27:30])
        case b"VP8L":
            bits = _le(data[21:25])
            width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            width, height = _le(data[26:28]) & 0x3FFF, _le(data[28:30]) & 0x3FFF
        case _:
            raise PictureError("a WebP of an unknown kind")
    return Seen("image/webp", width, height)


def _le(data: bytes) -> int:
    return int.from_bytes(data, "little")
