"""The order in which the files are tested names files that there are."""

from pathlib import Path

from lanes import LONG, MEASURING


def test_every_file_that_is_named_is_there_and_named_once():
    named = [*MEASURING, *LONG]
    there = {path.stem for path in (Path(__file__).parent / "system").glob("test_*.py")}
    assert sorted(set(named)) == sorted(named)
    assert set(named) <= there
