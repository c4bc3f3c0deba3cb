"""Actors that use too much, and a machine that has too little: the conversation goes on."""

import os
import resource
import time
from pathlib import Path

import cgroups
import psutil
import pytest
from trees import CONFIG, tree, wait_for

GRIND = [{"when": {"text": "grind"}, "do": {"tool_call": {"name": "grind", "args": {"seconds": 20.0}}}}]


def say(conversation, line):
    conversation.process.stdin.write(f"{line}\n".encode())
    conversation.process.stdin.flush()
    assert conversation.process.stdout.readline() == f"You said: {line}\n".encode()


def test_an_actor_that_holds_too_much_memory_is_replaced_with_the_reason_and_a_reload_sets_it_right():
    config = CONFIG.replace("[actors.console]", "[actors.console]\nmax_memory_mb = 10")
    with tree(config) as conversation:
        conversation.start()
        reason = "allows 10"
        wait_for(lambda: reason in (conversation.row("console").get("last_exit") or ""), "it is replaced")
        assert conversation.row("console")["last_exit"].startswith("held ")
        assert conversation.row("console")["last_exit"].endswith(
            "MiB of memory, actors.console.max_memory_mb allows 10"
        )
        session = conversation.pid("session")
        conversation.config.write_text(
            conversation.config.read_text().replace("max_memory_mb = 10", "max_memory_mb = 500")
        )
        answer = conversation.command("reload")
        assert (answer.returncode, "restarted" in answer.stdout) == (0, False), (
            "the limit is the supervisor's"
        )
        conversation.wait_ready()
        say(conversation, "hello")
        assert conversation.pid("session") == session


def test_an_actor_that_grinds_is_shown_and_lets_the_others_go_first():
    config = CONFIG.replace('provider = "parrot"', 'provider = "parrot"\ntools = ["busy_tools"]')
    config = config.replace("[supervision]", "[supervision]\nmax_cpu_percent = 10")
    environment = {"PYTHONPATH": str(Path(__file__).parent.parent)}
    with tree(config, environment, GRIND) as conversation:
        conversation.start_ready()
        conversation.process.stdin.write(b"grind\n")
        conversation.process.stdin.flush()
        wait_for(lambda: conversation.row("tools")["state"] == "degraded", "it is noticed")
        assert "supervision.max_cpu_percent allows 10" in conversation.row("tools")["detail"]
        tools = psutil.Process(conversation.pid("tools"))
        assert {process.nice() for process in [tools, *tools.children(recursive=True)]} == {10}
        assert psutil.Process(conversation.pid("coordinator")).nice() == os.getpriority(os.PRIO_PROCESS, 0)
        assert conversation.row("tools")["restarts"] == 0


@pytest.mark.skipif(bool(cgroups.why_not()), reason=cgroups.why_not() or "it can run")
def test_an_actor_that_the_kernel_kills_for_want_of_memory_is_replaced_and_status_says_so():
    environment = {"PYTHONPATH": str(Path(__file__).parent.parent / "bad_actor")}
    with cgroups.memory_cgroup(64 << 20) as cgroup, tree(environment=environment) as conversation:
        conversation.start_ready()
        say(conversation, "before")
        before = conversation.pid("session")
        cgroup.take(before)
        (conversation.directory / "devour").write_text("session")
        wait_for(lambda: conversation.pid("session") not in {None, before}, "another session")
        conversation.wait_ready()
        say(conversation, "after")
        assert cgroup.kills() == 1
        assert conversation.row("session")["last_exit"] == "killed by SIGKILL (the kernel was out of memory)"
        assert conversation.row("session")["restarts"] == 1


def test_a_supervisor_without_a_free_descriptor_goes_on_and_starts_what_is_missing_afterwards():
    with tree() as conversation:
        process = conversation.start_ready()
        console = conversation.pid("console")
        before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        open_now = psutil.Process(process.pid).num_fds()
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (3, before[1]))
        conversation.kill("console")
        wait_for(lambda: not psutil.pid_exists(console), "the console is gone")
        log = conversation.log_root / "test" / "supervisor.log"
        wait_for(lambda: "console could not be started: [Errno 24]" in log.read_text(), "it is tried")
        assert process.poll() is None
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)
        began = time.monotonic()
        conversation.wait_ready()
        assert time.monotonic() - began < 20, "back-off is at most 15 s"
        assert conversation.pid("console") not in {None, console}
        assert psutil.Process(process.pid).num_fds() <= open_now + 1, "nothing leaked"
        say(conversation, "hello")
