"""One running tree per name: directories, the lock, and what a killed predecessor left."""

import os
import stat
import subprocess
import sys

import pytest

from supervisor.instance import (
    AlreadyRunningError,
    Holder,
    Instance,
    log_root,
    private_directory,
    read_json,
    runtime_root,
)

ME = Holder(os.getpid(), 1.5)


@pytest.fixture(autouse=True)
def root(short_dir, monkeypatch):
    monkeypatch.setenv("ANTIPHON_RUNTIME_DIR", str(short_dir / "run"))
    return short_dir / "run"


@pytest.fixture
def instance():
    made = Instance("test")
    made.acquire(ME)
    yield made
    made.release()


def test_the_lock_says_who_holds_it(instance, root):
    assert instance.holder() == ME
    assert instance.directory == root / "test"
    assert stat.S_IMODE(instance.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((instance.directory / "lock").stat().st_mode) == 0o600


def test_a_second_one_is_refused_and_told_who_is_first_and_what_to_do(instance):
    with pytest.raises(AlreadyRunningError) as caught:
        Instance("test").acquire(ME)
    assert str(caught.value) == (
        f"test is already running (pid {os.getpid()}, in {instance.directory}); "
        "stop it with `supervisor stop test` or choose another --name"
    )


def test_another_name_is_another_tree(instance):
    other = Instance("other")
    other.acquire(ME)
    other.release()
    assert instance.directory.exists()


def test_after_the_release_nothing_is_left_and_the_next_one_may_start(root):
    first, second = Instance("test"), Instance("test")
    first.acquire(ME)
    (first.directory / "state.json").write_text("{}")
    first.release()
    first.release()
    assert list(root.iterdir()) == []
    second.acquire(ME)
    second.release()


def test_a_lock_file_without_a_holder_locks_nobody_out(root):
    (root / "test").mkdir(parents=True)
    (root / "test" / "lock").write_text('{"pid":1,"birth_s":0}')
    instance = Instance("test")
    instance.acquire(ME)
    assert instance.holder() == ME
    instance.release()


def test_what_a_killed_predecessor_left_is_removed_except_the_lock(instance):
    (instance.directory / "ctl.ipc").touch()
    (instance.directory / "sub").mkdir()
    (instance.directory / "sub" / "file").touch()
    instance.clean()
    assert [left.name for left in instance.directory.iterdir()] == ["lock"]


def test_leftovers_of_a_running_tree_are_nobody_elses(instance):
    Instance("test").remove_leftovers()
    assert instance.holder() == ME


def test_leftovers_of_a_dead_tree_are_removed(root):
    (root / "test").mkdir(parents=True)
    (root / "test" / "state.json").touch()
    Instance("test").remove_leftovers()
    assert list(root.iterdir()) == []


def test_a_directory_too_deep_for_sockets_is_refused_with_the_way_out(monkeypatch, short_dir):
    monkeypatch.setenv("ANTIPHON_RUNTIME_DIR", str(short_dir / ("d" * 90)))
    with pytest.raises(
        OSError, match="too long a path for sockets; set ANTIPHON_RUNTIME_DIR to a shorter one"
    ):
        Instance("test").acquire(ME)


def test_a_directory_others_may_enter_is_closed_to_them(short_dir):
    open_to_all = short_dir / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    assert stat.S_IMODE(private_directory(open_to_all).stat().st_mode) == 0o700


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make directories of other users")
def test_a_directory_of_another_user_is_refused(short_dir):
    theirs = short_dir / "theirs"
    theirs.mkdir()
    os.chown(theirs, 12345, 12345)
    with pytest.raises(PermissionError, match="belongs to user 12345, not to you"):
        private_directory(theirs)


def test_a_lock_that_is_a_link_is_not_followed(root, short_dir):
    (root / "test").mkdir(parents=True)
    (root / "test" / "lock").symlink_to(short_dir / "target")
    with pytest.raises(OSError, match="symbolic links"):
        Instance("test").acquire(ME)
    assert not (short_dir / "target").exists()


RACER = """
import os, sys
from supervisor.instance import AlreadyRunningError, Holder, Instance
sys.stdin.readline()
wins = 0
for _ in range(60):
    instance = Instance("test")
    try:
        instance.acquire(Holder(os.getpid(), 0.0))
    except AlreadyRunningError:
        continue
    inside = instance.directory / "inside"
    inside.touch(exist_ok=False)
    inside.unlink()
    wins += 1
    instance.release()
print(wins)
"""


def test_of_many_that_start_and_end_at_once_never_two_are_inside(root):
    command = [sys.executable, "-c", RACER]
    racers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    wins = [racer.communicate(timeout=60)[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 4
    assert sum(map(int, wins)) > 0
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"ANTIPHON_RUNTIME_DIR": "/a/b", "XDG_RUNTIME_DIR": "/run/user/7"}, "/a/b"),
        ({"XDG_RUNTIME_DIR": "/run/user/7"}, "/run/user/7/antiphon"),
    ],
)
def test_the_runtime_directory_is_the_one_chosen_or_the_sessions(monkeypatch, environment, expected):
    for key in ("ANTIPHON_RUNTIME_DIR", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(key, raising=False)
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    assert str(runtime_root()) == expected


def test_without_any_hint_the_runtime_directory_is_the_users_own(monkeypatch):
    for key in ("ANTIPHON_RUNTIME_DIR", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(key, raising=False)
    assert str(os.getuid()) in str(runtime_root())


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"ANTIPHON_LOG_DIR": "/a/b"}, "/a/b"),
        ({"XDG_STATE_HOME": "/home/u/.state"}, "/home/u/.state/antiphon"),
        ({"HOME": "/home/u"}, "/home/u/.local/state/antiphon"),
    ],
)
def test_logs_outlive_the_tree_in_the_users_state(monkeypatch, environment, expected):
    for key in ("ANTIPHON_LOG_DIR", "XDG_STATE_HOME"):
        monkeypatch.delenv(key, raising=False)
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    assert str(log_root()) == expected


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"pid":"x"}', b"\xff"])
def test_a_file_that_is_not_there_or_makes_no_sense_says_nothing(short_dir, content):
    path = short_dir / "lock"
    if content is not None:
        path.write_bytes(content)
    assert read_json(path, Holder) is None
    assert read_json(short_dir, Holder) is None
    assert read_json(path / "below", Holder) is None
