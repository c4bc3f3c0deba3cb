"""What `status` finds out from a state file, a lock and the processes themselves, asking nobody."""

import contextlib
import os
import signal
import subprocess
import time

import msgspec
import psutil
import pytest

from actors.runtime.notify import Health, Latency
from actors.wire import ConversationState
from supervisor import show
from supervisor.birth import birth_of
from supervisor.instance import Holder, Instance
from supervisor.report import ActorReport, TreeReport, write
from supervisor.status import DEAD, DEGRADED, NOT_RUNNING, READY, UNKNOWN, living, look, survivors

PATIENCE_S = 20.0


@pytest.fixture(autouse=True)
def runtime(short_dir, monkeypatch):
    monkeypatch.setenv("ANTIPHON_RUNTIME_DIR", str(short_dir))
    return short_dir


@pytest.fixture
def process():
    """Start harmless real processes."""
    started = []

    def start():
        started.append(psutil.Popen(["sleep", "1000"]))
        return started[-1]

    yield start
    for one in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
        one.wait()


def end(process):
    process.kill()
    process.wait()


def actor(process, name="mic", **changes):
    """A row of a well actor."""
    now_ns = time.monotonic_ns()
    row = ActorReport(
        name=name,
        kind=name,
        state="ready",
        pid=process.pid if process else None,
        birth_s=birth_of(process.pid) if process else None,
        started_ns=now_ns - 5_000_000_000,
        ready=True,
        restarts=0,
        beat_ns=now_ns,
        health=Health(frames_in=5, dropped={"stale": 2}, latency_ms={"mic_to_send": Latency(1.0, 2.0)}),
        in_per_s=1.5,
        out_per_s=2.5,
        detail="USB",
        last_exit=None,
    )
    return msgspec.structs.replace(row, **changes)


def tree(supervisor, *rows, name="test", holder=None, **changes):
    """Write what a supervisor would have written."""
    instance = Instance(name)
    instance.directory.mkdir()
    now_ns = time.monotonic_ns()
    report = TreeReport(
        schema=1,
        name=name,
        pid=supervisor.pid,
        birth_s=birth_of(supervisor.pid),
        started_ns=now_ns - 9_000_000_000,
        written_ns=now_ns,
        config="c.toml",
        state="ready",
        why="",
        conversation=ConversationState(connected=True, epoch=3, model="parrot"),
        actors=list(rows),
    )
    write(instance.state_file, msgspec.structs.replace(report, **changes))
    holder = holder or Holder(supervisor.pid, birth_of(supervisor.pid))
    (instance.directory / "lock").write_bytes(msgspec.json.encode(holder))
    return instance


def judged(name="test"):
    found = look(name)
    return found.code, found.document["state"], found.document["why"]


def row_of(name, found):
    return next(row for row in found.document["actors"] if row["name"] == name)


def test_a_tree_whose_actors_are_all_ready_is_ready(process):
    tree(process(), actor(process()), actor(process(), "speaker"))
    assert judged() == (READY, "ready", "")


def test_the_document_has_every_field_of_the_contract(process):
    supervisor, mic = process(), process()
    tree(supervisor, actor(mic))
    document = look("test").document
    assert (document["schema"], document["name"], document["pid"]) == (1, "test", supervisor.pid)
    assert document["uptime_s"] == pytest.approx(9.0, abs=5.0)
    assert document["conversation"] == {
        "console_mode": "input",
        "is_streaming_output": False,
        "terminated": False,
        "connected": True,
        "epoch": 3,
        "muted": False,
        "model": "parrot",
    }
    assert document["latency_ms"] == {"mic_to_send": {"p50": 1.0, "p99": 2.0}}
    row = document["actors"][0]
    measured = {
        key: row.pop(key)
        for key in ("cpu_percent", "rss_bytes", "uss_bytes", "threads", "fds", "uptime_s", "heartbeat_age_s")
    }
    assert all(value is not None and value >= 0 for value in measured.values()), measured
    assert row == {
        "name": "mic",
        "kind": "mic",
        "host": "local",
        "pid": mic.pid,
        "state": "ready",
        "ready": True,
        "restarts": 0,
        "loop_lag_ms_p99": 0.0,
        "in_per_s": 1.5,
        "out_per_s": 2.5,
        "frames_in": 5,
        "frames_out": 0,
        "dropped": {"stale": 2},
        "underruns": 0,
        "overruns": 0,
        "queue_ms": 0.0,
        "level_dbfs": None,
        "concealed_ms": 0.0,
        "detail": "USB",
        "last_exit": None,
    }


def test_no_name_that_was_never_started_is_running():
    assert judged("nobody") == (NOT_RUNNING, "stopped", "not running")


def test_a_lock_whose_holder_is_dead_and_nothing_else_is_not_running(process):
    supervisor = process()
    instance = tree(supervisor)
    instance.state_file.unlink()
    end(supervisor)
    assert judged() == (NOT_RUNNING, "stopped", "not running")


def test_a_supervisor_that_has_written_nothing_yet_is_starting(process):
    tree(process()).state_file.unlink()
    assert judged() == (DEGRADED, "degraded", "starting")


def test_a_state_file_that_makes_no_sense_is_none(process):
    tree(process()).state_file.write_bytes(b"{")
    assert judged() == (DEGRADED, "degraded", "starting")


def test_an_actor_that_is_not_ready_makes_the_tree_degraded_and_is_named(process):
    tree(process(), actor(process()), actor(process(), "speaker", state="starting", ready=False))
    assert judged() == (DEGRADED, "degraded", "speaker starting")


def test_an_actor_that_died_unnoticed_is_shown_as_dead(process):
    mic = process()
    tree(process(), actor(mic))
    end(mic)
    found = look("test")
    assert (found.code, found.document["why"]) == (DEGRADED, "mic backoff")
    row = row_of("mic", found)
    assert (row["pid"], row["ready"], row["rss_bytes"], row["cpu_percent"]) == (None, False, None, None)


def test_a_zombie_is_dead(process):
    mic = process()
    tree(process(), actor(mic))
    mic.send_signal(signal.SIGKILL)
    give_up_s = time.monotonic() + PATIENCE_S
    while psutil.Process(mic.pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < give_up_s
    assert judged() == (DEGRADED, "degraded", "mic backoff")


def test_an_actor_whose_heart_is_late_is_degraded(process):
    tree(process(), actor(process(), beat_ns=time.monotonic_ns() - 2_000_000_000))
    assert judged() == (DEGRADED, "degraded", "mic degraded")


@pytest.mark.parametrize(("is_optional", "code"), [(True, READY), (False, DEGRADED)])
def test_a_device_that_is_absent_matters_only_where_it_was_asked_for(process, is_optional, code):
    absent = actor(None, state="absent", ready=False, beat_ns=None, is_optional=is_optional)
    tree(process(), absent)
    assert look("test").code == code


def test_a_tree_that_is_stopping_is_degraded(process):
    tree(process(), actor(process()), state="degraded", why="stopping")
    assert judged() == (DEGRADED, "degraded", "stopping")


def test_of_a_dead_supervisor_the_actors_it_left_are_named(process):
    supervisor, mic = process(), process()
    tree(supervisor, actor(mic))
    end(supervisor)
    assert judged() == (DEAD, "leftovers", f"the supervisor is dead; left over: mic (pid {mic.pid})")


def test_of_a_dead_supervisor_without_actors_its_files_are_left(process):
    supervisor, mic = process(), process()
    tree(supervisor, actor(mic))
    end(supervisor)
    end(mic)
    assert judged() == (DEAD, "leftovers", "the supervisor is dead; left over: its files")


def test_a_pid_that_is_somebody_elses_now_is_not_the_supervisor(process):
    other = process()
    tree(other, holder=Holder(other.pid, birth_of(other.pid) - 100.0))
    assert look("test").code == DEAD


def test_a_pid_that_is_somebody_elses_now_is_not_the_actor(process):
    other = process()
    tree(process(), actor(other, birth_s=birth_of(other.pid) - 100.0))
    assert judged() == (DEGRADED, "degraded", "mic backoff")
    assert survivors("test") == []


def test_survivors_are_the_actors_that_are_still_the_same(process):
    mic, speaker, supervisor = process(), process(), process()
    tree(supervisor, actor(mic), actor(speaker, "speaker"), actor(None, "console", birth_s=None))
    end(speaker)
    end(supervisor)
    assert [survivor.pid for survivor in survivors("test")] == [mic.pid]
    assert survivors("nobody") == []


def test_of_a_stopped_supervisor_nothing_newer_is_known(process):
    supervisor = process()
    tree(supervisor, actor(process()))
    supervisor.send_signal(signal.SIGSTOP)
    give_up_s = time.monotonic() + PATIENCE_S
    while supervisor.status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < give_up_s
    code, state, why = judged()
    assert (code, state) == (UNKNOWN, "degraded")
    assert why.startswith("the supervisor is stopped; what it knew is ")


def test_a_supervisor_that_writes_nothing_any_more_hangs(process):
    tree(process(), actor(process()), written_ns=time.monotonic_ns() - 60_000_000_000)
    code, _, why = judged()
    assert code == UNKNOWN
    assert why.startswith("the supervisor hangs; what it knew is 60.")


@contextlib.contextmanager
def unprivileged(directory):
    """Be somebody to whom the directory is closed."""
    if os.geteuid() != 0:
        directory.chmod(0)
        yield
        directory.chmod(0o700)
        return
    directory.chmod(0o700)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_what_may_not_be_read_is_unknown_and_not_stopped(process):
    instance = tree(process(), actor(process()))
    with unprivileged(instance.directory):
        code, state, why = judged()
    assert (code, state) == (UNKNOWN, "degraded")
    assert why.startswith("cannot be read: ")


def test_a_process_is_living_only_with_the_birth_it_had(process):
    one = process()
    assert living(one.pid, birth_of(one.pid)).pid == one.pid
    assert living(one.pid, birth_of(one.pid) + 1.0) is None
    end(one)
    assert living(one.pid, None) is None


def test_the_table_shows_what_a_user_asks_first(process):
    supervisor, mic = process(), process()
    tree(
        supervisor,
        actor(mic, last_exit="killed by SIGKILL"),
        actor(None, "speaker", state="absent", beat_ns=None),
    )
    lines = show.table(look("test").document).splitlines()
    assert lines[0].startswith(f"test: degraded (speaker absent), supervisor pid {supervisor.pid}, up 9.")
    assert lines[1] == "model: parrot, connected; turn 3; terminal: input"
    assert lines[4].split()[:3] == ["mic", "ready", str(mic.pid)]
    assert lines[4].endswith("USB; dropped 2 stale; last: killed by SIGKILL")
    assert lines[5].split()[:3] == ["speaker", "absent", "-"]
    assert lines[-1] == "mic_to_send: p50 1.0 ms, p99 2.0 ms"
    assert show.table(look("nobody").document) == "nobody: stopped (not running)"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, "-"), (0.04, "0.0s"), (59.9, "59.9s"), (61, "1m01s"), (3725.5, "1h02m")]
)
def test_a_span_is_shown_in_its_two_largest_units(seconds, shown):
    assert show.span(seconds) == shown


def test_a_full_disk_costs_the_report_its_freshness_and_nothing_else(process):
    instance = tree(process(), actor(process()))
    before = instance.state_file.read_bytes()
    instance.state_file.with_suffix(".new").mkdir()
    write(instance.state_file, msgspec.json.decode(before, type=TreeReport))
    assert instance.state_file.read_bytes() == before
    assert instance.state_file.stat().st_mode & 0o777 == 0o600


def test_looking_takes_no_time_to_speak_of(process):
    tree(process(), *[actor(process(), f"actor-{number}") for number in range(6)])
    began = time.process_time()
    look("test")
    assert time.process_time() - began < 1.0


def test_nobody_is_asked(process, monkeypatch):
    """A hung actor cannot hold status up: no process is started and no socket is opened."""
    tree(process(), actor(process()))

    def refuse(*_args, **_options):
        pytest.fail("status must ask nobody")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr("socket.socket", refuse)
    assert look("test").code == READY
