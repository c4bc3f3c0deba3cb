"""The terminal on a real pty: its modes, its keys, and an output that takes everything or says why not."""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import textwrap

import pytest

from actors.devices.terminal import (
    InputGone,
    Keys,
    NotATerminal,
    Output,
    OutputGone,
    OutputStalled,
    restore_modes,
    saved_modes,
)

DEADLINE_S = 20


@pytest.fixture
def terminal():
    """Both ends of a terminal: what the user's side sees, and the one that programs use."""
    user, program = pty.openpty()
    ends = [user, program]
    yield ends
    for fd in ends:
        os.close(fd)


@pytest.fixture
def pipe():
    ends = list(os.pipe())
    yield ends
    for fd in ends:
        os.close(fd)


def hang_up(ends):
    """Close the first of two ends now instead of after the test."""
    os.close(ends.pop(0))


def key_reader(fd):
    keys = Keys(fd)
    keys.enter()
    return keys


def read_when_there(keys):
    assert select.select([keys], [], [], DEADLINE_S)[0]
    return keys.read()


def drained(fd, count):
    data = b""
    while len(data) < count:
        assert select.select([fd], [], [], DEADLINE_S)[0]
        data += os.read(fd, 65536)
    return data


def test_leaving_puts_back_exactly_the_modes_that_were_there(terminal):
    _, program = terminal
    modes = termios.tcgetattr(program)
    modes[0] |= termios.INLCR
    modes[6][termios.VTIME] = 7
    termios.tcsetattr(program, termios.TCSANOW, modes)
    before = termios.tcgetattr(program)
    keys = key_reader(program)
    assert termios.tcgetattr(program) != before
    keys.leave()
    assert termios.tcgetattr(program) == before


def test_keys_come_one_by_one_without_echo_and_only_ctrl_c_still_signals(terminal):
    _, program = terminal
    key_reader(program)
    iflag, _, _, lflag, _, _, characters = termios.tcgetattr(program)
    assert not lflag & (termios.ICANON | termios.ECHO)
    assert lflag & termios.ISIG
    assert characters[termios.VINTR] == b"\x03"
    assert characters[termios.VSUSP] == b"\0"
    assert characters[termios.VMIN] in {0, b"\0"}, "a key that somebody else took must not make us wait"
    assert not iflag & termios.IXON


def test_keys_are_read_as_they_are_typed_and_reading_nothing_does_not_wait(terminal):
    user, program = terminal
    keys = key_reader(program)
    assert keys.read() == b""
    os.write(user, b"a\x1a\x13\x1b[A")
    assert read_when_there(keys) == b"a\x1a\x13\x1b[A"
    assert keys.read() == b""


def test_bracketed_paste_is_on_between_entering_and_leaving(terminal):
    user, program = terminal
    keys = key_reader(program)
    assert drained(user, 8) == b"\x1b[?2004h"
    keys.leave()
    assert drained(user, 13) == b"\x1b[?2004l\x1b[?7h"


def test_entering_and_leaving_twice_is_the_same_as_once(terminal):
    _, program = terminal
    before = termios.tcgetattr(program)
    keys = key_reader(program)
    keys.enter()
    keys.leave()
    keys.leave()
    assert termios.tcgetattr(program) == before


def test_keys_can_be_entered_again_after_leaving(terminal):
    user, program = terminal
    keys = key_reader(program)
    keys.leave()
    keys.enter()
    os.write(user, b"x")
    assert read_when_there(keys) == b"x"


def test_leaving_in_a_signal_handler_restores_the_terminal(terminal):
    _, program = terminal
    before = termios.tcgetattr(program)
    keys = key_reader(program)
    previous = signal.signal(signal.SIGUSR1, lambda *_: keys.leave())
    try:
        signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert termios.tcgetattr(program) == before


def test_what_is_no_terminal_is_refused_with_what_to_do(pipe):
    with pytest.raises(NotATerminal, match="read it line by line"):
        Keys(pipe[0]).enter()


def test_a_terminal_that_hung_up_is_reported_and_leaving_it_is_harmless(terminal):
    keys = key_reader(terminal[1])
    hang_up(terminal)
    with pytest.raises(InputGone):
        keys.read()
    keys.leave()


def test_saving_and_restoring_never_raise_where_there_is_no_terminal(terminal, pipe):
    saved = saved_modes(terminal[1])
    assert saved_modes(pipe[0]) is None
    assert saved_modes(10_000) is None
    restore_modes(pipe[1], saved)
    restore_modes(10_000, saved)
    restore_modes(terminal[1], None)


def test_restoring_does_not_wait_for_a_terminal_that_takes_no_output(terminal):
    _, program = terminal
    saved = saved_modes(program)
    with pytest.raises(OutputStalled):
        Output(program, patience_s=0.01).write(b"x" * 1_000_000)
    restore_modes(program, saved)


def test_the_modes_of_a_killed_keyboard_are_restored_by_whoever_saved_them(terminal):
    _, program = terminal
    before = saved_modes(program)
    keyboard = """
        import os, signal, sys
        from actors.devices.terminal import Keys
        Keys(int(sys.argv[1])).enter()
        os.kill(os.getpid(), signal.SIGKILL)
    """
    ended = run_python(keyboard, str(program), pass_fds=[program])
    assert ended.returncode == -signal.SIGKILL
    assert saved_modes(program) != before
    restore_modes(program, before)
    assert saved_modes(program) == before


def test_a_background_process_group_restores_the_terminal_without_being_stopped(terminal):
    _, program = terminal
    before = termios.tcgetattr(program)
    # The leader owns the terminal; its child in another group would be stopped by SIGTTOU if nothing prevented that.
    leader = """
        import os, subprocess, sys
        background = '''
        import os, sys
        from actors.devices.terminal import Keys
        assert os.tcgetpgrp(0) != os.getpgrp()
        keys = Keys(0)
        keys.enter()
        keys.leave()
        '''
        terminal = os.open(sys.argv[1], os.O_RDWR)
        lines = "\\n".join(line.strip() for line in background.splitlines())
        ended = subprocess.run([sys.executable, "-c", lines], stdin=terminal, process_group=0, timeout=10)
        sys.exit(ended.returncode)
    """
    ended = run_python(leader, os.ttyname(program), start_new_session=True)
    assert ended.returncode == 0, ended.stderr
    assert termios.tcgetattr(program) == before


def run_python(program, *arguments, **options):
    command = [sys.executable, "-c", textwrap.dedent(program), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE_S, **options)


def test_everything_is_written_while_a_slower_reader_reads(pipe):
    reader, writer = pipe
    data = bytes(range(256)) * 2000
    with subprocess.Popen(["wc", "-c"], stdin=reader, stdout=subprocess.PIPE, text=True) as count:
        output = Output(writer, patience_s=DEADLINE_S)
        output.write(data)
        output.close()
        os.close(pipe.pop())
        assert int(count.communicate(timeout=DEADLINE_S)[0]) == len(data)


def test_an_output_that_takes_nothing_is_given_up_and_what_is_left_can_be_written_later(terminal):
    user, program = terminal
    data = b"\n" * 40_000
    output = Output(program, patience_s=0.05)
    with pytest.raises(OutputStalled) as stalled:
        output.write(data)
    written = len(data) - len(stalled.value.unwritten)
    assert data.endswith(stalled.value.unwritten)
    assert drained(user, written * 2) == data[:written].replace(b"\n", b"\r\n")
    output.write(b"later")
    assert drained(user, 5) == b"later"


class RoomThatSomebodyElseTakes:
    """A poll that was right when it answered."""

    def poll(self, _timeout_ms):
        return [(0, select.POLLOUT)]


def test_room_that_another_writer_took_first_is_waited_for(pipe):
    output = Output(pipe[1], patience_s=0.02)
    with pytest.raises(OutputStalled):
        output.write(b"x" * 1_000_000)
    output._poll = RoomThatSomebodyElseTakes()
    with pytest.raises(OutputStalled) as stalled:
        output.write(b"more")
    assert stalled.value.unwritten == b"more"


def test_the_writer_leaves_the_shared_open_file_blocking(terminal, pipe):
    for writer in (terminal[1], pipe[1]):
        Output(writer).write(b"x")
        assert os.get_blocking(writer)


def test_a_pipe_whose_reader_left_is_reported(pipe):
    output = Output(pipe[1])
    hang_up(pipe)
    with pytest.raises(OutputGone, match="Broken pipe"):
        output.write(b"x")


def test_a_terminal_that_hung_up_takes_no_output_and_says_so(terminal):
    output = Output(terminal[1])
    hang_up(terminal)
    with pytest.raises(OutputGone):
        output.write(b"x")


def test_a_file_is_appended_to_where_it_stands(tmp_path):
    fd = os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT)
    os.write(fd, b"one ")
    Output(fd).write(b"two")
    os.close(fd)
    assert (tmp_path / "out").read_bytes() == b"one two"


def test_closing_the_writer_leaves_the_callers_descriptor_open(terminal):
    user, program = terminal
    output = Output(program)
    output.close()
    output.close()
    os.write(program, b"x")
    assert drained(user, 1) == b"x"


def test_the_size_is_the_terminals_and_24_rows_of_80_where_there_is_none(terminal, pipe):
    termios.tcsetwinsize(terminal[1], (33, 111))
    assert (Output(terminal[1]).width(), Output(terminal[1]).height()) == (111, 33)
    assert (Output(pipe[1]).width(), Output(pipe[1]).height()) == (80, 24)
    termios.tcsetwinsize(terminal[1], (0, 0))
    assert (Output(terminal[1]).width(), Output(terminal[1]).height()) == (80, 24)
