"""Typed lines in a file: the same lines and the same numbers for every incarnation of the keyboard."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.inputs import spool
from actors.inputs.spool import Spool


@pytest.fixture
def path(short_dir):
    return short_dir / "keyboard.spool"


def opened_again(path):
    found = Spool(path)
    found.close()
    return found


def test_lines_are_numbered_from_one_as_their_newline_comes(path):
    lines = Spool(path)
    lines.add(b"fir")
    assert (lines.lines, lines.last, lines.has_rest) == ({}, 0, True)
    lines.add(b"st\nsecond\n\nfou")
    assert lines.lines == {1: b"first", 2: b"second", 3: b""}
    assert (lines.last, lines.has_rest) == (3, True)
    lines.close()


def test_the_next_incarnation_finds_every_line_under_its_number(path):
    before = Spool(path)
    before.add(b"one\ntwo\nthr")
    before.close()
    after = Spool(path)
    after.add(b"ee\n")
    assert after.lines == {1: b"one", 2: b"two", 3: b"three"}
    after.close()


def test_only_its_owner_can_read_what_was_typed(path):
    opened_again(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_forgotten_line_is_gone_here_and_offered_once_more_by_the_next_incarnation(path):
    lines = Spool(path)
    lines.add(b"one\ntwo\n")
    lines.forget(1)
    lines.forget(99)
    assert lines.lines == {2: b"two"}
    lines.close()
    assert opened_again(path).lines == {1: b"one", 2: b"two"}


def filled_beyond_the_limit(path):
    lines = Spool(path)
    lines.add(b"x" * spool.COMPACT_BYTES + b"\n" + b"second\n")
    return lines


def test_a_big_file_is_made_small_when_all_is_forgotten_and_the_numbers_go_on(path):
    lines = filled_beyond_the_limit(path)
    lines.forget(1)
    assert path.stat().st_size > spool.COMPACT_BYTES
    lines.forget(2)
    assert path.stat().st_size < 10
    lines.add(b"third\n")
    lines.close()
    assert opened_again(path).lines == {3: b"third"}


def test_half_a_line_keeps_a_big_file_from_being_made_small(path):
    lines = filled_beyond_the_limit(path)
    lines.add(b"half")
    lines.forget(1)
    lines.forget(2)
    lines.close()
    assert opened_again(path).has_rest


@pytest.mark.parametrize("dies_in", ["write", "rename"])
def test_a_crash_while_a_big_file_is_made_small_sets_no_number_back(path, monkeypatch, dies_in):
    lines = filled_beyond_the_limit(path)
    lines.forget(1)

    def die(*_):
        raise KeyboardInterrupt

    if dies_in == "write":
        monkeypatch.setattr(spool, "_write", die)
    else:
        monkeypatch.setattr(type(path), "replace", die)
    with pytest.raises(KeyboardInterrupt):
        lines.forget(2)
    monkeypatch.undo()
    lines.close()
    assert opened_again(path).last == 2


def test_a_file_left_empty_by_a_crash_at_its_birth_is_begun_anew(path):
    path.touch()
    lines = Spool(path)
    lines.add(b"one\n")
    lines.close()
    assert opened_again(path).lines == {1: b"one"}


def test_a_disk_that_takes_a_part_first_is_given_the_rest(path, monkeypatch):
    lines = Spool(path)
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:3]))
    lines.add(b"a longer line\n")
    monkeypatch.undo()
    lines.close()
    assert opened_again(path).lines == {1: b"a longer line"}


def test_a_disk_that_takes_nothing_is_an_error_and_the_line_is_not_taken(path, monkeypatch):
    lines = Spool(path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        lines.add(b"lost\n")
    monkeypatch.undo()
    assert lines.lines == {}
    lines.close()


@given(pieces=st.lists(st.binary(max_size=12).map(lambda data: data.replace(b"x", b"\n")), max_size=12))
def test_however_the_bytes_are_cut_the_lines_are_the_same_now_and_later(tmp_path_factory, pieces):
    path = tmp_path_factory.mktemp("spool") / "s"
    lines = Spool(path)
    for piece in pieces:
        lines.add(piece)
    *complete, rest = b"".join(pieces).split(b"\n")
    assert list(lines.lines.values()) == complete
    lines.close()
    again = opened_again(path)
    assert (again.lines, again.last, again.has_rest) == (lines.lines, len(complete), bool(rest))
