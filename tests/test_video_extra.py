"""The extra `video`: what to install is said before anything starts, and everywhere in the same words."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from pictures import picture

from actors.devices.video_extra import REQUIREMENTS
from supervisor.config import load

ROOT = Path(__file__).parents[1]
SCRIPT = """
import sys
sys.modules["{module}"] = None  # as if it were not installed
{action}
"""


def without(module, action):
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(module=module, action=action)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_extra_of_the_package_is_what_users_are_told_to_install():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"]["video"] == list(REQUIREMENTS.values())
    told = " ".join(f"'{requirement}'" for requirement in REQUIREMENTS.values())
    for place in ("README.md", "configs/video.toml"):
        assert told in (ROOT / place).read_text(), place


def test_the_configuration_for_video_is_right():
    assert load(ROOT / "configs" / "video.toml").actors["camera"]["enabled"] is True


@pytest.mark.parametrize("command", ["check", "start"])
@pytest.mark.parametrize(("kind", "module"), [("camera", "linuxpy"), ("screen", "mss"), ("camera", "PIL")])
def test_a_conversation_with_video_is_refused_with_what_to_install(tmp_path, command, kind, module):
    config = tmp_path / "c.toml"
    config.write_text(f"[actors.{kind}]\nenabled = true\n")
    ended = without(module, f"from supervisor.cli import run; sys.exit(run(['{command}', '{config}']))")
    said = ended.stdout + ended.stderr
    assert ended.returncode == 6, said
    assert f"{config}:actors.{kind}: {kind}s need extra packages: {sys.executable} -m pip install" in said
    assert f"'{REQUIREMENTS[module]}'" in said


@pytest.mark.parametrize(("kind", "module"), [("camera", "linuxpy"), ("screen", "mss")])
def test_the_device_itself_says_the_same(kind, module):
    wanted = "Wanted(1, 640, 80, 9999)"
    ended = without(module, f"from actors.devices.video import *; open_{kind}('', {wanted}, print)")
    assert f"VideoUnavailable: {kind}s need extra packages: " in ended.stderr


def test_files_that_are_jpegs_need_no_extra_and_others_say_which(tmp_path):
    for name, kind in (("a.jpg", "JPEG"), ("a.png", "PNG")):
        (tmp_path / name).write_bytes(picture(kind))
    look = (
        "from actors.devices.video import *; open_camera('file:{}', Wanted(1, 640, 80, 99999), print).close()"
    )
    assert without("PIL", look.format(tmp_path / "a.jpg")).returncode == 0
    needs = without("PIL", look.format(tmp_path / "a.png")).stderr
    assert "has to be made a small JPEG, which needs an extra package: " in needs
    assert "'pillow>=11,<14'" in needs
