"""What a picture is, told from its bytes alone."""

import contextlib
import io
import mmap

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import avi, picture, pixels, without_tables
from PIL import Image

from actors.devices.picture import PictureError, Seen, jpegs, look, whole_jpeg

FRAMES = [picture(seed=seed) for seed in range(5)]


@pytest.mark.parametrize(
    ("kind", "mime", "options"),
    [
        ("JPEG", "image/jpeg", {}),
        ("JPEG", "image/jpeg", {"progressive": True}),
        ("JPEG", "image/jpeg", {"restart_marker_blocks": 1}),
        ("PNG", "image/png", {}),
        ("WEBP", "image/webp", {}),
        ("WEBP", "image/webp", {"lossless": True}),
        ("WEBP", "image/webp", {"exif": Image.Exif()}),
    ],
)
@pytest.mark.parametrize("size", [(1, 1), (64, 48), (641, 1023)])
def test_kind_and_size_are_read_as_pillow_reads_them(kind, mime, options, size):
    assert look(picture(kind, size, **options)) == Seen(mime, *size)


def test_a_preview_within_a_picture_is_not_taken_for_the_picture():
    exif = Image.Exif()
    exif[0x010E] = picture(size=(16, 16)).decode("latin-1")
    assert look(picture(size=(320, 200), exif=exif.tobytes())) == Seen("image/jpeg", 320, 200)
    assert len(list(jpegs(picture(exif=exif.tobytes())))) == 1


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"GIF89a", b"%PDF-1.7", b"hello", bytes(100)])
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(PictureError):
        look(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_breaks_off_is_refused(kind):
    whole = picture(kind, (300, 200))
    with pytest.raises(PictureError, match="breaks off"):
        look(whole[: len(whole) // 2])


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x00\x00\x00\x00WEBP"]),
)
def test_garbage_is_refused_and_nothing_else_happens(data, beginning):
    with contextlib.suppress(PictureError):
        look(beginning + data)
    assert all(jpeg.startswith(b"\xff\xd8") for jpeg in jpegs(beginning + data))


@pytest.mark.parametrize(
    "film", [b"".join(FRAMES), avi(FRAMES), b"--cut\r\n".join(FRAMES)], ids=["mjpeg", "avi", "multipart"]
)
def test_every_picture_of_a_film_is_found_whole_and_in_order(film, tmp_path):
    assert list(jpegs(film)) == FRAMES
    path = tmp_path / "film"
    path.write_bytes(film + FRAMES[0][:50])
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert list(jpegs(mapped)) == FRAMES


def test_a_cameras_picture_is_given_the_tables_it_lacks_and_loses_its_padding():
    bare = without_tables(FRAMES[1])
    assert b"\xff\xc4" not in bare
    mended = whole_jpeg(bare + bytes(500))
    assert pixels(mended) == pixels(FRAMES[1])
    assert Image.open(io.BytesIO(mended)).tobytes() == Image.open(io.BytesIO(FRAMES[1])).tobytes()
    assert whole_jpeg(FRAMES[1]) == FRAMES[1], "what is whole stays as it is"


@pytest.mark.parametrize("data", [FRAMES[0][:-2], FRAMES[0][:100], b"", b"YUYV" * 9])
def test_a_cameras_broken_picture_is_refused(data):
    with pytest.raises(PictureError):
        whole_jpeg(data)
