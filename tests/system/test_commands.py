"""The commands on a running conversation: what they do, what they say, and their exit codes."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from pictures import picture
from prometheus_client.parser import text_string_to_metric_families
from trees import CONFIG, tree, wait_for

NUMBER, MAYBE_NUMBER, COUNT, TEXT = (int, float), (int, float, type(None)), int, str
SCHEMA = {
    "schema": COUNT,
    "name": TEXT,
    "state": TEXT,
    "why": TEXT,
    "pid": COUNT,
    "uptime_s": NUMBER,
    "conversation": dict,
    "actors": list,
    "latency_ms": dict,
}
CONVERSATION = {
    "console_mode": TEXT,
    "is_streaming_output": bool,
    "terminated": bool,
    "connected": bool,
    "epoch": COUNT,
}
ACTOR = {
    "name": TEXT,
    "kind": TEXT,
    "host": TEXT,
    "pid": COUNT,
    "state": TEXT,
    "ready": bool,
    "uptime_s": NUMBER,
    "restarts": COUNT,
    "cpu_percent": NUMBER,
    "rss_bytes": COUNT,
    "uss_bytes": COUNT,
    "threads": COUNT,
    "fds": COUNT,
    "heartbeat_age_s": NUMBER,
    "loop_lag_ms_p99": NUMBER,
    "in_per_s": NUMBER,
    "out_per_s": NUMBER,
    "frames_in": COUNT,
    "frames_out": COUNT,
    "dropped": dict,
    "underruns": COUNT,
    "overruns": COUNT,
    "queue_ms": NUMBER,
    "level_dbfs": MAYBE_NUMBER,
    "detail": TEXT,
    "last_exit": (str, type(None)),
}
LONG_REPLY = [{"when": {"contains": "at length"}, "do": {"reply": {"seconds": 60, "delay_s": 0.2}}}]
BROKEN = """
[session]
nmae = "x"
duplex = "quarter"
[model]
api_key = "AIzaSyExample"
[actors.mic]
frame_ms = "20"
[actors.toaster]
[supervision]
max_restarts = -1
"""


@pytest.fixture(scope="module")
def running():
    """One conversation for the commands that leave it as it is."""
    with tree(rules=LONG_REPLY) as conversation:
        conversation.start_ready()
        yield conversation


def types_of(document, schema):
    return {key: type(document[key]) for key in schema if not isinstance(document.get(key), schema[key])}


# Looking.


def test_status_as_json_has_every_key_of_the_contract_with_its_type(running):
    wait_for(lambda: running.status()["conversation"]["connected"], "connected")
    wait_for(
        lambda: all(row["heartbeat_age_s"] is not None for row in running.status()["actors"]), "heartbeats"
    )
    answer = running.command("status", "--json")
    document = json.loads(answer.stdout)
    assert answer.returncode == 0
    assert (document["schema"], document["name"], document["state"]) == (1, "test", "ready")
    assert types_of(document, SCHEMA) == {}
    assert types_of(document["conversation"], CONVERSATION) == {}
    assert [types_of(row, ACTOR) for row in document["actors"]] == [{}] * 5


def test_status_for_prometheus_has_every_actor(running):
    answer = running.command("status", "test", "--prometheus")
    families = {family.name: family for family in text_string_to_metric_families(answer.stdout)}
    assert answer.returncode == 0
    assert families["antiphon_up"].samples[0].value == 1
    assert {sample.labels["actor"] for sample in families["antiphon_actor_ready"].samples} == {
        "console",
        "coordinator",
        "keyboard",
        "parrot",
        "session",
    }


def test_status_shows_every_actor_alive_and_measured(running):
    rows = {row["name"]: row for row in running.wait_ready()["actors"]}
    assert sorted(rows) == ["console", "coordinator", "keyboard", "parrot", "session"]
    for name, row in rows.items():
        assert (row["state"], row["ready"]) == ("ready", True), name
        assert sorted(process.pid for process in running.actors()) == sorted(r["pid"] for r in rows.values())
        assert row["rss_bytes"] > row["uss_bytes"] > 1 << 20, name
        assert row["heartbeat_age_s"] < 1.5, name
    assert rows["coordinator"]["frames_in"] > 0 < rows["coordinator"]["frames_out"]


def test_the_table_has_a_line_per_actor_and_says_which_model_answers(running):
    answer = running.command("status")
    assert answer.returncode == 0
    assert "test: ready, supervisor pid" in answer.stdout
    assert "model: parrot, connected" in answer.stdout
    for name in ("session", "coordinator", "parrot", "console", "keyboard"):
        assert f"\n{name} " in answer.stdout
    assert "\x1b" not in answer.stdout


def test_watching_prints_again_and_again_until_ctrl_c(running):
    watching = subprocess.Popen(
        [sys.executable, "-m", "supervisor", "status", "--json", "--watch", "0.1"],
        env=running.environment,
        stdout=subprocess.PIPE,
    )
    assert [json.loads(watching.stdout.readline())["name"] for _ in range(3)] == ["test"] * 3
    watching.send_signal(signal.SIGINT)
    watching.stdout.close()
    assert watching.wait(10) == 130


def test_logs_are_shown_for_one_actor_or_merged_and_a_name_nobody_has_is_3(running):
    assert "session" in running.command("logs", "session").stdout
    merged = running.command("logs").stdout.splitlines()
    stamps = [line[:23] for line in merged if line[:4].isdigit()]
    assert stamps == sorted(stamps)
    assert {line.split()[2] for line in merged if line[:4].isdigit()} >= {
        "session",
        "coordinator",
        "keyboard",
    }
    nobody = running.command("logs", "nobody")
    assert nobody.returncode == 3
    assert "there: console, coordinator" in nobody.stderr


def test_following_logs_shows_what_comes(running):
    following = subprocess.Popen(
        [sys.executable, "-m", "supervisor", "logs", "supervisor", "-f"],
        env=running.environment,
        stdout=subprocess.PIPE,
    )
    assert b"supervisor" in following.stdout.readline()
    assert running.command("restart", "console").returncode == 0
    line = b""
    while b"restart of console, as asked" not in line:
        line = following.stdout.readline()
        assert line
    following.send_signal(signal.SIGINT)
    following.stdout.close()
    assert following.wait(10) == 130


# Acting.


def test_a_line_said_from_outside_is_a_turn_like_any_other(running):
    assert running.command("say", "hello", "from outside").returncode == 0
    wait_for(lambda: running.events("turn_complete"), "its turn")
    assert running.context()["hello from outside"] == 1


def test_a_picture_is_shown_from_outside_with_words_or_without(running):
    (running.directory / "door.png").write_bytes(picture("PNG", (320, 200)))
    shown = running.command("say", "--image", "door.png", "who", "is there?", cwd=running.directory)
    assert shown.returncode == 0, shown.stderr
    assert running.command("say", "--image", str(running.directory / "door.png")).returncode == 0
    wait_for(lambda: "Look at this picture." in running.context(), "both turns")
    assert running.context()["who is there?"] == 1
    seen = running.events("turn_complete")[-1]["pictures"]
    assert [kind.rpartition(" ")[0] for kind in seen] == ["image/png 320x200"]


def test_a_picture_that_cannot_be_shown_is_named_and_nothing_is_said(running):
    before = running.context()
    answer = running.command("say", "--image", "/none.png", "who is there?")
    assert (answer.returncode, answer.stderr) == (1, "supervisor: there is no file /none.png\n")
    assert running.context() == before


def test_mute_and_unmute_are_shown_by_status(running):
    assert running.command("mute").returncode == 0
    wait_for(lambda: running.status()["conversation"]["muted"], "muted")
    assert running.command("unmute").returncode == 0
    wait_for(lambda: not running.status()["conversation"]["muted"], "not muted")


def test_an_interrupted_reply_stops_at_once(running):
    assert running.command("say", "talk at length").returncode == 0
    wait_for(lambda: running.status()["conversation"]["is_streaming_output"], "it talks")
    epoch = running.status()["conversation"]["epoch"]
    assert running.command("interrupt").returncode == 0
    wait_for(lambda: not running.status()["conversation"]["is_streaming_output"], "quiet")
    assert running.status()["conversation"]["epoch"] > epoch
    running.command("say", "thank you")  # which also ends the parrot's turn


def test_a_restarted_actor_is_another_process_when_the_command_returns(running):
    before = {row["name"]: row for row in running.wait_ready()["actors"]}["console"]
    assert running.command("restart", "console").returncode == 0
    after = {row["name"]: row for row in running.wait_ready()["actors"]}["console"]
    assert after["pid"] != before["pid"]
    assert after["restarts"] == before["restarts"] + 1


def test_an_actor_that_is_not_there_cannot_be_restarted(running):
    answer = running.command("restart", "toaster")
    assert (answer.returncode, answer.stderr) == (1, "test: there is no actor named toaster\n")


def test_a_second_start_is_refused_and_says_who_runs_and_where(running):
    refused = running.converse("not said\n")
    assert refused.returncode == 1
    assert f"pid {running.process.pid}, in {running.run_dir}" in refused.stderr
    assert "not said" not in running.context()


def test_two_conversations_with_two_names_do_not_know_of_each_other(running):
    other = running.converse(
        "hello over there\n", "--name", "other", "--set", f"actors.parrot.journal={os.devnull}"
    )
    assert (other.returncode, other.stdout) == (0, "You said: hello over there\n")
    assert not any("hello over there" in turn["texts"] for turn in running.events("turn_complete"))
    assert running.command("status", "other").returncode == 3
    running.wait_ready()


# Starting, waiting, stopping.


def test_a_detached_start_returns_when_it_is_ready_and_is_stopped_by_command():
    with tree() as conversation:
        started = conversation.command("start", str(conversation.config), "--detach")
        try:
            assert (started.returncode, conversation.status()["state"]) == (0, "ready")
            assert f"ready, pid {conversation.status()['pid']}" in started.stdout
            assert "keyboard: off" in started.stderr
            assert conversation.command("say", "hello").returncode == 0
            assert conversation.command("status", "--wait", "ready").returncode == 0
        finally:
            stopped = [conversation.command("stop", "test") for _ in range(2)]
        assert [one.returncode for one in stopped] == [0, 0]
        assert [one.stdout for one in stopped] == ["test: stopped\n", "test: not running\n"]
        assert conversation.leftovers() == []
        assert conversation.command("status", "--wait", "stopped").returncode == 0


def test_a_detached_start_that_fails_says_why_and_returns_the_same_code():
    with tree() as conversation:
        conversation.directory.joinpath("script.json").write_text('[{"do": {}}]')
        started = conversation.command("start", str(conversation.config), "--detach")
        assert started.returncode == 6
        assert "rule 1: do is empty" in started.stderr
        assert conversation.leftovers() == []


def test_waiting_for_what_does_not_come_ends_with_the_state_and_its_code():
    with tree() as conversation:
        waited = conversation.command("status", "--wait", "ready", "--timeout", "0.2", "--name", "test")
        assert (waited.returncode, waited.stderr) == (3, "test: not ready after 0.2 s: stopped not running\n")


@pytest.mark.parametrize(
    "words", [("status",), ("say", "hello"), ("mute",), ("interrupt",), ("restart", "console"), ("logs",)]
)
def test_without_a_conversation_the_code_is_3(words):
    with tree() as conversation:
        answer = conversation.command(*words)
        assert answer.returncode == 3
        assert answer.stdout + answer.stderr


@pytest.mark.parametrize("words", [(), ("start",), ("fly",), ("say",), ("status", "--wait", "happy")])
def test_a_command_line_that_makes_no_sense_is_2(words):
    with tree() as conversation:
        answer = conversation.command(*words)
        assert answer.returncode == 2
        assert "usage: supervisor" in answer.stderr


# When something is wrong.


def test_a_supervisor_that_is_stopped_is_code_4_and_the_answer_comes_all_the_same():
    with tree() as conversation:
        process = conversation.start_ready()
        process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        answer = conversation.command("status", "--json")
        took_s = time.monotonic() - began
        process.send_signal(signal.SIGCONT)
        assert (answer.returncode, json.loads(answer.stdout)["state"]) == (4, "degraded")
        assert "the supervisor is stopped" in json.loads(answer.stdout)["why"]
        assert took_s < 5, "0.3 s on an idle machine"
        conversation.wait_ready()


def test_an_actor_that_is_silent_for_too_long_is_code_150_until_it_speaks_again():
    with tree() as conversation:
        conversation.start_ready()
        conversation.kill("console", signal.SIGSTOP)
        wait_for(lambda: conversation.status()["state"] == "degraded", "it is noticed")
        answer = conversation.command("status", "--json")
        assert answer.returncode == 150
        assert "console degraded" in json.loads(answer.stdout)["why"]
        conversation.kill("console", signal.SIGCONT)
        conversation.wait_ready()


def test_a_killed_supervisor_leaves_code_1_and_what_is_left_until_somebody_stops_or_starts():
    with tree() as conversation:
        process = conversation.start_ready()
        stuck = conversation.kill("console", signal.SIGSTOP)
        process.kill()
        process.wait()
        wait_for(
            lambda: [actor.pid for actor in conversation.actors()] == [stuck], "all but the stuck one end"
        )
        answer = conversation.command("status", "--json")
        assert (answer.returncode, json.loads(answer.stdout)["state"]) == (1, "leftovers")
        assert f"left over: console (pid {stuck})" in json.loads(answer.stdout)["why"]
        assert conversation.command("stop").returncode == 0
        assert conversation.leftovers() == []
        assert conversation.command("status", "test").returncode == 3


# Configurations.


@pytest.mark.parametrize("command", ["check", "start"])
def test_a_bad_configuration_is_code_6_with_every_problem_and_where_it_is(command):
    with tree(BROKEN) as conversation:
        answer = conversation.command(command, str(conversation.config))
        assert answer.returncode == 6
        assert answer.stdout == ""
        for problem in (
            "session.nmae: unknown, did you mean name?",
            "session.duplex: ",
            "model.api_key: secrets do not belong in a file",
            "actors.mic.frame_ms: expected int",
            "actors.toaster.kind: 'toaster' is not a kind of actor",
            "supervision.max_restarts: ",
        ):
            assert f"{conversation.config}:{problem}" in answer.stderr
        assert len(answer.stderr.splitlines()) == 6
        assert "AIzaSyExample" not in answer.stderr


def test_a_good_configuration_is_code_0_and_a_missing_one_6():
    with tree(CONFIG) as conversation:
        assert conversation.command("check", str(conversation.config)).returncode == 0
        missing = conversation.command("check", "/nowhere.toml")
        assert (missing.returncode, missing.stderr) == (6, "/nowhere.toml: there is no such file\n")


def test_gemini_without_a_key_is_code_6_and_the_variable_is_named():
    with tree() as conversation:
        answer = conversation.converse(
            "hello\n", "--set", "model.provider=gemini", "--set", "model.api_key_env=MY_KEY"
        )
        assert answer.returncode == 6
        assert "the variable MY_KEY (model.api_key_env) is not set" in answer.stderr
        assert conversation.leftovers() == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_a_runtime_directory_of_somebody_else_is_code_4():
    with tree() as conversation:
        conversation.run_root.mkdir()
        os.chown(conversation.run_root, 65534, 65534)
        answer = conversation.converse("")
        assert answer.returncode == 4
        assert "belongs to another user" in answer.stderr
