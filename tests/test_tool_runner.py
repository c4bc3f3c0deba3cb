"""Calls in real worker processes: results, errors, deadlines, crashes, and what is left afterwards. See sample_tools.py."""

import json
import time
from pathlib import Path

import psutil
import pytest

from actors.model.tools.check import problems
from actors.model.tools.runner import IDLE_S, MAX_OPEN, Runner
from actors.runtime.inbox import Counters
from actors.wire import CallTool

SHORT_LIVED = """
import os, pathlib, threading
with open("starts", "a") as file:
    file.write("x")
if not pathlib.Path("stay").exists():
    threading.Timer(0.3, os._exit, [0]).start()
def f() -> int:
    return 1
"""
HERE = Path(__file__).parent


class Bench:
    """A runner and what it has said."""

    def __init__(self, loop, references):
        self.loop = loop
        self.offers, self.results, self.refusals = [], [], []
        self.counters = Counters()
        self.runner = Runner(
            loop, references, self.counters, self.offers.append, self.results.append, self.refusals.append
        )
        self.runner.start()
        loop.to_close.append(self.runner)

    def call(self, call_id, name, deadline_s=30.0, **args):
        self.runner.call(CallTool(call_id, name, json.dumps(args), deadline_s))

    def result(self, call_id):
        """Return the output of a call, or its error."""
        found = self.loop.until(
            lambda: next((result for result in self.results if result.call == call_id), None),
            f"result of {call_id}",
        )
        return json.loads(found.output) if found.error is None else found.error

    def ask(self, name, deadline_s=30.0, **args):
        call_id = f"ask-{len(self.results)}"
        self.call(call_id, name, deadline_s, **args)
        return self.result(call_id)


@pytest.fixture
def start(loop, monkeypatch):
    """Start a runner whose working directory is the tests'."""
    monkeypatch.chdir(HERE)

    def started(*references):
        bench = Bench(loop, list(references))
        loop.until(lambda: bench.offers or bench.refusals, "the modules are imported")
        return bench

    return started


@pytest.fixture
def bench(start):
    return start("sample_tools")


def is_over(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_module_of_the_working_directory_is_offered_and_its_functions_answer(bench):
    assert {"add", "nap"} <= {tool.name for tool in bench.offers[0].tools}
    assert bench.ask("add", a=1) == 3
    assert bench.ask("nap", seconds=0) == "rested"


def test_calls_one_after_the_other_find_what_their_module_remembers(bench):
    assert [bench.ask("count") for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "args", "said"),
    [
        ("fail", {"why": "gone"}, "LookupError: gone"),
        ("give_up", {}, "SystemExit: 4"),
        ("huge", {}, "huge returned 70002 bytes, at most 65536 can be taken"),
        ("add", {"a": "x"}, "a: Expected `int`, got `str`"),
        ("not_there", {}, "there is no tool named not_there"),
    ],
)
def test_a_function_that_fails_is_an_error_and_its_process_goes_on(bench, name, args, said):
    process = bench.ask("where")
    assert bench.ask(name, **args) == said
    assert bench.ask("where") == process


@pytest.mark.parametrize("name", ["spin", "spin_in_c"])
def test_a_function_that_hangs_is_stopped_at_its_deadline_and_the_next_call_works(bench, name):
    process = bench.ask("where")
    assert bench.ask(name, 0.5) == f"{name} did not answer within 0.5 s and was stopped"
    assert bench.ask("where") != process
    assert is_over(process)
    assert bench.counters.dropped == {"tool_stopped": 1}


def test_a_function_that_ends_its_process_is_an_error_and_the_next_call_works(bench):
    assert bench.ask("leave") == "the process of leave ended: exit 3"
    assert bench.ask("add", a=1) == 3


def test_a_function_that_hangs_holds_no_other_up(bench):
    bench.call("slow", "spin", 20.0)
    assert bench.ask("add", a=1) == 3
    assert bench.ask("nap", seconds=0) == "rested"
    assert all(result.call != "slow" for result in bench.results)


def test_eight_functions_run_at_the_same_time_and_the_ninth_waits_for_one_of_them(bench, tmp_path):
    for number in range(8):
        bench.call(str(number), "wait_for_others", directory=str(tmp_path), me=str(number), others=8)
    bench.call("ninth", "add", a=1)
    assert all(bench.result(str(number)) == [str(other) for other in range(8)] for number in range(8))
    assert bench.result("ninth") == 3
    assert len(bench.runner.pids) == 8


def test_processes_of_a_burst_are_ended_when_they_are_idle_except_for_the_first(bench, tmp_path):
    for number in range(3):
        bench.call(str(number), "wait_for_others", directory=str(tmp_path), me=str(number), others=3)
    bench.loop.until(lambda: len(bench.results) == 3, "three results")
    first, *others = bench.runner.pids
    for _ in range(2):
        bench.loop.skip(IDLE_S)
    assert bench.runner.pids == [first]
    assert all(is_over(pid) for pid in others)
    assert bench.ask("add", a=1) == 3


def test_a_call_that_no_process_was_free_for_is_an_error_in_time(bench):
    for number in range(8):
        bench.call(str(number), "spin", 20.0)
    assert "no process was free" in bench.ask("add", 0.5, a=1)


def test_more_calls_than_can_be_held_are_refused_and_the_others_go_on(bench):
    for number in range(MAX_OPEN):
        bench.call(str(number), "nap", seconds=0.2)
    assert bench.ask("add", a=1) == f"{MAX_OPEN} tools are running already"
    assert [bench.result(str(number)) for number in range(MAX_OPEN)] == ["rested"] * MAX_OPEN


def test_coroutines_share_one_process_and_run_beside_each_other(bench):
    began = time.monotonic()
    for number in range(20):
        bench.call(str(number), "nap", seconds=0.5)
    assert [bench.result(str(number)) for number in range(20)] == ["rested"] * 20
    assert time.monotonic() - began < 8, "one after the other: 10 s"
    assert bench.ask("where_the_loop_is") == bench.ask("where_the_loop_is")


def test_a_coroutine_that_sleeps_too_long_is_cancelled_and_its_neighbours_go_on(bench):
    process = bench.ask("where_the_loop_is")
    bench.call("neighbour", "nap", seconds=1)
    assert bench.ask("nap", 0.3, seconds=60) == "nap did not answer within 0.3 s and was stopped"
    assert bench.result("neighbour") == "rested"
    assert bench.ask("where_the_loop_is") == process


@pytest.mark.parametrize("name", ["block_the_loop", "refuse_to_end"])
def test_a_coroutine_that_cannot_be_cancelled_ends_with_its_process_and_its_neighbours_are_told(bench, name):
    bench.ask("where_the_loop_is")
    bench.call("neighbour", "nap", seconds=60)
    assert bench.ask(name, 0.3) == f"{name} did not answer within 0.3 s and was stopped"
    assert bench.result("neighbour") == f"the process of nap ended: {name}, which ran beside it, hung"
    assert bench.ask("nap", seconds=0) == "rested"


def test_a_coroutine_nobody_wants_any_more_is_cancelled_and_never_answered(bench):
    bench.ask("where_the_loop_is")
    bench.call("1", "nap", seconds=60)
    bench.runner.cancel("1")
    assert bench.ask("nap", seconds=0) == "rested"
    bench.loop.until(lambda: not bench.runner._open, "nothing is open")
    assert all(result.call != "1" for result in bench.results)


def test_a_plain_function_nobody_wants_any_more_ends_by_itself_and_is_never_answered(bench, tmp_path):
    ran, go = tmp_path / "ran", tmp_path / "go"
    bench.call("1", "write_down", path=str(ran), go=str(go))
    bench.loop.until(ran.exists, "it runs")
    bench.runner.cancel("1")
    go.touch()
    bench.loop.until(lambda: not bench.runner._open, "it has ended")
    assert bench.results == []
    assert len(bench.runner.pids) == 1


def test_a_call_that_waits_and_that_nobody_wants_is_never_begun(bench, tmp_path):
    for number in range(8):
        bench.call(str(number), "spin", 1.0)
    bench.call("waiting", "write_down", path=str(tmp_path / "ran"), go=str(tmp_path))
    bench.runner.cancel("waiting")
    assert bench.ask("add", a=1) == 3
    assert not (tmp_path / "ran").exists()


def test_a_call_that_came_twice_runs_once(bench):
    bench.call("1", "count")
    bench.call("1", "count")
    assert bench.result("1") == 1
    assert bench.ask("count") == 2


def test_what_a_stopped_function_started_is_ended_with_it(bench, tmp_path):
    bench.ask("leave_a_child", 1.0, path=str(tmp_path / "pid"))
    child = int((tmp_path / "pid").read_text())
    bench.loop.until(lambda: is_over(child), "the child has ended")


def test_closing_leaves_no_process(bench):
    bench.call("1", "spin")
    bench.ask("nap", seconds=0)
    pids = bench.runner.pids
    assert len(pids) >= 2
    bench.runner.close()
    assert all(is_over(pid) for pid in pids)


def test_a_process_ends_when_nobody_is_at_the_other_end(bench):
    (pid,) = bench.runner.pids
    bench.runner._workers[0]._pipe.shutdown(2)
    bench.loop.until(lambda: pid not in bench.runner.pids, "it has ended")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise RuntimeError('no')", "model.tools[0] (broken): broken cannot be imported: RuntimeError: no"),
        ("import os; os._exit(5)", "importing broken ended the process: exit 5"),
    ],
)
def test_a_module_that_cannot_be_imported_is_told_and_not_tried_again(
    loop, monkeypatch, tmp_path, text, said
):
    (tmp_path / "broken.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    bench = Bench(loop, ["broken"])
    loop.until(lambda: bench.refusals, "a refusal")
    loop.until(lambda: not bench.runner.pids, "its process has ended")
    assert bench.refusals[0] == said
    assert bench.offers == []


def test_a_process_that_ends_on_its_own_is_not_started_again_before_it_is_needed(loop, monkeypatch, tmp_path):
    (tmp_path / "short.py").write_text(SHORT_LIVED)
    monkeypatch.chdir(tmp_path)
    bench = Bench(loop, ["short:f"])
    loop.until(lambda: bench.offers and not bench.runner.pids, "loaded and ended")
    loop.serve_for(0.5)
    assert (tmp_path / "starts").read_text() == "x"
    (tmp_path / "stay").touch()
    assert bench.ask("f") == 1


def test_a_check_says_what_would_be_wrong_and_leaves_nothing_running(monkeypatch):
    monkeypatch.chdir(HERE)
    before = psutil.Process().children()
    assert problems([]) == problems(["sample_tools"]) == []
    assert problems(["sample_tools:nothing"]) == [
        "model.tools[0] (sample_tools:nothing): sample_tools has no function nothing"
    ]
    assert psutil.Process().children() == before
