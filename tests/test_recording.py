"""What is written down of a conversation."""

import wave
from pathlib import Path

import msgspec
import pytest

from actors.outputs.recording import Entry, Recording

SECOND_16K = b"\x01\x00" * 16_000
SECOND_24K = b"\x02\x00" * 24_000


def entries(directory: Path) -> list[Entry]:
    return [
        msgspec.json.decode(line, type=Entry)
        for line in (directory / "transcript.jsonl").read_bytes().splitlines()
    ]


def seconds(path: Path) -> float:
    with wave.open(str(path)) as file:
        return file.getnframes() / file.getframerate()


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "made" / "here"


def test_a_spoken_turn_points_at_its_sound_in_both_files(directory):
    recording = Recording(directory)
    recording.voice(SECOND_16K)
    recording.understood("hel")
    recording.understood("lo")
    recording.said("You said: ")
    recording.speech(SECOND_24K)
    recording.said("hello")
    recording.turn_over()
    recording.close()

    user, assistant = entries(directory)
    assert (user.who, user.text, user.wav, user.start_s, user.end_s) == (
        "user",
        "hello",
        "input.wav",
        0.0,
        1.0,
    )
    assert (assistant.text, assistant.start_s, assistant.end_s) == ("You said: hello", 0.0, 1.0)
    assert seconds(directory / "output.wav") == 1.0


def test_a_cut_reply_keeps_only_the_sound_that_was_heard(directory):
    recording = Recording(directory)
    recording.said("a long story")
    recording.speech(SECOND_24K * 3)
    recording.interrupted(1500)
    recording.said("next")
    recording.speech(SECOND_24K)
    recording.close()

    cut, following = entries(directory)
    assert (cut.interrupted, cut.end_s) == (True, 1.5)
    assert (following.start_s, following.end_s) == (1.5, 2.5)


def test_a_sample_split_over_two_slices_is_written_whole(directory):
    recording = Recording(directory)
    recording.speech(b"\x01")
    recording.speech(b"\x00\x02\x00")
    recording.close()

    with wave.open(str(directory / "output.wav")) as file:
        assert file.readframes(9) == b"\x01\x00\x02\x00"


def test_the_files_are_valid_before_the_end_and_private(directory):
    recording = Recording(directory)
    recording.speech(SECOND_24K)

    assert seconds(directory / "output.wav") == 1.0
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    recording.close()


def test_typed_lines_and_notices_are_in_the_transcript(directory):
    recording = Recording(directory)
    recording.typed("hello")
    recording.notice("session is back")
    recording.close()

    assert [(entry.who, entry.text, entry.typed) for entry in entries(directory)] == [
        ("user", "hello", True),
        ("notice", "session is back", False),
    ]
