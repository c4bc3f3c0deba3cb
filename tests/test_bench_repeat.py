"""`bench compare`: when two runs tell the same about a rival."""

import math

import msgspec
import pytest

from scripts.benchmarks import main, repeat
from scripts.benchmarks.repeat import Measured
from tests.test_bench_report import result


def run(theirs, ours, unit="ms"):
    return [Measured("delay", "cookbook", unit, theirs), Measured("delay", "antiphon", unit, ours)]


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        (run(100, 20), run(100, 20), True),
        (run(100, 20), run(240, 40), True),  # a machine of half the speed
        (run(100, 20), run(130, 20), False),
        (run(100, 40), run(100, 20), False),
        (run(12, 4), run(9, 1), True),  # nothing that can be told apart
        (run(12, 4, "MiB"), run(9, 1, "MiB"), False),
        (run(0, 0, ""), run(0, 0, ""), True),
        (run(0, 0, ""), run(5, 0, ""), False),
        (run(math.inf, 20), run(math.inf, 30), True),  # falls behind in both
        (run(math.inf, 20), run(900, 20), False),
    ],
)
def test_a_ratio_is_the_same_within_a_fifth_or_below_the_ruler(first, second, is_same):
    (pair,) = repeat.repeated(first, second)
    assert pair.is_same is is_same


def test_what_only_one_run_has_is_not_compared():
    assert repeat.repeated(run(1, 1), run(1, 1)[1:]) == []
    assert repeat.repeated(run(1, 1)[:1], run(1, 1)) == []


def test_a_file_that_is_no_result_is_named(tmp_path):
    for name, content in (("old.json", '{"schema": 2}'), ("none.txt", "no")):
        (tmp_path / name).write_text(content)
        with pytest.raises(SystemExit, match=f"bench: {tmp_path / name} is no result of this benchmark"):
            main.main(["compare", str(tmp_path / name), str(tmp_path / name)])
    with pytest.raises(SystemExit, match="No such file"):
        main.main(["show", str(tmp_path / "nowhere.json")])


def test_two_files_are_compared_and_what_differs_comes_first(tmp_path, capsys):
    one = tmp_path / "one.json"
    one.write_bytes(msgspec.json.encode(result()))
    assert main.main(["compare", str(one), str(one)]) == 0
    printed = capsys.readouterr().out
    assert "interrupted to silence" in printed
    assert "7 of 7 ratios are the same" in printed
    different = [*run(100, 20), Measured("other", "cookbook", "s", 1), Measured("other", "antiphon", "s", 1)]
    pairs = repeat.repeated(different, [*run(900, 20), *different[2:]])
    assert [line.split()[-1] for line in repeat.lines(pairs)[1:3]] == ["DIFFERS", "same"]
