"""Functions given as objects are found again by another process, or refused."""

import sys

import pytest
import sample_tools

from supervisor.embedding import tools


def at_the_top():
    """Do nothing."""


def test_a_function_at_the_top_of_a_module_is_known_by_its_name():
    assert tools.references([sample_tools.add, "house:set_light"]) == ["sample_tools:add", "house:set_light"]


@pytest.mark.parametrize("tool", [lambda: 1, len.__call__, "".join])
def test_what_no_other_process_could_import_is_refused(tool):
    with pytest.raises(ValueError, match="at the top of a module"):
        tools.references([tool])


def test_a_function_within_a_function_is_refused():
    def inner():
        pass

    with pytest.raises(ValueError, match="inner"):
        tools.references([inner])


def test_the_folders_of_their_modules_are_searched():
    folder = str(sample_tools.__file__).rpartition("/")[0]
    assert folder in tools.search_path([sample_tools.add])


def test_a_script_is_imported_under_its_file_name(monkeypatch):
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__spec__", None)
    monkeypatch.setattr(main, "__file__", "/home/me/robot.py", raising=False)
    monkeypatch.setattr(main, "at_the_top", at_the_top, raising=False)
    monkeypatch.setattr(at_the_top, "__module__", "__main__")

    assert tools.references([at_the_top]) == ["robot:at_the_top"]
    assert tools.search_path([at_the_top]) == ["/home/me"]
