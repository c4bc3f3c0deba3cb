"""An actor that is alive and does nothing is found, shown and replaced; a supervisor that slept judges nobody."""

import signal
import time
from pathlib import Path

import numpy as np
import pytest
from trees import tree, wait_for
from virtual_audio import write_wav
from voices import MIC_HZ, config

TESTS = Path(__file__).parents[1]
ACTORS = ("coordinator", "session", "tools", "mic", "speaker", "keyboard", "console")
SOAK_S = 30


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


@pytest.mark.parametrize("slept_s", [7, pytest.param(SOAK_S, marks=pytest.mark.soak)])
def test_nobody_is_killed_when_the_supervisor_itself_slept(conversation, slept_s):
    earlier, before = restarts(conversation), pids(conversation)
    conversation.process.send_signal(signal.SIGSTOP)
    time.sleep(slept_s)  # longer than a heartbeat may be late, and than anybody may be on the way
    conversation.process.send_signal(signal.SIGCONT)

    time.sleep(1.5)  # three looks at everybody
    conversation.wait_ready()
    assert (pids(conversation), restarts(conversation)) == (before, earlier)
