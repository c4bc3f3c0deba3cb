"""An actor that is alive and does nothing is found, shown and replaced; a supervisor that slept judges nobody."""

import signal
import time

from trees import tree, wait_for


def test_a_hung_actor_is_replaced():
    with tree() as conversation:
        conversation.start_ready()
        hung = conversation.kill("console", signal.SIGSTOP)

        wait_for(lambda: conversation.pid("console") not in {hung, None}, "a new console")
        status = conversation.wait_ready()

        row = next(row for row in status["actors"] if row["name"] == "console")
        assert (row["restarts"], row["last_exit"]) == (
            1,
            "killed by SIGKILL",
        )  # a stopped process cannot dump its stacks


def test_an_actor_that_stands_still_for_a_second_is_left_alone():
    with tree() as conversation:
        conversation.start_ready()
        before = conversation.kill("console", signal.SIGSTOP)
        time.sleep(1)
        conversation.kill("console", signal.SIGCONT)

        status = conversation.wait_ready()
        assert conversation.pid("console") == before
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
