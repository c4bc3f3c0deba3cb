"""What `bench` prints, writes and keeps: pure parts."""

import math

import msgspec
import psutil
import pytest

from scripts.benchmarks import cost, main, report, venvs
from scripts.benchmarks.audio import Audio
from scripts.benchmarks.cost_scene import Alone, Many, Usage, usage
from scripts.benchmarks.life import Life, LifeCell
from scripts.benchmarks.machine import Machine
from scripts.benchmarks.measures import Numbers, Spread
from scripts.benchmarks.table import Cell, compared, comparison, summarise

SPREAD = Spread(5.0, 18.0, 20.0, 30.0)
NUMBERS = Numbers(0, 0.0, 0.0, SPREAD, SPREAD, 0.0, 0.0, [10.0, 20.0, 90.0], 0, [50.0])
HERE = Machine("a processor", 2, 1024, "6.1", "3.11", "pulseaudio 16", {}, (0.0, 0.0, 0.0))


def alone(pss_mib=100.0, cpu_percent=2.0):
    return Alone(Usage(cpu_percent, pss_mib, 6), Usage(2 * cpu_percent, pss_mib, 6))


def crowd(arm, conversations, started_s=2.0, pss_mib=50.0):
    use = Usage(1.0, pss_mib * conversations, 1)
    return cost.ManyCell(arm, conversations, Many(conversations, started_s, use, 0.1))


def result(**more):
    cells = [Cell(1, "none", arm, NUMBERS) for arm in ("antiphon", "cookbook")]
    parts = {
        "audio": Audio(1, {"reply_s": 4, "interruptions": 3}, ["a note"], summarise(cells), cells),
        "life": [LifeCell(1, "kill", "antiphon", Life(1.0, player_back_s=0.5, recorder_back_s=0.4))],
        "cost": cost.Cost(1, 6.0, [cost.AloneCell(1, "antiphon", alone())], [crowd("antiphon", 5)]),
    }
    return report.Result(HERE, ["what it is"], **(parts | more))


def test_a_result_survives_its_file():
    assert msgspec.json.decode(msgspec.json.encode(result()), type=report.Result) == result()


def test_every_part_is_printed_and_a_part_that_was_not_measured_is_not():
    whole = "\n".join(report.lines(result()))
    assert all(
        word in whole for word in ("none, cookbook", "0.5 s", "one conversation", "what it is", "a note")
    )
    assert "one conversation" not in "\n".join(report.lines(result(cost=None)))


def test_the_reason_why_a_rival_cannot_is_printed():
    broken = [LifeCell(1, "kill", "livekit", None, "needs a moon")]
    shown = report.lines(result(life=broken))
    assert "cannot: livekit: needs a moon" in shown


def test_only_our_own_failure_is_a_failure():
    assert not report.our_failures(result(life=[LifeCell(1, "kill", "livekit", None, "no")]))
    assert report.our_failures(result(life=[LifeCell(1, "kill", "antiphon", None, "no")]))


def test_markdown_tables_have_as_many_cells_in_every_row():
    tables = "\n".join(report.markdown(result())).split("\n\n")[:-1]
    assert len(tables) == 4
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_rivals_stand_beside_each_other_with_their_median_and_their_worst():
    head, *rows = comparison(
        summarise([Cell(1, "none", "antiphon", NUMBERS), Cell(1, "none", "livekit", None, "no")])
    )
    assert head == ["load: measure", "antiphon", "livekit"]
    assert ["none: interrupted to silence", "40 ms (90)", "cannot"] in rows


def test_a_microphone_that_falls_behind_is_not_told_by_how_long_it_was_watched():
    late = msgspec.structs.replace(
        NUMBERS, gaps=14, mic_to_server_ms=Spread(1900.0, 9000.0, 13_650.0, 14_000.0)
    )
    (row,) = rows = summarise([Cell(1, "threads", "livekit", late)])
    shown = dict(comparison(rows)[1:])
    assert shown["threads: microphone to model, p95"] == shown["threads: gaps in the reply"] == "falls behind"
    assert shown["threads: interrupted to silence"] == "40 ms (90)"
    assert compared(row, "mic_to_server_p50_ms") == math.inf
    assert compared(row, "silence_ms") == row.silence_ms


def test_memory_is_compared_with_ours():
    first, _ = cost.tables(
        cost.Cost(
            2,
            6.0,
            [
                cost.AloneCell(1, "antiphon", alone(100)),
                cost.AloneCell(2, "antiphon", alone(300)),
                cost.AloneCell(1, "livekit", alone(500, cpu_percent=7)),
            ],
            [],
        )
    )
    assert first[2] == ["livekit", "7.0", "14.0", "500", "2.5x", "6"]


@pytest.mark.parametrize(
    ("last", "why"),
    [
        (crowd("x", 5, started_s=2.0), ""),
        (crowd("x", 5, started_s=30.0), "would need about 120 s"),
        (crowd("x", 1, started_s=30.0), ""),
        (cost.ManyCell("x", 5, None, "boom"), "fewer did not come up"),
        (crowd("x", 5, pss_mib=10.0**9), "MiB of the"),
    ],
)
def test_a_crowd_that_cannot_be_up_in_time_is_not_tried(last, why):
    found = cost.why_not(last, 20, 45.0)
    assert why in found
    assert bool(why) == bool(found)


def test_the_use_of_a_process_is_measured():
    used = usage(lambda: [psutil.Process()], 0.0)
    assert used.processes == 1
    assert used.pss_mib > 5


def test_an_environment_is_made_anew_when_its_requirements_change(monkeypatch, tmp_path):
    assert venvs.directory_name("pipecat", b"a==1") != venvs.directory_name("pipecat", b"a==2")
    monkeypatch.setenv("ANTIPHON_BENCH_DIR", str(tmp_path))
    assert venvs.home() == tmp_path


def test_a_peer_whose_programs_are_missing_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(venvs.CannotError, match="apt install alsa-utils"):
        venvs.python_of("original")


@pytest.mark.bench
def test_a_peer_that_pip_cannot_install_says_what_happened(monkeypatch, tmp_path):
    monkeypatch.setenv("ANTIPHON_BENCH_DIR", str(tmp_path))
    monkeypatch.setattr(venvs, "REQUIREMENTS", tmp_path)
    (tmp_path / "nobody.txt").write_text("./no-such-directory\n")
    with pytest.raises(venvs.CannotError, match="nobody could not be installed"):
        venvs.python_of("nobody")


def test_an_earlier_result_can_be_shown_again(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)  # and back, at the end
    (tmp_path / "a.json").write_bytes(msgspec.json.encode(result()))
    assert main.main(["show", "a.json", "--markdown", "a.md"]) == 0
    assert "none, cookbook" in capsys.readouterr().out
    assert (tmp_path / "a.md").read_text().startswith("| load: measure |")


def test_tables_are_put_between_the_marks_and_nowhere_else():
    text = f"above\n{report.BEGIN}\nold\n{report.END}\nbelow\n"
    new = report.within(text, ["a table"])
    assert new == f"above\n{report.BEGIN}\na table\n{report.END}\nbelow\n"
    assert report.within(new, ["a table"]) == new
    with pytest.raises(ValueError, match="there is no"):
        report.within("nothing", [])


@pytest.mark.bench
@pytest.mark.timeout(1500)
def test_everything_can_be_measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main.main(["all", "--quick", "--results", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"bench.json", "bench.png", "bench.md"}
