"""Every row of the fault matrix has a test that is there, or a reason why it has none."""

import ast
from pathlib import Path

import pytest
from system.faults import FAULTS

TESTS = Path(__file__).parent


def names(file):
    """The tests in a file, here or in system/; none if there is no such file."""
    paths = [path for path in (TESTS / f"{file}.py", TESTS / "system" / f"{file}.py") if path.exists()]
    bodies = [ast.parse(path.read_text()).body for path in paths]
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for body in bodies for node in body if isinstance(node, kinds)}


def test_the_matrix_has_40_rows():
    assert list(FAULTS) == list(range(1, 41))


@pytest.mark.parametrize("number", FAULTS)
def test_every_row_names_tests_that_exist(number):
    row = FAULTS[number]
    assert row.tests or row.lacks
    missing = [test for test in row.tests if test.partition("::")[2] not in names(test.partition("::")[0])]
    assert missing == []
