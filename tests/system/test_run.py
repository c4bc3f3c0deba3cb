"""Every actor by itself, without a supervisor: what systemd, Kubernetes or a debugger starts."""

import contextlib
import signal
import subprocess
import sys

from trees import CONFIG, Tree, tree, wait_for


def start(conversation, name):
    with (conversation.directory / f"{name}.err").open("w") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "supervisor", "run", name, str(conversation.config)],
            env=conversation.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )


@contextlib.contextmanager
def actors(conversation: Tree, *names):
    """Run these, each in the foreground of somebody else."""
    processes = {name: start(conversation, name) for name in names}
    try:
        yield processes
    finally:
        for process in processes.values():
            process.kill()
            process.communicate()


def test_a_conversation_needs_no_supervisor():
    with (
        tree() as conversation,
        actors(conversation, "keyboard", "console", "session", "parrot", "coordinator") as processes,
    ):
        processes["keyboard"].stdin.write(b"hello\n")
        processes["keyboard"].stdin.flush()
        assert processes["console"].stdout.readline() == b"You said: hello\n"
        processes["session"].send_signal(signal.SIGINT)
        assert processes["session"].wait(30) == 0
        processes["console"].terminate()
        assert processes["console"].wait(30) == 0


def test_the_exit_code_is_the_actors_own():
    speaker = '[actors.speaker]\ndevice = "file:/nowhere/heard.wav"\n'
    with tree(CONFIG + speaker) as conversation, actors(conversation, "coordinator", "speaker") as processes:
        assert processes["speaker"].wait(30) == 69
        wait_for(
            lambda: "/nowhere/heard.wav" in (conversation.directory / "speaker.err").read_text(),
            "it says why",
        )


def test_an_actor_that_is_not_there_is_a_usage_error_that_names_those_that_are():
    with tree() as conversation:
        ended = conversation.command("run", "mike", str(conversation.config))
    assert ended.returncode == 2
    assert "it has session, coordinator, parrot, console, keyboard" in ended.stderr
