"""The speaker actor on a loudspeaker of ten lines: what is played, what is dropped, what the session is told."""

import time

import pytest
from fakes import FakeLink, FakeLoop, FakeNotifier, spec_of

from actors import wire
from actors.devices.audio import DeviceAbsent, DeviceError
from actors.outputs import loudspeaker as loudspeaker_module
from actors.outputs.intake import Intake
from actors.outputs.loudspeaker import SILENCE_MS
from actors.outputs.playout import Playout
from actors.outputs.speaker import SpeakerActor
from actors.runtime import exits

PERIOD = 240
"""Samples: 10 ms."""
LATENCY_S = 0.08


class FakeOutput:
    """A loudspeaker that pulls when it is told to."""

    description, latency_s, xruns, error = "a horn", LATENCY_S, 0, None
    pull_latency_s, patience_s, holds_s = LATENCY_S, 0.0, 0.0

    def __init__(self, read):
        self.read = read
        self.heard = b""
        self.calls = []
        self.has_stalled = self.is_resting = False

    def pull(self, periods=1):
        pulled = b"".join(self.read(PERIOD) for _ in range(periods if not self.is_resting else 0))
        self.heard += pulled
        return pulled

    def is_stalled(self, now):
        return self.has_stalled

    def abort(self, meanwhile=lambda: None):
        self.calls.append("abort")
        self.is_resting = False
        meanwhile()

    def rest(self):
        self.calls.append("rest")
        self.is_resting = True

    def close(self):
        self.calls.append("close")


class Media(FakeLink):
    """Remembers what the session was told, with the epoch."""

    def __init__(self):
        super().__init__()
        self.hub_boot_id = 1
        self.epochs = []

    def send(self, message, epoch=0):
        if self.is_up:
            self.epochs.append(epoch)
        return super().send(message, epoch)

    def heard(self):
        pairs = zip(self.epochs, self.sent, strict=True)
        return [
            (epoch, message.is_done, message.played_ms)
            for epoch, message in pairs
            if isinstance(message, wire.Heard)
        ]


class Stand:
    """A speaker actor with a fake device, link and clock."""

    def __init__(self, monkeypatch, tmp_path):
        self.loop, self.notifier, self.media = FakeLoop(), FakeNotifier(), Media()
        self.loop.time_s = time.monotonic()
        monkeypatch.setattr(loudspeaker_module, "open_output", self._open)
        self.opened, self.takes_one, self.silence = [], False, None
        self.actor = SpeakerActor(spec_of("speaker", tmp_path), self.loop, self.notifier)
        self.actor.media = self.media
        self.actor._playout = self.actor._loudspeaker._playout = Playout(clock=self.loop.now)
        self.actor.on_start()
        self.actor.on_welcome()
        self.actor.on_synchronised()

    def _open(self, name, rate_hz, read, latency_ms):
        self.opened.append((name, rate_hz, latency_ms))
        if latency_ms != SILENCE_MS:
            self.device = FakeOutput(read)
            return self.device
        if self.takes_one:
            raise DeviceError("busy")
        self.silence = FakeOutput(read)
        return self.silence

    def take(self, message, epoch):
        sent_ns = time.monotonic_ns()
        self.actor.on_message(message, wire.Envelope(wire.VERSION, "session", 1, 1, epoch, sent_ns, message))

    def speak(self, epoch, periods=10, sample=b"\7\0"):
        self.take(wire.SpeechChunk(sample * PERIOD * periods), epoch)

    def play(self, periods):
        """Let time pass as the device pulls."""
        for _ in range(periods):
            self.device.pull()
            self.loop.advance(PERIOD / 24_000)


@pytest.fixture
def stand(monkeypatch, tmp_path):
    return Stand(monkeypatch, tmp_path)


def samples(pcm, sample=b"\7\0"):
    return pcm.count(sample)


def test_it_is_ready_when_the_device_pulls_and_not_before(stand):
    stand.loop.advance(1)
    assert stand.notifier.of("ready") == []
    stand.device.pull()
    stand.loop.advance(0.3)
    assert stand.notifier.of("ready") == ["a horn"]


def test_a_restarted_coordinator_opens_no_second_device(stand):
    stand.actor.on_synchronised()
    assert stand.opened == [("", 24_000, 80)]


def test_a_reply_is_played_whole_and_the_session_is_told_when_it_was_heard(stand):
    stand.speak(epoch=1, periods=10)
    stand.take(wire.SpeechEnd(), 1)
    stand.play(10)
    assert samples(stand.device.heard) == 10 * PERIOD
    assert [is_done for _, is_done, _ in stand.media.heard()] == [False]
    stand.play(round(LATENCY_S / 0.01) + 3)
    assert stand.media.heard()[-1] == (1, True, 100)
    told = len(stand.media.sent)
    stand.play(50)
    assert len(stand.media.sent) == told


def test_while_it_plays_the_session_is_told_now_and_then_how_far(stand):
    stand.speak(epoch=1, periods=200)
    stand.play(100)
    reports = stand.media.heard()
    assert 4 <= len(reports) <= 6
    assert [ms for _, _, ms in reports] == sorted(ms for _, _, ms in reports)


def test_a_report_that_could_not_be_sent_is_sent_when_there_is_a_session_again(stand):
    stand.speak(epoch=1, periods=4)
    stand.take(wire.SpeechEnd(), 1)
    stand.media.is_up = False
    stand.play(30)
    assert stand.media.heard() == []
    stand.media.is_up = True
    stand.loop.advance(0.3)
    assert stand.media.heard() == [(1, True, 40)]


def test_a_flush_silences_the_device_before_anything_is_told(stand):
    stand.speak(epoch=1, periods=100)
    stand.play(20)
    stand.media.send = lambda message, epoch=0: stand.device.calls.append((type(message).__name__, epoch))
    stand.take(wire.Flush(), 2)
    assert stand.device.calls == ["abort", ("Heard", 1)]
    assert not any(stand.device.pull(100))


def test_a_flush_tells_how_much_was_heard_and_counts_what_was_not(stand):
    stand.speak(epoch=1, periods=100)
    stand.play(20)
    stand.take(wire.Flush(), 2)
    epoch, is_done, ms = stand.media.heard()[-1]
    assert (epoch, is_done) == (1, True)
    assert ms == pytest.approx(200 - 1000 * LATENCY_S, abs=11)
    assert stand.actor.health().dropped == {"samples_flushed": 80 * PERIOD}
    assert stand.actor.health().queue_ms == 0


def test_what_comes_late_of_a_flushed_reply_is_dropped_and_the_next_one_is_played(stand):
    stand.speak(epoch=1)
    stand.take(wire.Flush(), 2)
    stand.speak(epoch=1)
    assert not any(stand.device.pull(30))
    stand.speak(epoch=2, sample=b"\3\0")
    stand.take(wire.SpeechEnd(), 2)
    assert samples(stand.device.pull(30), b"\3\0") == 10 * PERIOD


def test_a_flush_of_nothing_leaves_the_device_alone(stand):
    stand.take(wire.Flush(), 5)
    assert (stand.device.calls, stand.media.heard()) == ([], [])


def test_a_flush_while_the_last_samples_are_on_their_way_still_aborts_the_device(stand):
    stand.speak(epoch=1, periods=10)
    stand.take(wire.SpeechEnd(), 1)
    stand.play(10)
    stand.take(wire.Flush(), 2)
    assert stand.device.calls == ["abort"]


def test_what_a_dead_session_left_is_played_to_its_end_and_told_to_the_new_one(stand):
    stand.speak(epoch=3, periods=20)
    stand.play(15)
    stand.media.hub_boot_id = 2
    stand.actor.on_welcome()
    stand.play(30)
    assert samples(stand.device.heard) == 20 * PERIOD
    assert stand.media.heard()[-1] == (3, True, 200)
    assert stand.actor.health().underruns == 0


def test_a_link_that_blinks_does_not_end_the_reply(stand):
    stand.speak(epoch=3, periods=5)
    stand.actor.on_welcome()
    stand.play(30)
    assert not any(is_done for _, is_done, _ in stand.media.heard())


def test_a_new_session_learns_the_newest_epoch_even_when_nothing_is_played(stand):
    stand.take(wire.Flush(), 9)
    stand.media.hub_boot_id = 2
    stand.actor.on_welcome()
    assert stand.media.heard() == [(9, False, 0)]


@pytest.mark.parametrize("fault", ["stall", "error"])
def test_a_device_that_is_lost_ends_the_actor_as_one_without_a_device(stand, fault):
    stand.device.has_stalled = fault == "stall"
    stand.device.error = OSError("burnt") if fault == "error" else None
    with pytest.raises(
        exits.ActorExit, match=r"lost the loudspeaker a horn: (burnt|it stopped pulling)"
    ) as ended:
        stand.loop.advance(1)
    assert ended.value.code == exits.DEVICE_ABSENT


def test_no_device_ends_the_actor_as_one_without_a_device(monkeypatch, tmp_path):
    def refuse(*_):
        raise DeviceAbsent("plug one in")

    monkeypatch.setattr(Stand, "_open", refuse)
    with pytest.raises(exits.ActorExit, match="plug one in") as ended:
        Stand(monkeypatch, tmp_path)
    assert ended.value.code == exits.DEVICE_ABSENT


def test_underruns_of_the_buffer_and_of_the_device_are_counted_together(stand):
    stand.speak(epoch=1, periods=10)
    stand.play(20)
    stand.speak(epoch=1, periods=10)
    stand.device.xruns = 2
    assert stand.actor.health().underruns == 3


def test_the_way_from_the_session_to_the_air_is_measured_once_per_reply(stand):
    for epoch in (1, 2):
        stand.speak(epoch)
        stand.take(wire.SpeechEnd(), epoch)
        stand.play(40)
    assert stand.actor.health().latency_ms["receive_to_play"].p50 >= 1000 * LATENCY_S
    assert len(stand.actor._first_sound._receive_to_play._values_ms) == 2


def test_a_flush_that_comes_again_does_not_cut_the_reply_it_made_room_for(stand):
    stand.speak(epoch=1)
    stand.play(5)
    stand.take(wire.Flush(), 2)
    stand.speak(epoch=2)
    stand.play(5)
    stand.take(wire.Flush(), 2)
    assert stand.device.calls == ["abort"]
    assert any(stand.device.pull())


def test_the_session_is_told_once_how_early_audio_has_to_come(stand):
    stand.play(30)
    leads = [message.ms for message in stand.media.sent if isinstance(message, wire.Lead)]
    assert leads == [40 + 1000 * LATENCY_S + 20]


def test_a_reply_with_a_time_is_heard_at_that_time(stand):
    due_ns = int((stand.loop.now() + 0.2) * 1e9)
    stand.take(wire.SpeechChunk(b"\7\0" * PERIOD * 30, due_ns=due_ns), 1)
    began_s = stand.loop.now()
    while not any(stand.device.pull()):
        stand.loop.advance(PERIOD / 24_000)
    assert abs(stand.loop.now() + LATENCY_S - began_s - 0.2) <= 2 * PERIOD / 24_000


# Behind a gate.


@pytest.fixture
def far(monkeypatch, tmp_path):
    """A speaker on another machine."""
    made = Stand(monkeypatch, tmp_path)
    made.actor._intake = Intake()
    return made


def credits_of(stand):
    return [
        (epoch, message.received, message.played)
        for epoch, message in zip(stand.media.epochs, stand.media.sent, strict=True)
        if isinstance(message, wire.Credit)
    ]


def test_the_gate_is_told_what_has_come_and_was_played(far):
    far.speak(epoch=1, periods=10)
    far.play(20)
    told = credits_of(far)
    assert told[0][:2] == (1, 10 * PERIOD)
    assert told[-1] == (1, 10 * PERIOD, 10 * PERIOD)
    assert [played for *_, played in told] == sorted(played for *_, played in told)


def test_whoever_connects_again_says_where_it_is(far):
    far.speak(epoch=3, periods=10)
    far.media.sent.clear()
    far.media.epochs.clear()
    far.actor.on_welcome()
    assert credits_of(far)[-1] == (3, 10 * PERIOD, 0)


def test_a_cut_is_acknowledged_with_its_epoch(far):
    far.speak(epoch=3)
    far.play(5)
    far.take(wire.Flush(), 4)
    assert credits_of(far)[-1][0] == 4


def test_what_the_gate_sends_twice_is_played_once(far):
    whole = bytes(range(1, 201)) * 24
    far.take(wire.SpeechChunk(whole[:2400], position=0), 1)
    far.take(wire.SpeechChunk(whole[1200:], position=600), 1)
    far.take(wire.SpeechEnd(), 1)
    assert whole in far.device.pull(20)


def eager(stand):
    """A device that sounds at once when it is started anew."""
    stand.device.holds_s = 0.16
    stand.play(30)
    return stand


def test_a_reply_after_silence_starts_the_device_anew_as_soon_as_enough_of_it_has_come(stand):
    eager(stand)
    stand.speak(epoch=1, periods=15)
    assert stand.device.calls == []
    stand.speak(epoch=1, periods=1)
    assert stand.device.calls == ["abort"]
    stand.play(16)
    assert samples(stand.device.heard) == 16 * PERIOD


def test_a_short_reply_starts_the_device_anew_when_it_is_complete(stand):
    eager(stand)
    stand.speak(epoch=1, periods=3)
    stand.take(wire.SpeechEnd(), 1)
    assert stand.device.calls == ["abort"]


def test_a_short_reply_without_an_end_starts_the_device_anew_after_a_while(stand):
    eager(stand)
    stand.speak(epoch=1, periods=3)
    stand.play(60)
    assert stand.device.calls == ["abort"]
    assert samples(stand.device.heard) == 3 * PERIOD


def resting(stand):
    eager(stand)
    stand.play(250)
    assert stand.device.calls == ["rest"]
    stand.device.calls.clear()
    return stand


def test_after_a_second_of_silence_the_device_rests_and_another_stream_keeps_it_awake(stand):
    eager(stand)
    stand.play(50)
    assert stand.device.calls == []
    stand.play(100)
    assert stand.device.calls == ["rest"]
    assert not any(stand.silence.pull())


def test_a_reply_wakes_a_device_that_rests_and_it_rests_again_long_after_the_last_sound(stand):
    resting(stand)
    stand.speak(epoch=1, periods=100)
    assert stand.device.calls == ["abort"]
    stand.take(wire.SpeechEnd(), 1)
    stand.play(190)
    assert samples(stand.device.heard) == 100 * PERIOD
    assert stand.device.calls == ["abort"]
    stand.play(60)
    assert stand.device.calls == ["abort", "rest"]
    assert len(stand.opened) == 2


def test_what_comes_after_the_end_of_a_reply_wakes_the_device_too(stand):
    eager(stand)
    stand.speak(epoch=1, periods=20)
    stand.take(wire.SpeechEnd(), 1)
    stand.play(300)
    assert stand.device.calls == ["abort", "rest"]
    stand.speak(epoch=1, periods=20)
    assert stand.device.calls == ["abort", "rest", "abort"]
    stand.play(30)
    assert samples(stand.device.heard) == 40 * PERIOD


def test_a_reply_that_is_cut_leaves_the_device_at_rest_and_the_next_one_wakes_it(stand):
    resting(stand)
    stand.speak(epoch=1, periods=100)
    stand.play(20)
    stand.take(wire.Flush(), 2)
    assert stand.device.calls == ["abort", "rest"]
    stand.speak(epoch=2, periods=100, sample=b"\3\0")
    assert stand.device.calls == ["abort", "rest", "abort"]
    assert not samples(stand.device.pull(20))


def test_a_reply_without_a_sound_does_not_keep_the_next_one_from_waking_the_device(stand):
    resting(stand)
    stand.take(wire.SpeechEnd(), 1)
    stand.play(10)
    stand.speak(epoch=2, periods=20)
    assert stand.device.calls == ["abort"]
    stand.play(20)
    assert samples(stand.device.heard) == 20 * PERIOD


def test_a_device_that_takes_one_stream_only_runs_on(stand):
    stand.takes_one = True
    eager(stand)
    stand.play(600)
    assert stand.device.calls == []
    assert len(stand.opened) == 2


def test_a_device_that_begins_with_silence_never_rests(stand):
    stand.play(600)
    assert stand.device.calls == []


def test_a_device_that_goes_while_it_rests_ends_the_actor_all_the_same(stand):
    resting(stand)
    stand.silence.has_stalled = True
    with pytest.raises(exits.ActorExit, match="lost the loudspeaker"):
        stand.loop.advance(0.3)


def test_a_device_that_ran_dry_is_opened_with_a_longer_buffer_when_the_reply_is_over(stand):
    first = stand.device
    stand.speak(epoch=1, periods=30)
    first.xruns = 3
    stand.play(10)
    assert len(stand.opened) == 1
    stand.take(wire.SpeechEnd(), 1)
    stand.play(60)
    assert (stand.opened[1:], first.calls) == ([("", 24_000, 160)], ["close"])
    health = stand.actor.health()
    assert (health.detail, health.underruns) == ("a horn, holds 160 ms as it ran dry", 3)
    stand.play(100)
    assert len(stand.opened) == 2
