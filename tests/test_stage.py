"""The reply on its way out: who gets what, when the microphone may listen, and what the screen shows of a cut."""

from types import SimpleNamespace

import pytest
from fakes import FakeLoop

from actors import wire
from actors.model import events
from actors.model.stage import HEARD_WITHIN_S, Stage
from actors.runtime.inbox import Counters
from actors.settings import SessionTable

LINE = wire.LineId("keyboard", 1)
SPEAKER, OTHER, CONSOLE = b"speaker", b"other", b"console"
DELAY_S = 0.5
PCM = b"\1\0" * 240


class FakeHub:
    """Remembers what each peer got."""

    def __init__(self):
        self.peers = {}
        self.got = []

    def join(self, route, kind):
        self.peers[route] = SimpleNamespace(kind=kind)

    def send(self, route, message, epoch=0):
        self.got.append((route, message, epoch))
        return True

    def broadcast(self, message, epoch=0, kinds=None):
        routes = [route for route, peer in self.peers.items() if kinds is None or peer.kind in kinds]
        for route in routes:
            self.send(route, message, epoch)
        return len(routes)

    def has(self, kind):
        return any(peer.kind == kind for peer in self.peers.values())

    def of(self, route, *kinds):
        return [message for to, message, _ in self.got if to == route and isinstance(message, kinds)]

    def epochs(self, kind):
        return [epoch for _, message, epoch in self.got if isinstance(message, kind)]


class FakeControl:
    """The shared state as the stage sets it."""

    def __init__(self):
        self.values = {}

    def set(self, key, value):
        self.values[key] = value


class Play:
    """A stage with one speaker and one console before it."""

    def __init__(self, duplex="half"):
        self.hub, self.loop, self.control, self.counters = FakeHub(), FakeLoop(), FakeControl(), Counters()
        self.told = []
        table = SessionTable(duplex=duplex, post_output_audio_delay=DELAY_S)
        self.stage = Stage(
            self.hub,
            self.loop,
            self.control,
            self.counters,
            table,
            lambda line, what: self.told.append((line, what)),
        )
        self.hub.join(SPEAKER, "speaker")
        self.hub.join(CONSOLE, "console")

    def speak(self, text="hi"):
        self.stage.play(events.Said(text))
        self.stage.play(events.Audio(PCM, 24_000))

    def speak_all(self):
        self.speak()
        self.stage.whole()
        self.stage.turn_over(LINE)

    def is_done(self, epoch, route=SPEAKER, ms=10):
        self.stage.heard(route, epoch, wire.Heard(ms, is_done=True))

    @property
    def is_streaming(self):
        return self.control.values.get("is_streaming_output", False)

    @property
    def is_gated(self):
        return self.stage.is_gated(int(self.loop.now() * 1e9))

    def shown(self):
        return self.hub.of(CONSOLE, wire.OutputText, wire.Interrupted, wire.TextComplete, wire.Notice)


@pytest.fixture
def play():
    return Play()


def test_the_first_audio_of_a_reply_shuts_the_microphone_and_text_alone_does_not(play):
    play.stage.play(events.Said("hi"))
    assert (play.is_streaming, play.is_gated) == (False, False)
    play.stage.play(events.Audio(PCM, 24_000))
    assert (play.is_streaming, play.is_gated) == (True, True)


@pytest.mark.parametrize("duplex", ["headset", "full"])
def test_in_other_modes_than_half_duplex_the_microphone_stays_open(duplex):
    play = Play(duplex)
    play.speak()
    assert (play.is_streaming, play.is_gated) == (True, False)


def test_the_microphone_opens_a_delay_after_the_last_sample_was_heard_not_sent(play):
    play.speak_all()
    play.loop.advance(60)
    assert play.is_streaming
    play.is_done(epoch=1)
    play.loop.advance(DELAY_S - 0.01)
    assert play.is_streaming
    play.loop.advance(0.02)
    assert not play.is_streaming


def test_it_waits_for_every_speaker(play):
    play.hub.join(OTHER, "speaker")
    play.speak_all()
    play.is_done(epoch=1)
    play.loop.advance(10)
    assert play.is_streaming
    play.is_done(epoch=1, route=OTHER)
    play.loop.advance(DELAY_S)
    assert not play.is_streaming


def test_a_speaker_that_is_gone_has_nothing_left_to_play(play):
    play.speak_all()
    play.stage.left(SPEAKER)
    play.loop.advance(DELAY_S)
    assert not play.is_streaming


def test_without_a_speaker_a_reply_is_heard_when_it_is_whole(play):
    del play.hub.peers[SPEAKER]
    play.speak()
    play.loop.advance(10)
    assert play.is_streaming
    play.stage.whole()
    play.loop.advance(DELAY_S)
    assert not play.is_streaming


def test_a_new_reply_within_the_delay_keeps_the_microphone_shut(play):
    play.speak_all()
    play.is_done(epoch=1)
    play.loop.advance(DELAY_S / 2)
    play.speak()
    play.loop.advance(10)
    assert play.is_streaming


def test_a_line_is_answered_when_its_reply_was_heard(play):
    play.speak_all()
    assert play.told == []
    play.is_done(epoch=1)
    assert play.told == [(LINE, wire.LineAnswered(LINE))]


def test_a_cut_reaches_the_speakers_first_with_the_epoch_that_is_valid_from_now_on(play):
    play.speak()
    before = len(play.hub.got)
    play.stage.cut(by_user=False)
    assert play.hub.got[before] == (SPEAKER, wire.Flush(), 2)
    assert play.control.values["epoch"] == 2


def test_after_a_cut_the_microphone_opens_after_the_delay_without_waiting_for_any_speaker(play):
    play.speak()
    play.stage.cut(by_user=False)
    play.loop.advance(DELAY_S)
    assert not play.is_streaming


def test_the_rest_of_a_reply_cut_by_the_user_is_dropped_and_counted_until_its_turn_is_over(play):
    play.speak()
    play.stage.cut(by_user=True)
    play.speak("rest")
    assert play.counters.dropped == {"cut_by_user": 2}
    play.stage.turn_over(None)
    play.speak("next")
    assert play.hub.epochs(wire.SpeechChunk) == [1, 3]


def test_a_cut_of_nothing_is_nothing(play):
    play.stage.cut(by_user=True)
    assert (play.hub.got, play.control.values) == ([], {})


def test_a_reply_that_is_whole_but_still_heard_can_be_cut(play):
    play.speak_all()
    play.stage.cut(by_user=True)
    assert play.hub.epochs(wire.Flush) == [2]
    play.speak("next")
    assert play.counters.dropped == {}


def test_the_screen_says_how_much_was_heard_and_shows_what_follows_behind_it(play):
    play.speak("what was")
    play.stage.cut(by_user=False)
    play.stage.turn_over(None)
    assert play.shown() == [wire.OutputText("what was")]
    play.is_done(epoch=1, ms=740)
    assert play.shown()[1:] == [wire.Interrupted(740), wire.TextComplete()]


def test_a_speaker_that_hangs_keeps_the_mark_of_the_cut_off_the_screen_for_a_moment_only(play):
    play.speak()
    play.stage.cut(by_user=False)
    play.loop.advance(HEARD_WITHIN_S)
    assert play.shown()[-1] == wire.Interrupted(None)
    play.is_done(epoch=1, ms=740)
    assert play.hub.of(CONSOLE, wire.Interrupted) == [wire.Interrupted(None)]


def test_a_report_about_the_reply_before_does_not_end_this_one(play):
    play.speak_all()
    play.is_done(epoch=1)
    play.speak()
    play.stage.whole()
    play.is_done(epoch=1)
    play.loop.advance(10)
    assert play.is_streaming


def test_a_broken_connection_ends_the_reply_and_what_has_come_is_played(play):
    play.speak()
    play.stage.broken_off()
    assert play.hub.of(SPEAKER, wire.SpeechEnd, wire.Flush) == [wire.SpeechEnd()]
    assert play.is_streaming
    play.is_done(epoch=1)
    play.loop.advance(DELAY_S)
    assert not play.is_streaming


def test_a_restarted_session_keeps_the_microphone_shut_while_the_speaker_plays_what_the_one_before_gave(play):
    play.stage.resume(wire.ConversationState(epoch=4, is_streaming_output=True))
    for _ in range(20):
        play.stage.heard(SPEAKER, 4, wire.Heard(100, is_done=False))
        play.loop.advance(0.2)
        assert play.is_gated
    play.is_done(epoch=4)
    play.loop.advance(DELAY_S)
    assert not play.is_gated


def test_a_restarted_session_whose_speakers_are_silent_opens_the_microphone(play):
    play.stage.resume(wire.ConversationState(epoch=4, is_streaming_output=True))
    play.loop.advance(DELAY_S)
    assert not play.is_gated


@pytest.mark.parametrize("told_before", [True, False])
def test_a_speaker_that_has_seen_newer_epochs_than_the_coordinator_raises_ours(play, told_before):
    """Otherwise it would drop every reply of this session as stale."""
    if told_before:
        play.stage.heard(SPEAKER, 9, wire.Heard(0, is_done=False))
    play.stage.resume(wire.ConversationState(epoch=4))
    if not told_before:
        play.stage.heard(SPEAKER, 9, wire.Heard(0, is_done=False))
    play.speak()
    assert play.hub.epochs(wire.SpeechChunk)[0] > 9


def test_audio_of_another_rate_is_counted_and_not_played_too_fast(play):
    play.stage.play(events.Audio(PCM, 48_000))
    assert (play.counters.dropped, play.hub.of(SPEAKER, wire.SpeechChunk)) == ({"rate_48000": 1}, [])


def test_a_long_slice_is_cut_into_frames_that_fit_and_nothing_is_lost(play):
    pcm = bytes(range(256)) * 4096
    play.stage.play(events.Audio(pcm, 24_000))
    chunks = play.hub.of(SPEAKER, wire.SpeechChunk)
    assert max(len(chunk.pcm_24k) for chunk in chunks) <= wire.MAX_PCM_BYTES
    assert b"".join(chunk.pcm_24k for chunk in chunks) == pcm


def test_a_console_that_is_being_restarted_gets_what_it_missed_once(play):
    del play.hub.peers[CONSOLE]
    play.stage.play(events.Said("missed"))
    for _ in range(2):
        play.hub.join(CONSOLE, "console")
        play.stage.arrived(CONSOLE, "console")
    assert play.shown() == [wire.OutputText("missed")]


def test_only_the_first_audio_of_a_reply_tells_when_the_voice_ended_that_it_answers(play):
    ended_ns = iter((99, 98))
    for _ in range(2):
        for event in (events.Said("hi"), events.Audio(PCM, 24_000), events.Audio(PCM, 24_000)):
            play.stage.play(event, lambda: next(ended_ns))
        play.stage.turn_over(None)
    assert [chunk.voice_ended_ns for chunk in play.hub.of(SPEAKER, wire.SpeechChunk)] == [99, 0, 98, 0]


LISTENER = b"listener"


def test_a_listener_gets_what_consoles_and_speakers_get_and_is_waited_for(play):
    play.hub.join(LISTENER, "listener")
    play.speak_all()
    assert play.hub.of(LISTENER, wire.OutputText, wire.SpeechChunk, wire.TextComplete)
    play.is_done(epoch=1)
    play.loop.advance(10)
    assert play.is_streaming
    play.is_done(epoch=1, route=LISTENER)
    play.loop.advance(DELAY_S + 0.01)
    assert not play.is_streaming


def test_a_listener_alone_gets_what_was_said_before_it_came_and_a_console_its_own_copy():
    play = Play()
    play.hub.peers.clear()
    play.stage.show(wire.OutputText("early"))
    for route, kind in ((LISTENER, "listener"), (CONSOLE, "console")):
        play.hub.join(route, kind)
        play.stage.arrived(route, kind)
    assert play.hub.of(LISTENER, wire.OutputText) == play.hub.of(CONSOLE, wire.OutputText)
    assert play.hub.of(LISTENER, wire.OutputText) == [wire.OutputText("early")]


def test_how_much_was_heard_of_a_cut_reply_is_the_loudspeakers_word_not_the_listeners_estimate(play):
    play.hub.join(LISTENER, "listener")
    play.speak()
    play.stage.cut(by_user=True)
    play.is_done(epoch=1, route=LISTENER, ms=999)
    play.is_done(epoch=1, ms=120)
    assert play.hub.of(CONSOLE, wire.Interrupted) == [wire.Interrupted(120)]


def test_without_a_loudspeaker_the_listeners_estimate_counts():
    play = Play()
    play.hub.peers.pop(SPEAKER)
    play.hub.join(LISTENER, "listener")
    play.speak()
    play.stage.cut(by_user=True)
    play.is_done(epoch=1, route=LISTENER, ms=999)
    assert play.hub.of(CONSOLE, wire.Interrupted) == [wire.Interrupted(999)]
