"""An actor that lives but gets nowhere says so: seen from outside, with its exit code."""

import time

from trees import tree, wait_for

PLAYS_DEAD = [{"when": {"text": "play dead"}, "do": {"half_open": True}, "times": 1}]


def degraded(conversation):
    """Return the status if it says so: exit code 150."""
    status = conversation.status()
    return status if status["state"] == "degraded" else None


def test_a_server_that_answers_nothing_any_more_is_shown_at_once_and_the_session_stays_the_same_process():
    with tree(rules=PLAYS_DEAD) as conversation:
        process = conversation.start_ready()
        before = conversation.pid("session")
        process.stdin.write(b"play dead\n")
        process.stdin.flush()
        wait_for(lambda: conversation.events("fault"), "the server is gone")
        began_s = time.monotonic()
        status = wait_for(lambda: degraded(conversation), "it is noticed")
        assert time.monotonic() - began_s < 5, "2 s, and a loaded machine"
        row = next(row for row in status["actors"] if row["name"] == "session")
        assert status["why"] == "session degraded"
        assert "the model" in row["detail"].rpartition(";")[2], (
            "the pulse, or the connection that was given up"
        )
        conversation.wait_ready()
        assert conversation.pid("session") == before
        assert conversation.row("session")["restarts"] == 0
