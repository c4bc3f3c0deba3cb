"""`/image PATH words`: what is read from a line, and which files can be shown."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import noise, picture

from actors.devices.still import MAX_FILE_BYTES, WORDS, PictureRefusedError, load
from actors.inputs.album import MAX_ON_THEIR_WAY, Album
from actors.inputs.pictures import is_picture, parse


@pytest.mark.parametrize(
    ("line", "path", "words"),
    [
        ("/image cat.jpg", "cat.jpg", WORDS),
        ("/image cat.jpg   what's this? ", "cat.jpg", "what's this?"),
        ('/image "my cat.jpg" what is "this"?', "my cat.jpg", 'what is "this"?'),
        ("/image 'my cat.jpg'", "my cat.jpg", WORDS),
        (r"/image my\ cat\'s.jpg hm", "my cat's.jpg", "hm"),
        ("/image\tcat.jpg\thm", "cat.jpg", "hm"),
        ("/image ~/cat.jpg", str(Path.home() / "cat.jpg"), WORDS),
        ("/image ende\\", "ende\\", WORDS),
    ],
)
def test_a_line_is_read_as_a_path_and_words(line, path, words):
    assert is_picture(line)
    assert parse(line) == (Path(path), words)


@pytest.mark.parametrize(
    "line", ["image cat.jpg", "/images cat.jpg", "what does /image do?", "", "/imagecat.jpg"]
)
def test_other_lines_show_no_picture(line):
    assert not is_picture(line)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/image", "write /image PATH"),
        ("/image ''", "write /image PATH"),
        ('/image "cat.jpg', 'the quote " before the path is not closed'),
        ("/image ~nobody-of-that-name/x", "~nobody-of-that-name/x: "),
    ],
)
def test_a_line_without_a_path_is_told_how_to_write_it(line, told):
    with pytest.raises(PictureRefusedError, match=told):
        parse(line)


@given(st.text(max_size=50))
def test_no_line_does_anything_but_be_read_or_refused(text):
    try:
        path, words = parse(f"/image {text}")
        load(path)
    except PictureRefusedError:
        return
    assert words


def test_files_that_are_no_pictures_are_refused_by_name(tmp_path):
    (tmp_path / "text").write_text("hello")
    (tmp_path / "half.jpg").write_bytes(picture()[:300])
    os.mkfifo(tmp_path / "fifo")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    told = {
        "none": "there is no file ",
        ".": "is no file",
        "fifo": "is no file",
        "huge": "has 34 MB; that is no picture to send",
        "text": "is no JPEG, PNG or WebP picture; JPEG, PNG and WebP can be shown",
        "half.jpg": "is a JPEG that breaks off",
    }
    for name, words in told.items():
        with pytest.raises(PictureRefusedError, match=words):
            load(tmp_path / name)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_sent_byte_for_byte(tmp_path, kind):
    (tmp_path / "cat").write_bytes(picture(kind))
    assert load(tmp_path / "cat") == picture(kind)


def test_without_pillow_a_picture_that_is_too_large_says_what_makes_it_smaller(tmp_path):
    large = tmp_path / "large.png"
    noise((600, 600)).save(large)
    action = f"""
import pathlib, sys
from actors.devices.still import load, smaller
sys.modules["PIL"] = None  # as if it were not installed
smaller(pathlib.Path("{large}"), load(pathlib.Path("{large}")), 768_000)
"""
    ended = subprocess.run([sys.executable, "-c", action], capture_output=True, text=True, check=False)
    assert f"{large} has 1.1 MB, at most 0.8 are sent: make it smaller; " in ended.stderr
    assert "to have that done here needs an extra package: " in ended.stderr
    assert "'pillow>=11,<14'" in ended.stderr


# The copies.


@pytest.fixture
def album(tmp_path, loop):
    return Album(tmp_path / "keyboard.spool", loop, lambda: None)


def test_a_copy_is_private_and_outlives_the_album(album, tmp_path, loop):
    (tmp_path / "cat.jpg").write_bytes(picture())
    album.keep(3, f"/image {tmp_path}/cat.jpg")
    (tmp_path / "cat.jpg").unlink()
    again = Album(tmp_path / "keyboard.spool", loop, lambda: None)
    again.keep(3, f"/image {tmp_path}/cat.jpg")
    assert again.read(3) == picture()
    (copy,) = tmp_path.glob("keyboard.spool.*")
    assert copy.stat().st_mode & 0o777 == 0o600
    again.forget(3)
    assert list(tmp_path.glob("keyboard.spool.*")) == []


def test_only_so_many_pictures_are_on_their_way_at_once(album, tmp_path):
    (tmp_path / "cat.jpg").write_bytes(picture())
    for number in range(MAX_ON_THEIR_WAY):
        assert album.has_room
        album.keep(number, f"/image {tmp_path}/cat.jpg")
    assert not album.has_room
    album.forget(0)
    assert album.has_room


def test_a_copy_that_was_taken_away_is_told(album, tmp_path):
    (tmp_path / "cat.jpg").write_bytes(picture())
    album.keep(1, f"/image {tmp_path}/cat.jpg")
    next(tmp_path.glob("keyboard.spool.*")).unlink()
    with pytest.raises(PictureRefusedError, match="the copy of its picture is gone"):
        album.read(1)
