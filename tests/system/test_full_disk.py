"""A disk without room for a single byte more costs log lines, and nothing else."""

import subprocess
from contextlib import contextmanager

import pytest
from trees import tree, wait_for


@contextmanager
def tiny_disk(path):
    """A file system of its own with 64 KiB; root only."""
    path.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", str(path)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {mounted.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def fill(path):
    with (path / "filler").open("wb", buffering=0) as filler:
        while True:
            try:
                filler.write(b"x" * 512)
            except OSError:
                return


def test_a_conversation_on_a_full_disk_is_answered_heals_and_ends_well():
    with tree() as conversation, tiny_disk(conversation.log_root / "test") as disk:
        fill(disk)
        process = conversation.start_ready()
        fill(disk)
        before = conversation.kill("console")
        wait_for(lambda: conversation.pid("console") not in {None, before}, "another console")
        conversation.wait_ready()
        process.stdin.write(b"hello\n")
        process.stdin.close()
        assert process.wait(30) == 0, process.stderr.read()
        assert process.stdout.read() == b"You said: hello\n"
        assert conversation.context() == {"hello": 1}


def test_a_log_directory_that_is_removed_meanwhile_hurts_nobody():
    with tree() as conversation:
        process = conversation.start_ready()
        for path in (conversation.log_root / "test").iterdir():
            path.unlink()
        (conversation.log_root / "test").rmdir()
        before = conversation.kill("session")
        wait_for(lambda: conversation.pid("session") not in {None, before}, "another session")
        process.stdin.write(b"hello\n")
        process.stdin.close()
        assert process.wait(30) == 0
        assert process.stdout.read() == b"You said: hello\n"
