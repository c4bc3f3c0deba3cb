"""What the loudspeaker is about to play, on its way from the device's thread to the actor."""

import select

import pytest

from actors.outputs.tap import Tap
from actors.wire import ReferenceCut

START_NS = 10**15
BLOCK_NS = 20_000_000
LOUD, SILENT = b"\x01\x00" * 480, bytes(960)


@pytest.fixture
def tap():
    tap = Tap()
    yield tap
    tap.close()


def took(tap, *blocks, is_reply_heard=False, start_ns=START_NS):
    for number, pcm in enumerate(blocks):
        tap.took(pcm, start_ns + number * BLOCK_NS, is_reply_heard=is_reply_heard)


def is_readable(tap):
    return bool(select.select([tap.fd], [], [], 0)[0])


def taken(tap):
    """Which blocks are announced: their number and whether they are loud."""
    return [(round((each.audible_ns - START_NS) / BLOCK_NS), is_loud(each)) for each in tap.take()]


def is_loud(each):
    return "cut" if isinstance(each, ReferenceCut) else each.pcm_24k == LOUD


def test_between_replies_only_sound_is_announced_and_silence_takes_its_time(tap):
    took(tap, SILENT, LOUD, SILENT, SILENT, LOUD)
    assert taken(tap) == [(1, True), (4, True)]


def test_while_a_reply_is_heard_its_silence_is_announced_too(tap):
    took(tap, LOUD, SILENT, is_reply_heard=True)
    assert taken(tap) == [(0, True), (1, False)]


def test_the_actor_is_woken_by_what_is_to_be_announced_and_by_nothing_else(tap):
    took(tap, SILENT)
    assert not is_readable(tap)
    took(tap, LOUD)
    assert is_readable(tap)
    assert len(tap.take()) == 1
    assert not is_readable(tap)


def test_after_an_interruption_nothing_of_before_is_announced_and_time_begins_anew(tap):
    took(tap, LOUD, LOUD)
    tap.interrupt()
    took(tap, LOUD, start_ns=START_NS + 10 * BLOCK_NS)
    assert taken(tap) == [(10, True)]


def test_a_device_that_lost_its_buffer_takes_back_what_was_announced(tap):
    took(tap, *[LOUD] * 20)
    tap.take()
    took(tap, *[LOUD] * 2, start_ns=START_NS + 16 * BLOCK_NS)
    assert taken(tap) == [(16, "cut"), (16, True), (17, True)]


def test_an_actor_that_takes_nothing_loses_the_oldest(tap):
    took(tap, *[LOUD] * 150)
    assert [number for number, _ in taken(tap)] == list(range(50, 150))
