"""Histories of calls: each function runs once and each call is answered once, whatever becomes of the connection."""

import json

import pytest
from google.genai import types
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from actors.model import events
from actors.model.calls import GRACE_S, MAX_ARGS_BYTES, MAX_OPEN, REMEMBER_S, Calls
from actors.wire import CallTool, CancelTool, OfferedTool, ToolKept, ToolResult

OFFER = [
    OfferedTool("clock", '{"name":"clock"}', timeout_s=10.0),
    OfferedTool("nap", '{"name":"nap"}', timeout_s=60.0, is_blocking=False, scheduling="SILENT"),
]


class History:
    """Calls, with the time passed on for them, and what was given to the tools and to the model."""

    def __init__(self, **options):
        self.calls = Calls("s", **options)
        self.calls.offer(OFFER, 100.0)
        self.now = 100.0
        self.given = []
        self.sent = []

    def ask(self, server_id="call-1", name="clock", **args):
        self.calls.asked(server_id, name, args, self.now)
        return self.orders()

    def orders(self):
        orders = self.calls.orders(self.now)
        self.given += [order for order in orders if isinstance(order, CallTool)]
        return orders

    def end(self, number=-1, output='"noon"', error=None):
        """Let the function of a call that was given end."""
        self.calls.came(ToolResult(self.given[number].call, None if error else output, error), self.now)

    def send(self):
        """Send what can be sent; return it."""
        sent = []
        while (answer := self.calls.next_to_send()) is not None:
            self.calls.sent(answer, self.now)
            sent.append(answer.response)
        self.sent += sent
        return sent

    def lose(self):
        self.calls.connection_lost(self.now)
        return self.orders()

    def snapshot(self):
        """A handle is issued and stored."""
        self.calls.keep(self.calls.handle_issued())
        return self.orders()

    def wait(self, seconds):
        self.now += seconds
        self.calls.tick(self.now)
        return self.orders()


def answered(server_id="call-1", name="clock", **content):
    return [{"id": server_id, "name": name, "response": content or {"output": "noon"}}]


def test_a_call_is_given_to_the_tools_and_its_result_to_the_model_once():
    history = History()
    (order,) = history.ask(zone="UTC")
    assert (order.name, json.loads(order.args), order.deadline_s) == ("clock", {"zone": "UTC"}, 10.0)
    history.end()
    assert history.send() == answered()
    assert history.send() == []


def test_an_error_is_an_answer_too():
    history = History()
    history.ask()
    history.end(error="LookupError: x")
    assert history.send() == answered(error="LookupError: x")


def test_calls_without_an_id_are_each_answered_without_one():
    history = History()
    history.ask("")
    history.ask("")
    history.end(0)
    history.end(1, error="x")
    assert history.send() == [
        {"name": "clock", "response": {"output": "noon"}},
        {"name": "clock", "response": {"error": "x"}},
    ]


def test_parallel_calls_are_answered_in_the_order_of_their_ends():
    history = History()
    history.ask("call-1")
    history.ask("call-2")
    history.end(1)
    assert history.send() == answered("call-2")
    history.end(0)
    assert history.send() == answered("call-1")


def test_the_same_arguments_on_one_connection_are_two_calls():
    history = History()
    assert len(history.ask("call-1")) == len(history.ask("call-2")) == 1


def test_a_call_that_arrives_twice_is_one_call():
    history = History()
    history.ask("call-1")
    assert history.ask("call-1") == []


def test_only_an_answer_nobody_waits_for_has_a_scheduling_and_only_where_the_model_knows_it():
    for can_schedule, scheduling in ((True, "SILENT"), (False, None)):
        history = History(can_schedule=can_schedule)
        history.ask("call-1", "nap")
        history.end()
        assert history.send()[0].get("scheduling") == scheduling


@pytest.mark.parametrize(
    ("name", "args", "said"),
    [
        ("other", {}, "there is no tool named other; there are clock, nap"),
        ("clock", {"x": "y" * MAX_ARGS_BYTES}, f"at most {MAX_ARGS_BYTES} are taken"),
        ("clock", {"x": "\ud800"}, "the arguments cannot be read"),
    ],
)
def test_a_call_that_cannot_be_given_is_answered_at_once(name, args, said):
    history = History()
    assert history.ask("call-1", name, **args) == []
    assert said in history.send()[0]["response"]["error"]


def test_too_many_calls_at_once_are_answered_with_an_error():
    history = History()
    for number in range(MAX_OPEN):
        history.ask(f"call-{number}")
    assert history.ask("one more") == []
    assert history.send()[0]["response"]["error"] == f"{MAX_OPEN} calls are running already"


def test_a_cancelled_call_is_ended_and_never_answered():
    history = History()
    history.ask()
    history.calls.cancelled(["call-1", "never heard of"])
    assert history.orders() == [CancelTool(history.given[0].call)]
    history.end()
    assert history.send() == []


def test_tools_that_do_not_answer_are_answered_for_after_their_time():
    history = History()
    history.ask()
    assert history.wait(10.0) == []
    assert history.send() == [], "the tools process has the first word"
    history.wait(GRACE_S)
    assert history.send() == answered(error="clock did not answer within 10 s")
    history.end()
    assert history.send() == [], "too late"


def test_a_tools_process_that_ends_fails_what_it_was_given_and_nothing_else():
    history = History()
    history.ask("call-1")
    history.end()
    history.ask("call-2")
    history.calls.asked("call-3", "clock", {}, history.now)  # the process is away: not given yet
    history.calls.tools_gone(history.now)
    assert [answer["id"] for answer in history.send() if "error" in answer["response"]] == ["call-2"]
    assert len(history.orders()) == 1


def test_a_call_waits_for_a_tools_process_that_is_being_restarted_with_the_time_that_is_left():
    history = History()
    history.calls.asked("call-1", "clock", {}, history.now)
    (order,) = history.wait(4.0)
    assert order.deadline_s == 6.0


def message(**content):
    return types.LiveServerMessage.model_validate(content)


def test_calls_and_cancellations_are_read_from_the_services_messages():
    calls = [{"id": "1", "name": "clock", "args": {"a": [1]}}, {"name": "nap"}, {"id": "3"}]
    assert events.events_of(message(tool_call={"function_calls": calls})) == [
        events.ToolsCalled(
            (events.FunctionCall("1", "clock", {"a": [1]}), events.FunctionCall("", "nap", {}))
        )
    ]
    assert events.events_of(message(tool_call_cancellation={"ids": ["1"]})) == [events.ToolsCancelled(("1",))]


@pytest.mark.parametrize(
    "content", [{"tool_call": {}}, {"tool_call": {"function_calls": []}}, {"tool_call_cancellation": {}}]
)
def test_messages_about_no_call_mean_nothing(content):
    assert events.events_of(message(**content)) == []


# Connections.


def test_a_call_whose_connection_was_lost_runs_on_and_the_same_call_gets_its_result():
    history = History()
    history.ask("call-1", zone="UTC", at=1)
    history.lose()
    history.end()
    assert history.send() == [], "the new connection has not asked"
    assert history.ask("call-7", at=1, zone="UTC") == []
    assert history.send() == answered("call-7")


def test_the_same_call_may_come_before_the_result():
    history = History()
    history.ask("call-1")
    history.lose()
    assert history.ask("call-1") == []
    history.end()
    assert history.send() == answered("call-1")


def test_an_answer_that_no_handle_holds_is_given_again_without_running_the_function_again():
    history = History()
    history.ask("call-1")
    history.end()
    history.send()
    history.lose()
    assert history.ask("call-1") == []
    assert history.send() == answered("call-1")


def test_an_answer_that_a_handle_holds_is_forgotten_and_the_same_call_is_a_new_one():
    history = History()
    history.ask("call-1")
    history.end()
    history.send()
    assert history.snapshot() == [ToolKept(history.given[0].call)]
    history.lose()
    assert len(history.ask("call-1")) == 1


def test_a_call_that_was_open_when_the_handle_was_issued_is_answered_on_the_next_connection_unasked():
    history = History()
    history.ask("call-1", "nap")
    history.snapshot()
    history.lose()
    history.end()
    assert [answer["id"] for answer in history.send()] == ["call-1"]


def test_an_answer_to_a_call_that_was_open_in_the_last_handle_is_sent_again_on_the_next_connection():
    history = History()
    history.ask("call-1", "nap")
    history.snapshot()
    history.end()
    history.send()
    history.lose()
    assert [answer["id"] for answer in history.send()] == ["call-1"]


def test_a_call_that_was_open_in_the_last_handle_and_is_asked_for_again_is_answered_under_its_new_id_too():
    history = History()
    history.ask("call-1", "nap")
    history.snapshot()
    history.lose()
    history.end()
    history.send()
    assert history.ask("call-5", "nap") == []
    assert [answer["id"] for answer in history.send()] == ["call-5"]


def test_an_answer_in_a_handle_that_is_not_stored_yet_is_known_to_the_next_connection():
    history = History()
    history.ask("call-1")
    history.end()
    history.send()
    held = history.calls.handle_issued()
    history.lose()
    assert len(history.ask("call-1")) == 1, "a new wish"
    assert history.send() == []
    history.calls.keep(held)
    assert history.orders() == [ToolKept(history.given[0].call)]


def test_an_answer_in_the_newest_handle_is_not_sent_again_though_an_older_handle_had_its_call_open():
    history = History()
    history.ask("call-1", "nap")
    history.snapshot()
    history.end()
    history.send()
    history.calls.handle_issued()
    history.lose()
    assert history.send() == []


def test_a_conversation_that_starts_afresh_knows_no_open_call():
    history = History()
    history.ask("call-1", "nap")
    history.snapshot()
    history.lose()
    history.calls.afresh(history.now)
    history.end()
    assert history.send() == []
    assert history.ask("call-1", "nap") == []
    assert [answer["id"] for answer in history.send()] == ["call-1"]


def test_other_arguments_are_another_call():
    history = History()
    history.ask("call-1", zone="UTC")
    history.lose()
    assert len(history.ask("call-1", zone="CET")) == 1


def test_a_result_is_used_for_one_call_only():
    history = History()
    history.ask("call-1")
    history.end()
    history.lose()
    assert history.ask("call-1") == []
    assert len(history.ask("call-2")) == 1


def test_a_result_nobody_asks_for_again_is_forgotten_after_a_minute():
    history = History()
    history.ask("call-1")
    history.end()
    history.lose()
    assert history.wait(REMEMBER_S) == []
    assert history.wait(1.0) == [ToolKept(history.given[0].call)]
    assert len(history.ask("call-1")) == 1


def test_an_answer_of_a_service_without_handles_is_forgotten_after_a_minute():
    history = History()
    history.ask("call-1")
    history.end()
    history.send()
    assert history.wait(REMEMBER_S + 1) == [ToolKept(history.given[0].call)]


def test_a_call_that_was_refused_is_not_remembered():
    history = History()
    history.ask("call-1", "later")
    history.send()
    history.lose()
    history.calls.offer([*OFFER, OfferedTool("later", "{}")], history.now)
    assert len(history.ask("call-1", "later")) == 1


def test_a_new_session_takes_over_what_an_earlier_one_asked_for():
    before, after = History(), History()
    (order,) = before.ask("call-1", at=1)
    after.calls.adopt(order, after.now)
    assert after.orders() == []
    after.calls.came(ToolResult(order.call, '"noon"'), after.now)
    assert after.send() == []
    assert after.ask("call-1", at=1) == []
    assert after.send() == answered("call-1")
    assert after.snapshot() == [ToolKept(order.call)]


def reborn(begun):
    """A new session that is told what the last one had given to the tools, before the tools say anything."""
    after = History()
    after.calls.offered = {}
    after.calls.resume(begun, after.now)
    return after


def test_what_the_session_and_the_tools_process_died_over_is_not_run_again():
    before = History()
    (order,) = before.ask("call-1", at=1)
    after = reborn(before.calls.begun)
    assert after.ask("call-2", at=1) == []  # the model, resumed, asks before the tools are there
    assert after.send() == []
    after.calls.offer(OFFER, after.now)
    (answer,) = after.send()
    assert "ended before it answered" in answer["response"]["error"]
    assert after.ask("call-3", at=2) != []
    assert order.call in after.calls.begun


def test_a_tools_process_that_lives_says_what_it_knows_before_it_offers_anything():
    before = History()
    (order,) = before.ask("call-1", at=1)
    after = reborn(before.calls.begun)
    after.calls.adopt(order, after.now)
    after.calls.came(ToolResult(order.call, '"noon"'), after.now)
    after.calls.offer(OFFER, after.now)
    assert after.ask("call-1", at=1) == []
    assert after.send() == answered("call-1")


def test_a_call_that_a_stored_handle_holds_is_not_told_to_a_new_session():
    history = History()
    (order,) = history.ask("call-1", at=1)
    history.end()
    history.send()
    assert [*history.calls.begun] == [order.call]
    history.snapshot()
    assert history.calls.begun == {}


def test_what_is_unsettled_is_known_until_a_handle_holds_it():
    history = History()
    assert not history.calls.has_unsettled
    history.ask()
    assert history.calls.has_unsettled
    history.end()
    history.send()
    assert history.calls.has_unsettled
    history.snapshot()
    assert not history.calls.has_unsettled


class Service(RuleBasedStateMachine):
    """A service that knows exactly what its last handle held and asks again for the rest, over any number of connections."""

    wanted = Bundle("wanted")

    def __init__(self):
        super().__init__()
        self.history = History()
        self.next_number = 1
        self.context = {}
        """Wish -> its answer, as the live context has it."""
        self.handle = {}
        self.open = {}
        """Server id -> wish, on this connection."""
        self.runs = {}

    def give(self):
        for order in self.history.orders():
            if isinstance(order, CallTool):
                wish = json.loads(order.args)["wish"]
                self.runs[wish] = self.runs.get(wish, 0) + 1

    def ask(self, wish):
        self.open[f"call-{len(self.open) + 1}"] = wish
        self.history.calls.asked(f"call-{len(self.open)}", "clock", {"wish": wish}, self.history.now)
        self.give()

    @rule(target=wanted)
    def the_model_wants_something(self):
        self.next_number += 1
        self.ask(self.next_number)
        return self.next_number

    @rule(wish=consumes(wanted))
    def a_function_ends(self, wish):
        for order in self.history.given:
            if json.loads(order.args)["wish"] == wish:
                self.history.calls.came(ToolResult(order.call, str(wish)), self.history.now)

    @rule()
    def answers_are_sent(self):
        for answer in self.history.send():
            wish = self.open[answer["id"]]
            assert answer["response"] == {"output": wish}
            assert wish not in self.context, "answered twice"
            self.context[wish] = answer["response"]

    @rule()
    def a_handle_is_issued_when_nothing_is_open(self):
        if all(wish in self.context for wish in self.open.values()):
            self.handle = dict(self.context)
            self.history.calls.keep(self.history.calls.handle_issued())

    @rule(seconds=st.floats(0, 0.1))
    def time_passes(self, seconds):
        self.history.now += seconds
        self.history.calls.tick(self.history.now)

    @rule()
    def the_connection_is_lost_and_resumed(self):
        again = [wish for wish in self.open.values() if wish not in self.handle]
        self.history.calls.connection_lost(self.history.now)
        self.open, self.context = {}, dict(self.handle)
        for wish in again:
            self.ask(wish)

    @invariant()
    def every_function_has_run_once(self):
        assert all(runs == 1 for runs in self.runs.values())


TestHistoriesOfAnyShape = Service.TestCase
TestHistoriesOfAnyShape.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
