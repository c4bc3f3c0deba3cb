"""Logs are kept small while others write into them, the run before is kept aside, and no trouble with a file is an error."""

import os

import pytest

from supervisor.logbook import Logbook


@pytest.fixture
def book(tmp_path):
    return Logbook(tmp_path, max_bytes=100)


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_a_log_is_readable_by_its_owner_only(book, tmp_path):
    os.close(book.open("mic"))
    assert (tmp_path / "mic.log").stat().st_mode & 0o777 == 0o600


def test_the_runs_before_are_kept_aside_and_older_ones_forgotten(book, tmp_path):
    for run in range(5):
        descriptor = book.open("mic")
        os.write(descriptor, b"run %d" % run)
        book.close(descriptor)
    assert names(tmp_path) == ["mic.log", "mic.log.1", "mic.log.2"]
    assert [(tmp_path / name).read_text() for name in names(tmp_path)] == ["run 4", "run 3", "run 2"]


def test_a_log_that_grows_too_long_is_put_aside_and_its_writer_goes_on_from_the_start(book, tmp_path):
    descriptor = book.open("mic")
    for number in range(4):
        os.write(descriptor, b"%d" % number * 101)
        book.keep_small()
        os.write(descriptor, b"then")
    assert (tmp_path / "mic.log").read_text() == "then"
    assert (tmp_path / "mic.log.1").read_text().endswith(96 * "3")
    assert (tmp_path / "mic.log.2").read_text().endswith(96 * "2")
    assert names(tmp_path) == ["mic.log", "mic.log.1", "mic.log.2"]
    book.close(descriptor)


def test_a_short_log_is_left_alone(book, tmp_path):
    descriptor = book.open("mic")
    os.write(descriptor, b"x" * 100)
    book.keep_small()
    assert names(tmp_path) == ["mic.log"]
    book.close(descriptor)


def test_of_a_torrent_only_the_end_is_kept(book, tmp_path):
    descriptor = book.open("mic")
    os.write(descriptor, b"a" * 10_000 + b"the trace of the crash")
    book.keep_small()
    kept = (tmp_path / "mic.log.1").read_text()
    assert len(kept) == 100
    assert kept.endswith("the trace of the crash")
    book.close(descriptor)


def test_a_log_that_cannot_be_copied_is_emptied_all_the_same(book, tmp_path, caplog):
    descriptor = book.open("mic")
    (tmp_path / "mic.log.1").mkdir()
    (tmp_path / "mic.log.2").mkdir()
    (tmp_path / "mic.log.2" / "x").touch()
    os.write(descriptor, b"x" * 101)
    book.keep_small()
    assert (tmp_path / "mic.log").read_bytes() == b""
    assert "the log of mic was emptied" in caplog.text
    book.close(descriptor)


def test_without_a_directory_there_is_no_log_and_no_error(tmp_path, caplog):
    book = Logbook(tmp_path / "gone")
    descriptor = book.open("mic")
    assert os.write(descriptor, b"into nothing") == 12
    assert "there is no log of mic" in caplog.text
    book.keep_small()
    book.close(descriptor)


def test_a_log_whose_file_was_removed_is_still_written_and_kept_small(book, tmp_path):
    descriptor = book.open("mic")
    (tmp_path / "mic.log").unlink()
    os.write(descriptor, b"x" * 101)
    book.keep_small()
    assert os.fstat(descriptor).st_size == 0
    book.close(descriptor)
