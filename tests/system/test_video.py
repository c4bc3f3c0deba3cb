"""What a camera sees reaches the model through the whole tree, at its rate, and costs the voice nothing."""

import hashlib
import itertools
import statistics

import numpy as np
import pytest
from pictures import picture
from trees import tree, wait_for
from virtual_audio import speech_like, write_wav
from voices import DEAF, MIC_HZ, Talk, index_of, tell

CONFIG = """
[session]
name = "test"
duplex = "headset"
[model]
provider = "parrot"
{deaf}
[actors.keyboard]
[actors.console]
[actors.mic]
enabled = true
device = "file:{{directory}}/voice.wav"
[actors.camera]
enabled = true
device = "file:{{directory}}/album"
max_side = 640
[actors.parrot]
voice = "tones"
audio_speed = 0
journal = "{{journal}}"
script = "{{script}}"
keep_audio = "{{directory}}/tmp"
[supervision]
max_restarts = 10000
"""
SIZES = [(320, 240), (640, 480), (64, 64)]
ALBUM = [picture(size=size, seed=seed, quality=95) for seed, size in enumerate(SIZES)]
MARKS = [hashlib.sha256(jpeg).hexdigest()[:12] for jpeg in ALBUM]
VOICE = speech_like(60, MIC_HZ)
SEEN_AT_LEAST = 5


@pytest.fixture(scope="module")
def filmed():
    with tree(CONFIG.format(deaf=DEAF)) as conversation:
        album = conversation.directory / "album"
        album.mkdir()
        for number, jpeg in enumerate(ALBUM):
            (album / f"{number}.jpg").write_bytes(jpeg)
        write_wav(conversation.directory / "voice.wav", VOICE, MIC_HZ)
        conversation.start_ready()
        wait_for(
            lambda: len(conversation.events("image")) >= SEEN_AT_LEAST, f"pictures; {conversation.logs()}"
        )
        yield conversation


def test_the_model_sees_the_cameras_own_pictures_in_order_at_the_rate_that_was_asked_for(filmed):
    seen = filmed.events("image")
    steps_s = [(after["at_ns"] - before["at_ns"]) / 1e9 for before, after in itertools.pairwise(seen)]
    tell(
        pictures=len(seen),
        median_step_s=statistics.median(steps_s),
        dropped=Talk(filmed).row("camera")["dropped"],
    )
    first = MARKS.index(seen[0]["mark"])
    assert [event["mark"] for event in seen] == [MARKS[(first + turn) % 3] for turn in range(len(seen))]
    assert {(event["width"], event["height"]) for event in seen} == set(SIZES)
    assert 0.9 < statistics.median(steps_s) < 1.5


def test_the_voice_in_the_same_conversation_arrives_whole_to_the_sample(filmed):
    heard = Talk(filmed).at_model()
    assert len(heard) > 3 * MIC_HZ
    start = index_of(VOICE, heard[:MIC_HZ])
    assert np.array_equal(heard, VOICE[start : start + len(heard)])


def test_a_question_is_asked_about_what_is_seen(filmed):
    Talk(filmed).say("what is this?")
    turn = Talk(filmed).wait_turn("what is this?")
    assert turn["reply"].startswith("You said: what is this? (I see a picture, ")


def test_a_camera_that_is_killed_is_back_and_a_session_that_is_killed_is_shown_pictures_again(filmed):
    for name in ("camera", "session"):
        filmed.kill(name)
        before = len(filmed.events("image"))
        wait_for(
            lambda before=before: len(filmed.events("image")) >= before + 2, f"pictures after the {name} died"
        )


def test_without_the_file_the_camera_is_absent_and_says_so_and_is_back_when_the_file_is(filmed):
    album = filmed.directory / "album"
    album.rename(filmed.directory / "elsewhere")
    wait_for(lambda: filmed.row("camera")["state"] == "absent", "the camera is absent")
    assert f"there is no {album}" in filmed.row("camera")["detail"]
    (filmed.directory / "elsewhere").rename(album)
    wait_for(lambda: filmed.row("camera")["state"] == "ready", "the camera is back")


# Pictures that are typed.


def test_a_picture_in_a_pipe_is_answered_and_one_that_cannot_be_shown_is_told_and_fails_the_whole():
    with tree() as conversation:
        (conversation.directory / "cat.png").write_bytes(picture("PNG", (320, 200)))
        cat = conversation.directory / "cat.png"
        ended = conversation.converse(f"/image {cat} what is this?\n/image {cat}x\nthank you\n")
        assert ended.stdout.splitlines() == [
            "You said: what is this? (I see a picture, 320x200)",
            "You said: thank you",
        ]
        assert f"line 2: there is no file {cat}x" in ended.stderr
        assert ended.returncode == 1
        assert conversation.leftovers() == []


def test_every_picture_is_in_the_conversation_exactly_once_although_session_and_keyboard_are_killed():
    count = 12
    with tree(
        rules=[{"when": {"contains": ""}, "do": {"reply": {"delay_s": 0.2, "chunk_bytes": 600_000}}}]
    ) as conversation:
        process = conversation.start()
        for number in range(count):
            (conversation.directory / f"{number}.jpg").write_bytes(picture(seed=number))
            process.stdin.write(f"/image {conversation.directory}/{number}.jpg picture {number}\n".encode())
        process.stdin.close()
        for victim, turns in (("session", 2), ("keyboard", 5), ("session", 8)):
            wait_for(lambda turns=turns: len(conversation.events("turn_complete")) >= turns, f"{turns} turns")
            conversation.kill(victim)
        assert process.wait(60) == 0, conversation.logs()
        assert conversation.context() == {f"picture {number}": 1 for number in range(count)}
        marks = [hashlib.sha256(picture(seed=number)).hexdigest()[:12] for number in range(count)]
        assert conversation.events("turn_complete")[-1]["pictures"] == {
            f"image/jpeg 64x48 {mark}": 1 for mark in marks
        }
        assert conversation.leftovers() == []
