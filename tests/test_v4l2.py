"""Cameras through linuxpy, on a driver that is a shim of the C library: the kernel's ioctls and its memory, but no camera."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pictures import picture, pixels, without_tables
from PIL import Image

from actors.devices.picture import look

SHIM = Path(__file__).with_name("v4l2_shim.c")
WATCH = """
import base64, json, queue, sys, time
from pathlib import Path
from actors.devices import v4l2
from actors.devices.video import Wanted, list_cameras, open_camera
folder, device, wanted, count = Path(sys.argv[1]), sys.argv[2], Wanted(*json.loads(sys.argv[3])), int(sys.argv[4])
v4l2._DEV = folder / "dev"
print(json.dumps([[camera.name, camera.address, camera.detail] for camera in list_cameras()]))
seen = queue.SimpleQueue()
try:
    camera = open_camera(device.replace("DEV", str(v4l2._DEV)), wanted, lambda jpeg, taken_ns: seen.put(jpeg))
except v4l2.DeviceError as error:
    sys.exit(f"{type(error).__name__}: {error}")
print(camera.description)
for _ in range(count):
    print(base64.b64encode(seen.get(timeout=20)).decode())
if count == 0:
    (folder / "unplugged").touch()
    camera._thread.join(20)
    print(camera.error)
camera.close()
assert not camera._thread.is_alive()
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    if shutil.which("gcc") is None or not Path("/usr/include/linux/videodev2.h").exists():
        pytest.skip("compiling the shim takes gcc and the kernel's headers (apt install gcc libc6-dev)")
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    command = ["gcc", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library, SHIM, "-ldl"]
    subprocess.run(command, check=True)
    return library


class Camera:
    """The folder that the shim takes for a camera, and a process that looks through it."""

    def __init__(self, folder, library):
        self.folder, self._library = folder, library
        (folder / "dev").mkdir()
        (folder / "dev" / "video42").touch()

    def shows(self, fourcc, *frames):
        (self.folder / "format").write_text(fourcc)
        for number, frame in enumerate(frames):
            (self.folder / str(number)).write_bytes(frame)

    def look(self, count=1, device="", fps=1.0, max_side=1024):
        """Return the cameras that are listed, the description, and the pictures; or what was said instead."""
        wanted = json.dumps([fps, max_side, 80, 768_000])
        ended = subprocess.run(
            [sys.executable, "-c", WATCH, str(self.folder), device, wanted, str(count)],
            env={**os.environ, "LD_PRELOAD": str(self._library), "V4L2_SHIM": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if ended.returncode:
            return ended.stderr.strip()
        listed, description, *rest = ended.stdout.splitlines()
        return (
            json.loads(listed),
            description,
            rest if count == 0 else [base64.b64decode(line) for line in rest],
        )


@pytest.fixture
def camera(shim, tmp_path):
    return Camera(tmp_path, shim)


def test_a_cameras_own_jpegs_are_passed_on_as_files_that_anybody_can_read(camera):
    frames = [picture(size=(640, 480), seed=seed) for seed in range(3)]
    camera.shows("MJPG", *(without_tables(frame) + bytes(100) for frame in frames))
    listed, description, seen = camera.look(count=2)
    address = str(camera.folder / "dev/video42")
    assert listed == [["Shim HD: Camera", address, "MJPEG"]]
    assert description == f"Shim HD: Camera ({address}, 640x480 MJPEG)", (
        "the largest size that needs no shrinking"
    )
    assert {pixels(jpeg) for jpeg in seen} <= {pixels(frame) for frame in frames}
    assert all(b"\xff\xc4" in jpeg for jpeg in seen), "the tables that cameras leave out"


def test_a_picture_is_a_fresh_one_not_what_waited_in_the_driver(camera):
    frames = [picture(size=(640, 480), seed=seed) for seed in range(60)]
    camera.shows("MJPG", *frames)
    _, _, seen = camera.look(count=4, fps=1.0)
    numbers = [frames.index(jpeg) for jpeg in seen]
    steps = [after - before for before, after in itertools.pairwise(numbers)]
    assert all(3 <= step <= 12 for step in steps), f"ten frames a second, one picture a second: {numbers}"


def test_raw_pixels_become_a_jpeg(camera):
    y, cb, cr = Image.new("RGB", (1, 1), (200, 80, 40)).convert("YCbCr").getpixel((0, 0))
    camera.shows("YUYV", bytes((y, cb, y, cr)) * (640 * 480 // 2))
    _, description, (jpeg,) = camera.look()
    size, colour = pixels(jpeg)
    assert (size, description[-13:]) == ((640, 480), "640x480 YUYV)")
    assert all(abs(is_ - was) <= 4 for is_, was in zip(colour, (200, 80, 40), strict=True))


def test_a_camera_whose_smallest_size_is_too_large_is_made_smaller(camera):
    camera.shows("MJPG", picture(size=(160, 120)))
    _, _, (jpeg,) = camera.look(max_side=100)
    assert look(jpeg)[1:] == (100, 75)


def test_broken_frames_are_left_out(camera):
    whole = picture(size=(640, 480))
    camera.shows("MJPG", whole[:500], b"", b"garbage", whole)
    assert camera.look()[2] == [whole]


@pytest.mark.parametrize("device", ["", "shim hd", "DEV/video42"])
def test_a_camera_is_found_as_the_first_by_a_part_of_its_name_and_by_its_path(camera, device):
    camera.shows("MJPG", picture(size=(640, 480)))
    assert "Shim HD: Camera" in camera.look(device=device)[1]


@pytest.mark.parametrize(
    ("fault", "fourcc", "device", "told"),
    [
        (
            "busy",
            "MJPG",
            "DEV/video42",
            "DeviceError: {dev}/video42 is used by another program; end that first",
        ),
        ("unplugged", "MJPG", "DEV/video42", "DeviceAbsent: there is no camera {dev}/video42; plug it in"),
        ("", "MJPG", "C920", "there is no camera named 'C920'; there are: Shim HD: Camera ({dev}/video42)"),
        (
            "",
            "NV12",
            "",
            "DeviceError: Shim HD: Camera ({dev}/video42) gives NV12; MJPEG, JPEG, YUYV are understood",
        ),
        (
            "unplugged",
            "MJPG",
            "",
            "none of {dev}/video42 is a camera that we may use; `sudo usermod -aG video",
        ),
    ],
)
def test_a_camera_that_cannot_be_used_says_why(camera, fault, fourcc, device, told):
    camera.shows(fourcc, picture())
    if fault:
        (camera.folder / fault).touch()
    assert told.format(dev=camera.folder / "dev") in camera.look(device=device)


def test_a_camera_that_is_pulled_out_says_so_at_once(camera):
    camera.shows("MJPG", picture(size=(640, 480)))
    _, _, (said,) = camera.look(count=0)
    assert "No such device" in said
