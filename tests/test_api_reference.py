"""The reference that is made of the docstrings."""

import subprocess
from pathlib import Path

import pytest

import actors

ROOT = Path(__file__).resolve().parent.parent
COMMAND = ROOT / "scripts" / "reference"


def test_the_reference_has_every_name_for_users_with_its_docstring(tmp_path):
    pytest.importorskip("pdoc", reason="the extra docs is not installed")
    done = subprocess.run(
        [COMMAND, tmp_path / "made"], capture_output=True, text=True, timeout=100, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    page = (tmp_path / "made" / "actors.html").read_text()
    assert [name for name in actors.__all__ if f'id="{name}"' not in page] == []
    assert "Run a conversation to its end." in page
    assert (tmp_path / "made" / "actors" / "model" / "tools" / "mark.html").exists()


def test_without_a_directory_it_says_how_it_is_used():
    done = subprocess.run([COMMAND], capture_output=True, text=True, timeout=100, check=False)

    assert (done.returncode, done.stderr) == (2, "usage: scripts/reference DIRECTORY\n")


@pytest.mark.parametrize("name", actors.__all__)
def test_every_name_for_users_and_what_it_can_do_is_documented(name):
    found = getattr(actors, name)
    assert found.__doc__
    methods = [value for key, value in vars(found).items() if callable(value) and not key.startswith("_")]
    assert [method.__name__ for method in methods if not method.__doc__] == []
