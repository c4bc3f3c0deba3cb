"""The mic actor on a microphone of ten lines: what is sent, what never is, and when the model is told of a pause."""

import time

import pytest
from fakes import FakeLink, FakeLoop, FakeNotifier, spec_of

from actors import wire
from actors.devices.audio import DeviceError
from actors.inputs import mic as mic_module
from actors.inputs.hush import HANG_OVER_S
from actors.inputs.mic import WATCH_S, MicActor
from actors.inputs.outgoing import PAUSE_S
from actors.runtime import exits
from actors.settings import ModelTable, SessionTable, VadTable

FRAME = b"\5\0" * 320
NS = 1_000_000_000


class FakeInput:
    """A microphone that gives a frame when it is told to."""

    description, latency_s, xruns, error = "a jar", 0.02, 0, None

    def __init__(self, on_frame):
        self.on_frame = on_frame
        self.is_open = True
        self.has_stalled = False

    def is_stalled(self, now):
        return self.has_stalled

    def close(self):
        self.is_open = False


class Stand:
    """A mic actor with fake devices, link and clock."""

    def __init__(self, monkeypatch, tmp_path, duplex="half", *, muted=False, vad="automatic"):
        self.loop, self.notifier, self.devices = FakeLoop(), FakeNotifier(), []
        self.loop.time_s = time.monotonic()
        monkeypatch.setattr(mic_module, "open_input", self._open)
        spec = spec_of(
            "mic", tmp_path, session=SessionTable(duplex=duplex), model=ModelTable(vad=VadTable(mode=vad))
        )
        self.actor = MicActor(spec, self.loop, self.notifier)
        self.actor.media = self.media = FakeLink()
        self.actor.on_start()
        self.state(version=1, muted=muted)
        self.ask()

    def _open(self, name, rate_hz, frame_ms, on_frame, is_resting):
        assert (rate_hz, frame_ms) == (16_000, 20)
        self.devices.append(FakeInput(on_frame))
        return self.devices[-1]

    def state(self, version, **values):
        self.actor.control.take(wire.Snapshot(version, wire.ConversationState(**values)))

    def set(self, key, value):
        self.actor.control.take(wire.Changed(self.actor.control.version + 1, key, value))

    def ask(self, number=1, after_ns=0):
        self.actor.on_message(wire.Replay(number, after_ns), None)

    def hear(self, frames=1, age_s=0.0, pcm=FRAME):
        for _ in range(frames):
            self.devices[-1].on_frame(pcm, time.monotonic_ns() - int(age_s * NS))
        self.loop.watched[self.actor._arrived.wake]()

    def sent(self, kind=wire.MicChunk):
        return [message for message in self.media.sent if isinstance(message, kind)]

    @property
    def dropped(self):
        return self.actor.health().dropped


@pytest.fixture
def make(monkeypatch, tmp_path):
    stands = []
    yield (
        lambda *words, **options: stands.append(Stand(monkeypatch, tmp_path, *words, **options)) or stands[-1]
    )
    for stand in stands:
        stand.actor.on_stop()


@pytest.fixture
def stand(make):
    return make()


def test_every_frame_is_sent_once_in_order_with_its_time(stand):
    for number in range(5):
        stand.hear(pcm=bytes([number, 0]) * 320)
    assert [chunk.pcm_16k[0] for chunk in stand.sent()] == [0, 1, 2, 3, 4]
    assert all(abs(time.monotonic_ns() - chunk.captured_ns) < 60 * NS for chunk in stand.sent())
    assert stand.dropped == {}


def test_it_is_ready_when_the_device_delivers(stand):
    assert stand.notifier.of("ready") == []
    stand.hear()
    assert stand.notifier.of("ready") == ["a jar"]


def test_a_new_session_gets_what_it_asks_for_and_nothing_before_it_asks(stand):
    stand.hear(frames=3)
    stand.actor.on_welcome()
    stand.hear(frames=2)
    assert len(stand.sent()) == 3
    stand.ask(number=1)
    assert len(stand.sent()) == 8


def test_what_was_captured_while_a_reply_was_heard_or_while_muted_is_in_no_replay(stand):
    stand.hear(frames=2)
    stand.set("is_streaming_output", value=True)
    stand.hear(frames=3)
    stand.set("is_streaming_output", value=False)
    stand.set("muted", value=True)
    stand.hear(frames=4)
    stand.set("muted", value=False)
    stand.hear()
    stand.media.sent.clear()
    stand.ask(number=2)
    assert len(stand.sent()) == 3


def test_muted_it_sends_nothing_although_a_new_connection_asks_for_what_was_said_before(stand):
    stand.hear(frames=2)
    stand.set("muted", value=True)
    stand.media.sent.clear()
    stand.ask(number=2)
    assert stand.media.sent == []
    stand.set("muted", value=False)
    stand.hear()
    assert [chunk.replay for chunk in stand.sent()] == [2, 2, 2]


def test_in_push_to_talk_only_what_is_said_while_talking_is_sent_and_its_end_is_told(make):
    stand = make("headset", vad="manual")
    stand.hear(frames=2)
    assert stand.sent() == []
    stand.set("talking", value=True)
    stand.hear(frames=2)
    stand.set("talking", value=False)
    stand.hear(age_s=0.05)  # it was said before the key was pressed
    stand.hear(frames=5)
    assert [type(message) for message in stand.media.sent] == [*[wire.MicChunk] * 3, wire.MicPaused]
    assert stand.dropped == {}


@pytest.mark.parametrize(("duplex", "sent"), [("half", 0), ("headset", 3)])
def test_while_a_reply_is_heard_only_half_duplex_sends_nothing(make, duplex, sent):
    stand = make(duplex)
    stand.set("is_streaming_output", value=True)
    stand.hear(frames=3)
    assert len(stand.sent()) == sent
    assert stand.dropped == ({"half_duplex": 3} if duplex == "half" else {})
    stand.set("is_streaming_output", value=False)
    stand.hear()
    assert len(stand.sent()) == sent + 1


def be_silent(stand, frames, *, is_served=True):
    """Let frames of silence arrive in their time; served or not, as they are to go out together."""
    for _ in range(frames):
        stand.captured_ns += NS // 50
        stand.devices[-1].on_frame(FRAME, stand.captured_ns)
        if is_served:
            stand.loop.advance(0.02)
            stand.loop.watched[stand.actor._arrived.wake]()


def fall_silent(stand):
    """Let nobody speak until silence is gathered; what was sent until then is forgotten."""
    stand.captured_ns = time.monotonic_ns()
    be_silent(stand, int((HANG_OVER_S + 0.1) * 50))
    while stand.actor._arrived.has_slice(at_once=True):
        stand.actor._arrived.take()
    stand.media.sent.clear()


def frames_of(chunks):
    return [len(chunk.pcm_16k) / len(FRAME) for chunk in chunks]


def test_while_nobody_speaks_frames_go_out_together_and_a_voice_goes_out_at_once(stand):
    fall_silent(stand)
    be_silent(stand, 10, is_served=False)
    stand.hear(pcm=b"\0\x20\0\xe0" * 160)
    stand.hear()
    assert frames_of(stand.sent()) == [10, 1, 1]


def test_silence_that_waits_when_a_reply_begins_was_listened_to_and_is_sent(stand):
    fall_silent(stand)
    be_silent(stand, 3, is_served=False)
    stand.set("is_streaming_output", value=True)
    assert frames_of(stand.sent()) == [3]
    stand.hear(frames=2)
    assert (len(stand.sent()), stand.dropped) == (1, {"half_duplex": 2})


def test_silence_that_waits_when_it_is_muted_is_not_sent_but_is_in_the_next_replay(stand):
    fall_silent(stand)
    since_ns = stand.captured_ns + NS // 50
    be_silent(stand, 3, is_served=False)
    stand.set("muted", value=True)
    assert (stand.sent(), stand.dropped) == ([], {})
    stand.ask(number=2, after_ns=since_ns)
    stand.set("muted", value=False)
    stand.hear()
    assert frames_of(stand.sent()) == [3, 1]


def test_muted_means_that_the_device_is_closed_and_the_pause_is_told(stand):
    stand.hear()
    stand.set("muted", value=True)
    assert not stand.devices[-1].is_open
    assert len(stand.sent(wire.MicPaused)) == 1
    assert stand.actor.detail == "muted"


def test_a_frame_that_was_on_its_way_when_it_was_muted_is_not_sent(stand):
    stand.set("muted", value=True)
    stand.hear()
    assert (stand.sent(), stand.dropped) == ([], {"muted": 1})


def test_a_mic_that_starts_muted_opens_nothing_and_is_ready(make):
    stand = make(muted=True)
    assert (stand.devices, stand.notifier.of("ready")) == ([], ["muted"])


def test_unmuted_it_listens_again(make):
    stand = make(muted=True)
    stand.set("muted", value=False)
    stand.hear()
    assert (len(stand.devices), len(stand.sent()), stand.actor.detail) == (1, 1, "a jar")


def test_a_restarted_coordinator_that_remembers_the_mute_changes_nothing_and_one_that_says_otherwise_does(
    make,
):
    stand = make(muted=True)
    stand.state(version=5, muted=True)
    assert stand.devices == []
    stand.state(version=6, muted=False)
    assert len(stand.devices) == 1
    stand.state(version=7, muted=False)
    assert len(stand.devices) == 1


def test_a_mute_told_by_a_new_snapshot_closes_the_device(stand):
    stand.state(version=9, muted=True)
    assert not stand.devices[-1].is_open


def test_a_pause_is_told_once_when_nothing_was_sent_for_a_while(stand):
    stand.hear()
    stand.loop.advance(PAUSE_S - 0.1)
    assert stand.sent(wire.MicPaused) == []
    stand.loop.advance(0.1 + 2 * WATCH_S)
    assert len(stand.sent(wire.MicPaused)) == 1
    stand.loop.advance(10)
    assert len(stand.sent(wire.MicPaused)) == 1


def test_a_pause_that_could_not_be_told_is_told_later(stand):
    stand.hear()
    stand.media.is_up = False
    stand.loop.advance(PAUSE_S + 1)
    stand.media.is_up = True
    stand.loop.advance(2 * WATCH_S)
    assert len(stand.sent(wire.MicPaused)) == 1


@pytest.mark.parametrize("fault", ["stall", "error"])
def test_a_device_that_is_lost_ends_the_actor_as_one_without_a_device(stand, fault):
    stand.devices[-1].has_stalled = fault == "stall"
    stand.devices[-1].error = OSError("burnt") if fault == "error" else None
    with pytest.raises(
        exits.ActorExit, match=r"lost the microphone a jar: (burnt|it delivers nothing)"
    ) as ended:
        stand.loop.advance(1)
    assert ended.value.code == exits.DEVICE_ABSENT


def test_a_device_that_is_gone_when_it_is_unmuted_ends_the_actor_as_one_without_a_device(make, monkeypatch):
    def refuse(*_):
        raise DeviceError("plug it in")

    stand = make(muted=True)
    monkeypatch.setattr(mic_module, "open_input", refuse)
    with pytest.raises(exits.ActorExit, match="plug it in") as ended:
        stand.set("muted", value=False)
    assert ended.value.code == exits.DEVICE_ABSENT


def test_a_loop_that_was_blocked_loses_the_oldest_frames_and_counts_them(stand):
    for _ in range(500 + 7):
        stand.devices[-1].on_frame(FRAME, time.monotonic_ns())
    stand.loop.watched[stand.actor._arrived.wake]()
    assert stand.dropped["loop_blocked"] == 7


def test_what_is_captured_counts_as_work_also_while_it_is_gated_and_muted_there_is_none_to_do(stand):
    stand.hear(frames=3)
    stand.set("is_streaming_output", True)
    stand.hear(frames=2)
    assert stand.actor.health().done == 5
    stand.set("muted", True)
    assert stand.actor.health().done is None
