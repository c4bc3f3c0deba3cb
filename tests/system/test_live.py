"""`supervisor status --watch` at a real terminal: it shows what happens, follows the size, and leaves no trace."""

import shlex
import shutil
import subprocess
import sys

import psutil
import pytest
from trees import tree, wait_for

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux: apt install tmux")
WATCH = f"{shlex.quote(sys.executable)} -m supervisor status test --watch 0.3"


class Tmux:
    """A terminal with a shell in it."""

    def __init__(self, directory, environment):
        self._tmux = ["tmux", "-S", str(directory / "tmux"), "-f", "/dev/null"]
        sizes = {"COLUMNS", "LINES"}  # a test worker has them, and they win over the terminal's own size
        self._environment = {key: value for key, value in environment.items() if key not in sizes}
        self._environment["TERM"] = "xterm"
        self.do("new-session", "-d", "-x", "100", "-y", "30", "sh")
        wait_for(lambda: self.screen().strip(), "a prompt")

    def do(self, *words):
        done = subprocess.run(
            [*self._tmux, *words], env=self._environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    def type(self, line):
        self.do("send-keys", "-l", line)
        self.do("send-keys", "Enter")

    def screen(self):
        return self.do("capture-pane", "-p")


@pytest.fixture(scope="module")
def running():
    with tree() as conversation:
        conversation.start_ready()
        terminal = Tmux(conversation.directory, conversation.environment)
        yield conversation, terminal
        terminal.do("kill-server")


def modes(conversation, terminal, name):
    path = conversation.directory / name
    terminal.type(f"stty -g > {path}; echo done-{name}")
    wait_for(lambda: f"\ndone-{name}" in terminal.screen(), "the modes")
    return path.read_text()


@pytest.mark.parametrize("leave", ["q", "C-c", "TERM"])
def test_it_shows_what_happens_follows_the_size_and_leaves_the_terminal_as_it_was(running, leave):
    conversation, terminal = running
    before = modes(conversation, terminal, f"before-{leave}")
    terminal.type(f"{WATCH}; echo code $?")
    wait_for(lambda: "test: ready" in terminal.screen(), "the view")
    assert "echo code" not in terminal.screen(), "it has a screen of its own"
    conversation.kill("console")
    wait_for(lambda: "killed by SIGKILL" in terminal.screen(), "what happened")
    terminal.do("resize-window", "-x", "70", "-y", "20")
    wait_for(lambda: "PID" not in terminal.screen() and "q leaves" in terminal.screen(), "the narrow view")
    terminal.do("resize-window", "-x", "100", "-y", "30")
    wait_for(lambda: "PID" in terminal.screen(), "the wide view")
    conversation.wait_ready()
    wait_for(lambda: "test: ready" in terminal.screen(), "it is well again")
    if leave == "TERM":
        (shown,) = psutil.Process(int(terminal.do("display", "-p", "#{pane_pid}"))).children()
        shown.terminate()
    else:
        terminal.do("send-keys", leave)
    wait_for(lambda: "\ncode 0" in terminal.screen(), "the shell is back")
    assert "q leaves" not in terminal.screen()
    assert modes(conversation, terminal, f"after-{leave}") == before
    terminal.type("clear")


def test_without_a_terminal_there_is_one_document_after_the_other(running):
    conversation, _ = running
    command = [sys.executable, "-m", "supervisor", "status", "test", "--json", "--watch", "0.1"]
    with subprocess.Popen(command, env=conversation.environment, stdout=subprocess.PIPE) as process:
        lines = [process.stdout.readline() for _ in range(2)]
        process.terminate()
    assert all(line.startswith(b'{"schema":1') for line in lines)
