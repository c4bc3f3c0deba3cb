"""The actor of a camera or a screen on a device of ten lines: one frame on its way at a time, and it is a fresh one."""

import pytest
from fakes import FakeLink, FakeLoop, FakeNotifier, spec_of

from actors import wire
from actors.devices.audio import DeviceAbsent
from actors.devices.video_extra import VideoUnavailable
from actors.inputs import video as video_module
from actors.inputs.video import WATCH_S, VideoActor
from actors.runtime import exits


class FakeVideo:
    """A camera that sees what it is told."""

    description, error = "a jar", None

    def __init__(self, device, wanted, on_picture):
        self.device, self.wanted, self.on_picture = device, wanted, on_picture
        self.is_open, self.has_stalled, self.limits = True, False, []

    def limit(self, max_bytes):
        self.limits.append(max_bytes)

    def is_stalled(self, now):
        return self.has_stalled

    def close(self):
        self.is_open = False


class Stand:
    """A video actor with a fake device, link and clock."""

    def __init__(self, monkeypatch, tmp_path, kind="camera", fails=None, **table):
        self.loop, self.notifier, self.opened = FakeLoop(), FakeNotifier(), []

        def opener(which):
            def opened(*how):
                if fails is not None:
                    raise fails
                self.opened.append((which, FakeVideo(*how)))
                return self.opened[-1][1]

            return opened

        monkeypatch.setattr(video_module, "open_camera", opener("camera"))
        monkeypatch.setattr(video_module, "open_screen", opener("screen"))
        self.actor = VideoActor(spec_of(kind, tmp_path, actors={kind: table}), self.loop, self.notifier)
        self.actor.media = self.media = FakeLink()
        self.actor.on_start()
        self.synchronise()

    def synchronise(self):
        version = self.actor.control.version + 1
        self.actor.control.take(wire.Snapshot(version, wire.ConversationState()))

    @property
    def device(self):
        return self.opened[-1][1]

    def see(self, *pictures):
        for number in pictures:
            self.device.on_picture(b"%d" % number, number)
        self.loop.watched[self.actor._wake]()

    def taken(self):
        self.actor.on_message(wire.VideoTaken(9999), None)

    @property
    def sent(self):
        return [int(frame.jpeg) for frame in self.media.sent]


@pytest.fixture
def make(monkeypatch, tmp_path):
    return lambda **options: Stand(monkeypatch, tmp_path, **options)


def test_the_device_is_opened_as_the_table_says(make):
    stand = make(kind="screen", device="2", fps=0.5, max_side=800, quality=50)
    ((which, device),) = stand.opened
    assert (which, device.device) == ("screen", "2")
    assert device.wanted == (0.5, 800, 50, wire.MAX_PICTURE_BYTES, wire.FIRST_PICTURE_BYTES)


def test_a_coordinator_that_is_back_changes_nothing(make):
    stand = make()
    stand.synchronise()
    assert len(stand.opened) == 1


def test_ready_is_who_has_seen_something(make):
    stand = make()
    assert stand.notifier.of("ready") == []
    stand.see(1)
    assert stand.notifier.of("ready") == ["a jar"]


def test_the_next_frame_is_not_sent_before_the_last_was_taken_and_then_it_is_a_fresh_one(make):
    stand = make()
    stand.see(1)
    stand.see(2)
    stand.see(3)
    assert (stand.sent, stand.actor.counters.dropped) == ([1], {"late": 2})
    stand.taken()
    assert stand.sent == [1], "what was seen meanwhile is old"
    stand.see(4)
    assert (stand.sent, stand.device.limits) == ([1, 4], [9999])


def test_of_pictures_that_come_together_only_the_newest_is_sent(make):
    stand = make()
    stand.see(1, 2, 3)
    assert stand.sent == [3]


def test_a_new_session_gets_a_frame_although_the_one_before_owes_an_answer(make):
    stand = make()
    stand.see(1)
    stand.actor.on_welcome()
    stand.see(2)
    assert stand.sent == [1, 2]


def test_without_a_session_pictures_are_dropped_and_counted(make):
    stand = make()
    stand.media.is_up = False
    stand.see(1)
    stand.media.is_up = True
    stand.see(2)
    assert (stand.sent, stand.actor.counters.dropped) == ([2], {"no_session": 1})


@pytest.mark.parametrize(
    ("fails", "code"),
    [
        (DeviceAbsent("there is no camera"), exits.DEVICE_ABSENT),
        (VideoUnavailable("cameras need an extra package"), exits.BAD_CONFIG),
    ],
)
def test_what_does_not_open_ends_the_actor_with_the_reason(make, fails, code):
    with pytest.raises(exits.ActorExit, match=str(fails)) as caught:
        make(fails=fails)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("error", "stalled", "code", "told"),
    [
        (OSError("unplugged"), False, exits.DEVICE_ABSENT, "lost the camera a jar: unplugged"),
        (None, True, exits.DEVICE_ABSENT, "lost the camera a jar: it gives no pictures any more"),
        (VideoUnavailable("install pillow"), False, exits.BAD_CONFIG, "install pillow"),
    ],
)
def test_a_device_that_is_lost_ends_the_actor_with_the_reason(make, error, stalled, code, told):
    stand = make()
    stand.see(1)
    stand.device.error, stand.device.has_stalled = error, stalled
    with pytest.raises(exits.ActorExit, match=told) as caught:
        stand.loop.advance(WATCH_S)
    assert caught.value.code == code


def test_the_device_is_let_go_of_at_the_end(make):
    stand = make()
    stand.actor.on_stop()
    assert not stand.device.is_open
