"""The coordinator over real sockets: state, presence, and whose the terminal is."""

import pytest
from fakes import FakeNotifier, Ray, spec_of

from actors import wire
from actors.coordinator.actor import PING_S, YIELD_WITHIN_S, CoordinatorActor

HANDLE = wire.Resumption("handle", {"keyboard": 3})


class Star:
    """A coordinator and whoever joins it."""

    def __init__(self, loop, run_dir):
        self.loop = loop
        self.run_dir = run_dir
        self.notifier = FakeNotifier()
        self.actor = CoordinatorActor(spec_of("coordinator", run_dir), loop, self.notifier)
        self.actor.start()
        loop.to_close.append(self.actor.hub)

    def join(self, kind, name=""):
        ray = Ray(self.loop, self.actor.spec.control_address, name or kind, kind)
        self.until(lambda: ray.of(wire.Snapshot), f"{kind} has been told the state")
        return ray

    def until(self, condition, what):
        return self.loop.until(condition, what)

    def ask(self, ray, question):
        """Send a question and return its answer."""
        before = len(ray.of(wire.StateValue) + ray.of(wire.Refused))
        assert ray.link.send(question)
        answers = lambda: ray.of(wire.StateValue) + ray.of(wire.Refused)  # noqa: E731 - asked again and again
        self.until(lambda: len(answers()) > before, f"{question} is answered")
        return next(answer for answer in answers() if answer.request == question.request)

    def settle(self, *rays):
        """Return when everything sent before has been handled."""
        for number, ray in enumerate(rays):
            self.ask(ray, wire.GetState(1000 + number, "epoch"))

    def dies(self, ray):
        ray.link.close()
        gone = len(self.actor.hub.peers) - 1

        def noticed():
            self.loop.skip(PING_S)
            return len(self.actor.hub.peers) == gone

        self.until(noticed, "the death is noticed")
        self.loop.run_once(0.0)

    @property
    def mode(self):
        return self.actor.conversation.state.console_mode


@pytest.fixture
def star(loop, short_dir):
    return Star(loop, short_dir)


def test_whoever_joins_is_told_the_state_and_who_is_there(star):
    mic = star.join("mic")
    console = star.join("console")
    star.settle(mic)
    assert mic.of(wire.Snapshot) == [wire.Snapshot(0, wire.ConversationState())]
    assert console.of(wire.Present) == [wire.Present("mic", "mic", here=True)]
    assert mic.of(wire.Present) == [wire.Present("console", "console", here=True)]


def test_a_value_that_is_set_is_confirmed_told_to_everybody_and_got(star):
    mic, console = star.join("mic"), star.join("console")
    assert star.ask(mic, wire.SetState(1, "muted", True)) == wire.StateValue(1, "muted", True, 1)
    assert star.ask(console, wire.GetState(2, "muted")) == wire.StateValue(2, "muted", True, 1)
    assert mic.of(wire.Changed) == console.of(wire.Changed) == [wire.Changed(1, "muted", True)]


def test_a_snapshot_and_the_changes_after_it_make_the_state_without_a_gap(star):
    mic = star.join("mic")
    star.ask(mic, wire.SetState(1, "epoch", 7))
    late = star.join("console")
    star.ask(mic, wire.SetState(2, "epoch", 8))
    star.settle(late)
    assert (late.of(wire.Snapshot)[0].version, late.of(wire.Snapshot)[0].state.epoch) == (1, 7)
    assert late.of(wire.Changed) == [wire.Changed(2, "epoch", 8)]


def test_a_refusal_says_why_in_words_for_a_user(star):
    mic = star.join("mic")
    answer = star.ask(mic, wire.SetState(1, "console_mode", "nobody"))
    assert answer == wire.Refused(1, "console_mode cannot be 'nobody': Invalid enum value 'nobody'")


def test_a_lost_race_is_refused(star):
    mic, console = star.join("mic"), star.join("console")
    star.ask(mic, wire.SetState(1, "epoch", 1))
    assert star.ask(console, wire.SetState(2, "epoch", 2, if_version=0)).reason == (
        "epoch changed since version 0 (at 1)"
    )


def test_the_resumption_handle_is_only_for_the_session(star):
    session, mic = star.join("session"), star.join("mic")
    star.ask(session, wire.SetState(1, "resumption", HANDLE))
    assert star.ask(mic, wire.GetState(2, "resumption")) == wire.Refused(
        2, "resumption is not for this actor"
    )
    assert star.ask(session, wire.GetState(3, "resumption")).value == HANDLE
    assert mic.of(wire.Changed) == []


def test_nobody_but_the_session_can_set_the_resumption_handle(star):
    mic = star.join("mic")
    refused = star.ask(mic, wire.SetState(1, "resumption", wire.Resumption("stolen")))
    assert refused == wire.Refused(1, "resumption is not for this actor")
    assert star.actor.conversation.state.resumption == wire.Resumption()


def test_the_end_is_told_to_the_supervisor_and_cannot_be_taken_back(star):
    mic = star.join("mic")
    star.ask(mic, wire.SetState(1, "terminated", True))
    refused = star.ask(mic, wire.SetState(2, "terminated", False))
    assert refused == wire.Refused(2, "terminated cannot be taken back: the conversation is ending")
    assert star.notifier.of("ended") == ["the conversation was ended"]


def test_a_restarted_coordinator_goes_on_where_it_was(star, loop, short_dir):
    session = star.join("session")
    star.ask(session, wire.SetState(1, "epoch", 5))
    star.ask(session, wire.SetState(2, "resumption", HANDLE))
    star.actor.hub.close()

    again = Star(loop, short_dir)
    loop.until(lambda: len(session.of(wire.Snapshot)) == 2, "the session is told the state again")
    assert session.of(wire.Snapshot)[1] == wire.Snapshot(
        2, wire.ConversationState(epoch=5, resumption=HANDLE)
    )
    assert again.ask(session, wire.SetState(3, "epoch", 6)).version == 3


def test_after_the_coordinators_own_restart_nobody_has_been_away(star, loop, short_dir):
    console, mic = star.join("console"), star.join("mic")
    star.actor.hub.close()
    again = Star(loop, short_dir)
    loop.until(lambda: len(again.actor.hub.peers) == 2, "both are known again")
    again.settle(console, mic)
    assert not any(present.again for present in console.of(wire.Present) + mic.of(wire.Present))
    restarted = again.join("mic")
    again.settle(console, restarted)
    assert console.of(wire.Present)[-1] == wire.Present("mic", "mic", here=True, again=True)


def test_an_ended_conversation_is_ended_by_a_restarted_coordinator_too(star, loop, short_dir):
    star.ask(star.join("keyboard"), wire.SetState(1, "terminated", True))
    star.actor.hub.close()
    assert Star(loop, short_dir).notifier.of("ended") == ["the conversation was ended"]


def test_who_comes_again_is_said_to_be_here_again_and_after_having_gone(star):
    console, mic = star.join("console"), star.join("mic")
    again = star.join("mic")
    star.settle(console, again)
    mic.link.close()
    assert console.of(wire.Present) == [
        wire.Present("mic", "mic", here=True),
        wire.Present("mic", "mic", here=False),
        wire.Present("mic", "mic", here=True, again=True),
    ]


def test_who_dies_is_said_to_be_gone(star):
    console, mic = star.join("console"), star.join("mic")
    star.dies(mic)
    star.settle(console)
    assert console.of(wire.Present)[-1] == wire.Present("mic", "mic", here=False)


def test_a_command_in_passing_is_no_actor(star):
    console = star.join("console")
    command = star.join("cli", "cli-1")
    assert star.ask(command, wire.SetState(1, "muted", True)).value is True
    star.dies(command)
    star.settle(console)
    assert console.of(wire.Present) == []


def test_an_actor_that_is_gone_before_its_hello_is_read_harms_nobody(star, loop):
    console, former = star.join("console"), star.join("mic")
    route = next(route for route, peer in star.actor.hub.peers.items() if peer.name == "mic")
    former.link.send(wire.Hello("mic", 1))
    latter = Ray(loop, star.actor.spec.control_address, "mic", "mic")
    star.until(
        lambda: route not in star.actor.hub.peers and latter.of(wire.Snapshot), "the new one took its place"
    )
    star.actor._greet(route)
    star.settle(console, latter)


# Whose the terminal is.


def test_the_keyboard_clears_its_line_before_the_console_writes(star):
    keyboard, console = star.join("keyboard"), star.join("console")
    console.link.send(wire.SetState(1, "console_mode", "assistant"))
    star.until(lambda: keyboard.of(wire.Yield), "the keyboard is asked")
    star.settle(console)
    assert (star.mode, len(console.of(wire.StateValue))) == ("input", 1)
    keyboard.link.send(wire.Yielded(keyboard.of(wire.Yield)[0].request))
    star.until(lambda: len(console.of(wire.StateValue)) == 2, "the console is told")
    assert star.mode == "assistant"


def test_from_user_to_assistant_the_keyboard_is_not_asked(star):
    keyboard, console = star.join("keyboard"), star.join("console")
    star.actor.conversation.change("console_mode", "user")
    star.ask(console, wire.SetState(1, "console_mode", "assistant"))
    assert keyboard.of(wire.Yield) == []


def test_without_a_keyboard_the_console_gets_the_terminal_at_once(star):
    star.ask(star.join("console"), wire.SetState(1, "console_mode", "assistant"))
    assert star.mode == "assistant"


def test_a_keyboard_that_hangs_keeps_nothing_off_the_screen_and_its_late_word_changes_nothing(star, loop):
    keyboard, console = star.join("keyboard"), star.join("console")
    console.link.send(wire.SetState(1, "console_mode", "assistant"))
    star.until(lambda: keyboard.of(wire.Yield), "the keyboard is asked")
    loop.skip(YIELD_WITHIN_S)
    star.until(lambda: console.of(wire.StateValue), "the console goes on")
    assert star.actor.counters.dropped == {"yield_late": 1}
    star.ask(console, wire.SetState(2, "console_mode", "input"))
    keyboard.link.send(wire.Yielded(keyboard.of(wire.Yield)[0].request))
    star.settle(keyboard)
    assert star.mode == "input"


def test_a_keyboard_that_dies_while_it_is_asked_holds_up_nobody(star):
    keyboard, console = star.join("keyboard"), star.join("console")
    console.link.send(wire.SetState(1, "console_mode", "assistant"))
    star.until(lambda: keyboard.of(wire.Yield), "the keyboard is asked")
    keyboard.link.close()
    star.until(lambda: star.loop.skip(0.1) or console.of(wire.StateValue), "the console goes on")
    assert star.mode == "assistant"


def test_a_console_that_dies_gives_the_terminal_back(star):
    keyboard, console = star.join("keyboard"), star.join("console")
    star.actor.conversation.change("console_mode", "assistant")
    star.dies(console)
    star.settle(keyboard)
    assert (star.mode, keyboard.of(wire.Changed)[-1].value) == ("input", "input")


def test_a_console_that_is_back_before_its_death_was_noticed_begins_without_the_terminal(star):
    star.join("console")
    star.ask(star.join("cli", "cli-1"), wire.SetState(1, "console_mode", "assistant"))
    again = star.join("console")
    assert star.mode == "input"
    assert again.of(wire.Snapshot)[0].state.console_mode == "input"


def test_a_console_that_dies_while_it_waits_for_the_terminal_never_gets_it(star, loop):
    keyboard, console = star.join("keyboard"), star.join("console")
    console.link.send(wire.SetState(1, "console_mode", "assistant"))
    star.until(lambda: keyboard.of(wire.Yield), "the keyboard is asked")
    console.link.close()
    star.until(lambda: star.actor.hub.ping_all() or not star.actor.hub.has("console"), "its death is noticed")
    loop.run_once(0.0)
    keyboard.link.send(wire.Yielded(keyboard.of(wire.Yield)[0].request))
    star.settle(keyboard)
    loop.skip(YIELD_WITHIN_S)
    assert star.mode == "input"


def test_wishes_for_the_terminal_are_granted_in_the_order_in_which_they_came(star):
    keyboard, console = star.join("keyboard"), star.join("console")
    console.link.send(wire.SetState(1, "console_mode", "assistant"))
    console.link.send(wire.SetState(2, "console_mode", "input"))
    star.until(lambda: len(console.of(wire.StateValue)) == 2, "both are answered")
    keyboard.link.send(wire.Yielded(keyboard.of(wire.Yield)[0].request))
    star.settle(keyboard)
    assert star.mode == "input"


# Notices.


def test_a_notice_is_shown_by_consoles_only(star):
    console, mic, speaker = star.join("console"), star.join("mic"), star.join("speaker")
    mic.link.send(wire.Notice("no microphone"))
    star.settle(mic, speaker, console)
    assert (len(console.of(wire.Notice)), speaker.of(wire.Notice)) == (1, [])


def test_a_notice_waits_for_a_console(star):
    mic = star.join("mic")
    mic.link.send(wire.Notice("no microphone"))
    star.settle(mic)
    console = star.join("console")
    assert console.of(wire.Notice) == [wire.Notice("no microphone")]
    assert star.join("console", "second").of(wire.Notice) == []


def test_a_program_is_told_what_a_console_is_and_what_was_said_before_it_came(star):
    mic, early = star.join("mic"), star.join("api", "early")
    mic.link.send(wire.Notice("no microphone"))
    star.settle(mic, early)
    late, console = star.join("api", "late"), star.join("console")
    assert [peer.of(wire.Notice) for peer in (early, late, console)] == [[wire.Notice("no microphone")]] * 3


def test_the_same_notice_again_is_not_shown_again(star):
    console, mic = star.join("console"), star.join("mic")
    for text in ("no microphone", "no microphone", "found", "no microphone"):
        mic.link.send(wire.Notice(text))
    star.settle(mic, console)
    assert [notice.text for notice in console.of(wire.Notice)] == ["no microphone", "found", "no microphone"]


def test_a_disk_that_is_full_costs_the_memory_and_not_the_conversation(star, short_dir):
    mic = star.join("mic")
    (short_dir / "conversation.new").mkdir()
    assert star.ask(mic, wire.SetState(1, "muted", True)).value is True
    assert star.actor.counters.dropped == {"not_saved": 1}


def test_a_message_that_is_not_for_it_is_counted(star):
    mic = star.join("mic")
    mic.link.send(wire.Flush())
    star.settle(mic)
    assert star.actor.counters.dropped == {"unexpected": 1}
