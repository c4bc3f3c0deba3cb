"""Files as a camera, and pixels to JPEG. What only a real camera can show is not here."""

import io
import queue

import pytest
from pictures import avi, noise, picture, pixels
from PIL import Image

from actors.devices.audio import DeviceAbsent, DeviceError
from actors.devices.encoder import Encoder
from actors.devices.picture import PictureError, look
from actors.devices.v4l2 import V4l2Camera, best_size
from actors.devices.video import Wanted, open_camera, what_is_missing

QUICK = Wanted(fps=100, max_side=640, quality=80, max_bytes=768_000)
WITHIN_S = 20


class Watched:
    """A file, open as a camera, and the queue of what it sees."""

    def __init__(self, path, wanted):
        self.seen = queue.SimpleQueue()
        self.device = open_camera(f"file:{path}", wanted, lambda *picture: self.seen.put(picture))

    def get(self):
        return self.seen.get(timeout=WITHIN_S)


@pytest.fixture
def watch():
    opened = []

    def opener(path, wanted=QUICK):
        opened.append(Watched(path, wanted))
        return opened[-1]

    yield opener
    for watched in opened:
        watched.device.close()


def first(seen, count):
    return [seen.get()[0] for _ in range(count)]


def test_a_single_picture_is_seen_again_and_again_as_it_is(tmp_path, watch):
    path = tmp_path / "cat.jpg"
    path.write_bytes(picture())
    assert first(watch(path), 3) == [picture()] * 3


def test_a_folder_is_seen_in_the_order_of_its_names_and_round_again(tmp_path, watch):
    for name, seed in (("b.jpg", 2), ("a.jpeg", 1), ("c.JPG", 3), ("notes.txt", 4)):
        (tmp_path / name).write_bytes(picture(seed=seed))
    assert first(watch(tmp_path), 4) == [picture(seed=seed) for seed in (1, 2, 3, 1)]


@pytest.mark.parametrize(("name", "film"), [("film.mjpeg", b"".join), ("film.avi", avi)])
def test_a_film_is_seen_picture_by_picture_and_round_again(tmp_path, watch, name, film):
    frames = [picture(seed=seed) for seed in range(3)]
    (tmp_path / name).write_bytes(film(frames))
    assert first(watch(tmp_path / name), 4) == [*frames, frames[0]]


def test_pictures_of_other_kinds_and_larger_ones_become_jpegs_that_fit(tmp_path, watch):
    (tmp_path / "a.png").write_bytes(picture("PNG", (300, 200), seed=5))
    (tmp_path / "b.jpg").write_bytes(picture("JPEG", (2000, 1000), seed=5))
    (tmp_path / "c.webp").write_bytes(picture("WEBP", (100, 1000), seed=5))
    seen = [look(jpeg) for jpeg in first(watch(tmp_path), 3)]
    assert {one.mime for one in seen} == {"image/jpeg"}
    assert [(one.width, one.height) for one in seen] == [(300, 200), (640, 320), (64, 640)]


def test_pictures_come_at_the_rate_that_was_asked_for(tmp_path, watch):
    path = tmp_path / "cat.jpg"
    path.write_bytes(picture())
    seen = watch(path, QUICK._replace(fps=20))
    times_ns = [seen.get()[1] for _ in range(11)]
    assert times_ns[-1] - times_ns[0] > 0.45e9, "ten periods of 50 ms; a loaded machine makes them longer"


def test_a_picture_that_was_changed_is_seen_changed_and_one_that_is_gone_ends_it(tmp_path, watch):
    path = tmp_path / "cat.jpg"
    path.write_bytes(picture())
    seen = watch(path)
    first(seen, 1)
    new = tmp_path / "new"
    new.write_bytes(picture(seed=9))
    new.replace(path)
    while first(seen, 1) != [picture(seed=9)]:
        pass
    path.unlink()
    seen.device._thread.join(WITHIN_S)
    assert isinstance(seen.device.error, DeviceAbsent)
    assert seen.device.is_stalled(0)


@pytest.mark.parametrize(
    ("name", "data", "error", "told"),
    [
        ("none.jpg", None, DeviceAbsent, "there is no "),
        ("text.jpg", b"hello", DeviceError, "no JPEG, PNG or WebP"),
        ("half.jpg", picture()[:200], DeviceError, "breaks off"),
        ("empty.avi", b"", DeviceError, "there is no picture in it"),
        ("empty.mjpeg", b"nothing", DeviceError, "there is no picture in it"),
    ],
)
def test_a_file_that_cannot_be_shown_is_named_at_once(tmp_path, watch, name, data, error, told):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(error, match=told) as caught:
        watch(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_a_jpeg_that_fits_is_passed_on_byte_for_byte():
    jpeg = picture(size=(640, 480), quality=95)
    assert Encoder(QUICK).encoded(jpeg) is jpeg


@pytest.mark.parametrize(("limit", "size"), [(180_000, 600), (50_000, 300), (6_000, 150)])
def test_a_picture_with_too_many_bytes_is_made_coarser_and_then_smaller_until_it_fits(limit, size):
    file = io.BytesIO()
    noise((600, 600)).save(file, "PNG")
    encoder = Encoder(QUICK)
    encoder.limit_bytes = limit
    jpeg = encoder.encoded(file.getvalue())
    assert len(jpeg) <= limit
    assert pixels(jpeg)[0] == (size, size)


def test_a_limit_that_cannot_be_kept_is_exceeded_up_to_what_can_be_sent_at_all():
    file = io.BytesIO()
    noise((600, 600)).save(file, "PNG")
    encoder = Encoder(QUICK._replace(first_bytes=100))
    assert pixels(encoder.encoded(file.getvalue()))[0] == (150, 150)
    with pytest.raises(DeviceError, match="make max_side smaller"):
        Encoder(QUICK._replace(max_bytes=1000)).encoded(file.getvalue())


def test_a_picture_that_cannot_be_decoded_is_refused():
    broken = bytearray(picture("PNG", (300, 200)))
    broken[60:90] = bytes(30)
    with pytest.raises(PictureError, match="a broken image/png"):
        Encoder(QUICK).encoded(bytes(broken))


def test_a_screens_pixels_keep_their_colours():
    blue_green_red = bytes((200, 100, 50, 0)) * (32 * 16)
    size, colour = pixels(Encoder(QUICK).bgrx(blue_green_red, 32, 16))
    assert size == (32, 16)
    assert all(abs(is_ - was) <= 4 for is_, was in zip(colour, (50, 100, 200), strict=True))


def test_a_cameras_raw_pixels_keep_their_colours_whatever_follows_each_line():
    y, cb, cr = Image.new("RGB", (1, 1), (200, 80, 40)).convert("YCbCr").getpixel((0, 0))
    line = bytes((y, cb, y, cr)) * 16 + bytes(24)
    size, colour = pixels(Encoder(QUICK).yuyv(line * 8, 32, 8, len(line)))
    assert size == (32, 8)
    assert all(abs(is_ - was) <= 4 for is_, was in zip(colour, (200, 80, 40), strict=True))
    with pytest.raises(PictureError):
        Encoder(QUICK).yuyv(line * 7, 32, 8, len(line))


@pytest.mark.parametrize(
    ("sizes", "best"),
    [
        ([(160, 120), (640, 480), (1280, 720)], (640, 480)),
        ([(480, 640), (160, 120)], (480, 640)),
        ([(1920, 1080), (1280, 720)], (1280, 720)),
        ([], (640, 480)),
    ],
)
def test_the_largest_size_that_needs_no_shrinking_is_chosen(sizes, best):
    assert best_size(sizes, 1024) == best


# A machine without cameras.


@pytest.mark.parametrize(
    ("device", "error", "told"),
    [
        ("/dev/video77", DeviceAbsent, "there is no camera /dev/video77; plug it in"),
        ("/dev/null", DeviceError, "/dev/null is no camera; choose another device"),
        ("no such camera", DeviceAbsent, "there is no camera named 'no such camera'"),
    ],
)
def test_a_camera_that_is_not_there_is_named(device, error, told):
    with pytest.raises(error, match=told):
        V4l2Camera(device, QUICK, lambda *_: None)


def test_what_has_to_be_installed_is_said_only_where_it_is_needed(monkeypatch):
    assert what_is_missing("camera", "") == ""
    monkeypatch.setitem(__import__("sys").modules, "linuxpy", None)
    assert "-m pip install 'linuxpy>=0.25,<1' 'pillow>=11,<14'" in what_is_missing("camera", "")
    assert what_is_missing("camera", "file:/a.jpg") == ""
    assert what_is_missing("screen", "") == ""
