"""The systemd units are what systemd understands, and start what there is."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from supervisor.cli import parser

UNITS = sorted((Path(__file__).parents[1] / "configs" / "systemd").glob("*.service"))
NEEDS_SYSTEMD = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="needs systemd-analyze: apt install systemd"
)


def test_there_is_a_unit_for_each_side():
    assert [unit.name for unit in UNITS] == ["antiphon-device.service", "antiphon.service"]


@NEEDS_SYSTEMD
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_finds_nothing_wrong_with_it(unit, tmp_path):
    done = verify(tmp_path / unit.name, unit.read_text())
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@NEEDS_SYSTEMD
def test_systemd_would_find_something_wrong(tmp_path):
    done = verify(
        tmp_path / "wrong.service", UNITS[0].read_text().replace("WatchdogSec=10", "WatchdogSecs=10")
    )
    assert "WatchdogSecs" in done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_what_it_starts_is_a_command_of_ours(unit):
    started = re.search(r"^ExecStart=\S*/supervisor (.*)$", unit.read_text(), re.MULTILINE)
    assert parser().parse_args(started[1].split()).config.name in {"conversation.toml", "device.toml"}


def verify(path, text):
    """Ask systemd about a copy that names a program that is here."""
    path.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    return subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--user", str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(path.parent), "XDG_RUNTIME_DIR": str(path.parent)},
    )
