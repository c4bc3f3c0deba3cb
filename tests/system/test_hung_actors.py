"""What becomes of actors that hang, are late, or end as they should not; and that a supervisor that slept judges nobody."""

import signal
import socket
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from trees import environment, tree, wait_for
from virtual_audio import write_wav
from voices import MIC_HZ, config

from supervisor.instance import Instance
from supervisor.report import RESTART_ORDER

TESTS = Path(__file__).parents[1]
ACTORS = ("coordinator", "session", "tools", "mic", "speaker", "keyboard", "console")
SOAK_S = 30
LONGER_THAN_A_BACK_OFF_S = 1.0


@pytest.fixture(scope="module")
def conversation(tmp_path_factory):
    """A whole conversation, the parrot's own process aside, in which every actor can be made to misbehave."""
    path = tmp_path_factory.mktemp("devices")
    spoken = write_wav(path / "spoken.wav", np.zeros(MIC_HZ, dtype=np.int16), MIC_HZ)
    toml = config(mic=f"file:{spoken}", speaker=f"file:{path / 'heard.wav'}")
    toml = toml.replace("[model]", '[model]\ntools = ["sample_tools:add"]', 1)
    search = {"PYTHONPATH": f"{TESTS / 'bad_actor'}:{TESTS}"}
    with tree(toml, search) as conversation:
        conversation.start_ready()
        yield conversation


def pids(conversation):
    return {name: conversation.pid(name) for name in ACTORS}


def restarts(conversation):
    return {name: conversation.row(name)["restarts"] for name in ACTORS}


def replaced(conversation, before):
    """Whether every one of them is another process now."""
    now = pids(conversation)
    return None not in now.values() and not set(now.items()) & set(before.items())


def order_restart(conversation, name):
    """As `supervisor restart` does, without waiting for READY. It is no crash, so no back-off grows."""
    with environment(conversation.environment), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as order:
        order.sendto(RESTART_ORDER + name.encode(), Instance("test").notify_address)


def is_alive(process):
    """A zombie is not: whoever adopted it has not looked yet."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def logs_of(conversation, name):
    return "".join(log.read_text() for log in (conversation.log_root / "test").glob(f"{name}.log*"))


def test_actors_that_stand_still_for_a_second_are_left_alone(conversation):
    before = {name: conversation.kill(name, signal.SIGSTOP) for name in ACTORS}
    time.sleep(1)
    for name in ACTORS:
        conversation.kill(name, signal.SIGCONT)

    conversation.wait_ready()
    assert pids(conversation) == before
    assert set(restarts(conversation).values()) == {0}


def test_actors_that_hang_are_replaced_all_at_once_if_need_be(conversation):
    earlier = restarts(conversation)
    before = {name: conversation.kill(name, signal.SIGSTOP) for name in ACTORS}
    began_s = time.monotonic()

    wait_for(lambda: replaced(conversation, before), "new processes")
    took_s = time.monotonic() - began_s
    conversation.wait_ready()

    assert took_s > 4, "5 s of patience, less what had passed since the last heartbeat"
    assert restarts(conversation) == {name: count + 1 for name, count in earlier.items()}
    assert {conversation.row(name)["last_exit"] for name in ACTORS} == {
        "killed by SIGKILL"  # a stopped process cannot dump its stacks
    }


def test_an_actor_whose_interpreter_hangs_in_c_leaves_its_stacks_with_the_frame_in_its_log(conversation):
    before = pids(conversation)
    (conversation.directory / "hang").touch()

    wait_for(lambda: replaced(conversation, before), "new processes")
    conversation.wait_ready()

    for name in ACTORS:
        assert conversation.row(name)["last_exit"] == "killed by SIGABRT"
        assert "in hold_the_interpreter" in logs_of(conversation, name), name


def test_an_actor_that_never_becomes_ready_leaves_its_stacks_and_is_replaced_until_it_does(conversation):
    was = conversation.config.read_text()
    conversation.config.write_text(was.replace("[supervision]", "[supervision]\nready_within_s = 3"))
    assert conversation.command("reload").returncode == 0
    sign = conversation.directory / "never-ready"
    sign.write_text("console speaker")
    before = {name: conversation.kill(name) for name in ("console", "speaker")}
    began_s = time.monotonic()

    late = "not ready within 3 s, supervision.ready_within_s"
    wait_for(lambda: conversation.status()["why"].count(late) == len(before), "it is said why")
    took_s = time.monotonic() - began_s
    others = set(ACTORS) - set(before)
    assert {conversation.row(name)["state"] for name in others} == {"ready"}, "nobody else is concerned"
    sign.unlink()
    conversation.wait_ready()
    conversation.config.write_text(was)
    assert conversation.command("reload").returncode == 0

    assert took_s > 3
    for name in before:
        assert conversation.row(name)["last_exit"] == late
        assert "in never_get_ready" in logs_of(conversation, name)


@pytest.mark.parametrize(
    ("code", "state", "words", "is_retried"),
    [
        (0, "backoff", "exit 0 (ended)", True),
        (75, "backoff", "exit 75 (temporary failure)", True),
        (69, "absent", "exit 69 (device absent)", True),
        (77, "fatal", "exit 77 (credentials refused)", False),
        (78, "fatal", "exit 78 (bad configuration)", False),
    ],
)
def test_what_follows_an_end_before_ready_depends_on_the_exit_code(
    conversation, code, state, words, is_retried
):
    sign = conversation.directory / "leave"
    sign.write_text(f"{code} console")
    order_restart(conversation, "console")
    wait_for(lambda: conversation.row("console")["last_exit"] == words, "it has ended as told")
    wait_for(lambda: conversation.row("console")["state"] == state, "it is decided what follows")
    count = conversation.row("console")["restarts"]
    if is_retried:
        wait_for(lambda: conversation.row("console")["restarts"] > count, "it is tried again")
    sign.unlink()
    if not is_retried:
        time.sleep(LONGER_THAN_A_BACK_OFF_S)
        assert (conversation.row("console")["state"], conversation.row("console")["restarts"]) == (
            state,
            count,
        )
        assert f"console {state} (last: {words})" in conversation.status()["why"]
    order_restart(conversation, "console")  # which waits for no back-off
    conversation.wait_ready()


def test_what_an_actor_has_started_itself_ends_with_it(conversation):
    workers = psutil.Process(conversation.pid("tools")).children(recursive=True)
    assert workers
    before = conversation.kill("tools")
    wait_for(lambda: conversation.pid("tools") not in {None, before}, "other tools")
    conversation.wait_ready()
    assert [worker for worker in workers if is_alive(worker)] == []


@pytest.mark.parametrize(
    ("slept_s", "also"),
    [
        (7, ()),
        pytest.param(SOAK_S, (), marks=pytest.mark.soak),
        pytest.param(SOAK_S, ACTORS, marks=pytest.mark.soak),
    ],
)
def test_nobody_is_killed_when_the_supervisor_itself_slept(conversation, slept_s, also):
    earlier, before = restarts(conversation), pids(conversation)
    conversation.process.send_signal(signal.SIGSTOP)
    for name in also:
        conversation.kill(name, signal.SIGSTOP)
    time.sleep(slept_s)  # longer than a heartbeat may be late, and than anybody may be on the way
    for name in also:
        conversation.kill(name, signal.SIGCONT)
    conversation.process.send_signal(signal.SIGCONT)

    time.sleep(1.5)  # three looks at everybody
    conversation.wait_ready()
    assert (pids(conversation), restarts(conversation)) == (before, earlier)
