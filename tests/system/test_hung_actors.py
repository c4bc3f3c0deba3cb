"""An actor that is alive and does nothing is found, shown and replaced; a supervisor that slept judges nobody."""

import signal
import time
from pathlib import Path

from trees import tree, wait_for

BAD_ACTOR = Path(__file__).parents[1] / "bad_actor"
ACTORS = ("coordinator", "session", "keyboard", "console")


def pids(conversation):
    return {name: conversation.pid(name) for name in ACTORS}


def replaced(conversation, before):
    """Whether every one of them is another process now."""
    now = pids(conversation)
    return None not in now.values() and not set(now.items()) & set(before.items())


def test_actors_that_hang_are_replaced_all_at_once_if_need_be():
    with tree() as conversation:
        conversation.start_ready()
        before = {name: conversation.kill(name, signal.SIGSTOP) for name in ACTORS}
        began_s = time.monotonic()

        wait_for(lambda: replaced(conversation, before), "new processes")
        took_s = time.monotonic() - began_s
        conversation.wait_ready()

        assert took_s > 4, "5 s of patience, less what had passed since the last heartbeat"
        rows = {name: conversation.row(name) for name in ACTORS}
        assert {row["restarts"] for row in rows.values()} == {1}
        assert {row["last_exit"] for row in rows.values()} == {
            "killed by SIGKILL"  # a stopped process cannot dump its stacks
        }


def test_an_actor_whose_interpreter_hangs_in_c_leaves_its_stacks_with_the_frame_in_its_log():
    search = {"PYTHONPATH": str(BAD_ACTOR)}
    with tree(environment=search) as conversation:
        conversation.start_ready()
        before = pids(conversation)
        (conversation.directory / "hang").touch()

        wait_for(lambda: replaced(conversation, before), "new processes")
        conversation.wait_ready()

        for name in ACTORS:
            assert conversation.row(name)["last_exit"] == "killed by SIGABRT"
            logs = (conversation.log_root / "test").glob(f"{name}.log*")
            assert any("in hold_the_interpreter" in log.read_text() for log in logs), name


def test_actors_that_stand_still_for_a_second_are_left_alone():
    with tree() as conversation:
        conversation.start_ready()
        before = {name: conversation.kill(name, signal.SIGSTOP) for name in ACTORS}
        time.sleep(1)
        for name in ACTORS:
            conversation.kill(name, signal.SIGCONT)

        status = conversation.wait_ready()
        assert pids(conversation) == before
        assert [row["restarts"] for row in status["actors"]] == [0] * len(status["actors"])


def test_nobody_is_killed_when_the_supervisor_itself_slept():
    with tree() as conversation:
        process = conversation.start_ready()
        process.send_signal(signal.SIGSTOP)
        time.sleep(7)  # longer than a heartbeat may be late
        process.send_signal(signal.SIGCONT)

        time.sleep(1.5)  # three looks at everybody
        status = conversation.wait_ready()
        assert [row["restarts"] for row in status["actors"]] == [0] * len(status["actors"])
