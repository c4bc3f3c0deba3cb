"""No typed line is lost and none is said twice, whatever is lost, cut or crossed on the way."""

from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actors.model.ledger import (
    HANDLE_WITHIN_S,
    MAX_LINES,
    MAX_PICTURE_BYTES,
    PATIENCE_S,
    Ledger,
    Line,
    holds_lines,
)
from actors.wire import LineId, Resumption

NEW = Resumption()


def line(number, origin="keyboard"):
    return Line(LineId(origin, number), f"line {number}")


def with_lines(*numbers):
    ledger = Ledger()
    for number in numbers:
        assert ledger.accept(line(number))
    return ledger


def send_next(ledger, now=0.0):
    due = ledger.next_to_send(now)
    assert due is not None
    ledger.sent(now)
    return due.id.number


def answer(ledger, now=0.0):
    ledger.answered(now)
    return ledger.turn_over(now)


def numbers(lines):
    return [one.id.number for one in lines]


# One rule at a time.


def test_pictures_of_all_lines_that_are_not_kept_count_against_what_can_be_taken():
    ledger = Ledger()
    heavy = bytes(MAX_PICTURE_BYTES // 2)
    for number in (1, 2):
        assert not ledger.is_full
        ledger.accept(Line(LineId("keyboard", number), "look", picture=heavy))
        send_next(ledger, 10.0 * number)
    assert ledger.is_full
    answer(ledger)
    ledger.keep(ledger.handle_issued())
    assert not ledger.is_full


def test_a_line_is_sent_and_the_next_one_waits_for_the_first_word_of_its_answer():
    ledger = with_lines(1, 2)
    assert send_next(ledger) == 1
    assert ledger.next_to_send(0.0) is None
    ledger.answered(0.1)
    assert send_next(ledger) == 2


def test_a_model_that_says_nothing_holds_up_the_next_line_for_a_limited_time():
    ledger = with_lines(1, 2)
    send_next(ledger)
    assert ledger.next_to_send(PATIENCE_S - 0.1) is None
    assert ledger.next_to_send(PATIENCE_S) == line(2)


def test_a_line_is_kept_once_a_handle_that_came_after_its_turn_is_stored():
    ledger = with_lines(1)
    send_next(ledger)
    assert ledger.handle_issued() == []
    answer(ledger)
    held = ledger.handle_issued()
    assert numbers(held) == [1]
    assert ledger.kept == {}
    ledger.keep(held)
    assert ledger.kept == {"keyboard": 1}
    assert not ledger.has_unsettled


def test_a_kept_line_that_is_offered_again_is_refused():
    ledger = Ledger()
    ledger.resume(Resumption("handle", {"keyboard": 3}))
    assert not ledger.accept(line(3))
    assert ledger.accept(line(4))
    assert ledger.accept(line(3, origin="another"))


def test_a_line_on_its_way_that_is_offered_again_is_taken_once():
    ledger = with_lines(1, 1)
    send_next(ledger)
    assert ledger.accept(line(1))
    answer(ledger)
    assert ledger.accept(line(1))
    ledger.handle_issued()
    assert ledger.accept(line(1))
    assert ledger.next_to_send(99.0) is None


def test_what_came_before_the_memory_is_found_to_be_kept_when_the_memory_comes():
    ledger = with_lines(1, 2, 3)
    assert numbers(ledger.resume(Resumption("handle", {"keyboard": 2}))) == [1, 2]
    assert send_next(ledger) == 3


def test_when_the_connection_is_lost_what_no_snapshot_holds_is_sent_again_in_order():
    ledger = with_lines(1, 2, 3, 4)
    send_next(ledger)
    answer(ledger)
    send_next(ledger)
    ledger.answered(0.0)
    send_next(ledger)
    ledger.connection_lost()
    sent = []
    while ledger.next_to_send(99.0) is not None:
        sent.append(send_next(ledger, 99.0))
        answer(ledger)
    assert sent == [1, 2, 3, 4]


def test_a_line_in_the_newest_snapshot_is_not_sent_again_though_that_is_not_stored_yet():
    ledger = with_lines(1, 2)
    send_next(ledger)
    answer(ledger)
    held = ledger.handle_issued()
    ledger.connection_lost()
    assert send_next(ledger) == 2
    ledger.keep(held)
    assert ledger.kept == {"keyboard": 1}


def test_a_spoken_turn_settles_no_line():
    ledger = Ledger()
    assert answer(ledger) is None
    assert ledger.turn_over(0.0) is None
    assert ledger.handle_issued() == []


def test_where_no_handle_ever_comes_the_end_of_the_turn_settles_after_a_while():
    ledger = with_lines(1)
    send_next(ledger)
    answer(ledger, now=10.0)
    assert ledger.settled_without_handle(10.0 + HANDLE_WITHIN_S) == []
    assert numbers(ledger.settled_without_handle(10.1 + HANDLE_WITHIN_S)) == [1]


def test_where_handles_come_the_end_of_the_turn_settles_nothing():
    ledger = with_lines(1)
    ledger.handle_issued()
    send_next(ledger)
    answer(ledger)
    assert ledger.settled_without_handle(9999.0) == []


def test_lines_beyond_the_bound_wait_with_their_sender():
    ledger = with_lines(*range(1, MAX_LINES + 1))
    assert ledger.is_full
    send_next(ledger)
    assert not ledger.is_full


def test_the_freshest_sixty_four_origins_are_remembered():
    ledger = Ledger()
    ledger.keep([line(1, f"say-{number}") for number in range(64)])
    ledger.keep([line(2, "say-0"), line(1, "say-64")])
    assert len(ledger.kept) == 64
    assert ledger.kept["say-0"] == 2
    assert "say-1" not in ledger.kept


# All rules at once, against a server that behaves as the service is documented to.


class Connection:
    """The service's end: what it was sent and has not read, what it says and we have not read, and its context."""

    def __init__(self, context):
        self.to_server = deque()
        self.to_client = deque()
        self.context = list(context)
        self.complete = list(context)
        """The context at the end of the latest turn: a session cannot be resumed from the middle of one."""
        self.is_replying = False

    def read(self):
        number = self.to_server.popleft()
        if self.is_replying:
            self.to_client.append("interrupted")
            self.end_turn()
        self.context.append(number)
        self.is_replying = True

    def end_turn(self):
        self.is_replying = False
        self.complete = list(self.context)
        self.to_client.append("turn complete")


class Service(RuleBasedStateMachine):
    """A keyboard, a session with its ledger, a coordinator and the model's server; any of them can be late or lost."""

    @initialize()
    def begin(self):
        self.now = 0.0
        self.accepted = 0
        self.unsettled = []
        self.snapshots = {"": ()}
        self.stored = NEW
        self.start_session(lines_come_first=False)

    def start_session(self, *, lines_come_first):
        self.ledger = Ledger()
        self.handle = self.stored.handle
        self.to_store = deque()
        self.to_hear_of = deque()
        if lines_come_first:
            self.offer(self.unsettled)
        self.settle(numbers(self.ledger.resume(self.stored)))
        if not lines_come_first:
            self.offer(self.unsettled)
        self.connection = Connection(self.snapshots[self.handle])

    def offer(self, them):
        self.settle([number for number in them if not self.ledger.accept(line(number))])

    def settle(self, them):
        self.unsettled = [number for number in self.unsettled if number not in them]

    # The user, and whatever else can move now.

    @rule()
    def type_a_line(self):
        self.accepted += 1
        self.unsettled.append(self.accepted)
        self.offer([self.accepted])
        self.send()

    @rule(data=st.data(), count=st.integers(1, 12))
    def things_move(self, data, count):
        """One rule for all that can happen by itself: none is tried in vain, and accidents are rare beside it."""
        for _ in range(count):
            can_move = {name: move for name, (move, can) in self.moves().items() if can}
            if can_move:
                can_move[data.draw(st.sampled_from(sorted(can_move)))]()
                self.the_context_holds_every_line_at_most_once_and_in_order()

    def moves(self):
        now = self.connection
        is_quiet = not (now.to_client or now.to_server or now.is_replying or self.unsettled)
        return {
            "the session waits": (self.wait, self.unsettled),
            "the session sends": (self.send, self.ledger.next_to_send(self.now)),
            "the session receives": (self.receive, now.to_client),
            "the session receives all": (self.receive_all, len(now.to_client) > 1),
            "the session hears": (self.hear_that_it_is_stored, self.to_hear_of),
            "the server reads": (now.read, now.to_server),
            "the server speaks": (lambda: now.to_client.append("content"), now.is_replying),
            "the server ends its turn": (now.end_turn, now.is_replying),
            "the server issues a handle": (self.issue_handle, now.complete),
            "the coordinator stores": (self.store, self.to_store),
            "the user speaks": (self.speak_between_typed_lines, is_quiet),
        }

    def wait(self):
        self.now += PATIENCE_S

    # The session.

    def send(self):
        due = self.ledger.next_to_send(self.now)
        if due is not None:
            self.ledger.sent(self.now)
            self.connection.to_server.append(due.id.number)

    def receive_all(self):
        while self.connection.to_client:
            self.receive()

    def receive(self):
        match self.connection.to_client.popleft():
            case "content":
                self.ledger.answered(self.now)
            case "turn complete":
                self.ledger.turn_over(self.now)
            case ("handle", handle):
                lines = self.ledger.handle_issued()
                self.handle = handle
                self.to_store.append((Resumption(handle, self.ledger.kept_with(lines)), lines))

    def speak_between_typed_lines(self):
        """A spoken and a typed turn that cross cannot be told apart: the service does not say whose turn it ends."""
        self.ledger.answered(self.now)
        self.ledger.turn_over(self.now)

    # The model's server and the coordinator.

    def issue_handle(self):
        handle = f"handle {len(self.snapshots)}"
        self.snapshots[handle] = tuple(self.connection.complete)
        self.connection.to_client.append(("handle", handle))

    def store(self):
        self.stored, lines = self.to_store.popleft()
        self.to_hear_of.append(lines)

    def hear_that_it_is_stored(self):
        lines = self.to_hear_of.popleft()
        self.ledger.keep(lines)
        self.settle(numbers(lines))

    # Accidents.

    @rule()
    def connection_is_lost(self):
        self.ledger.connection_lost()
        self.connection = Connection(self.snapshots[self.handle])

    @rule(stored=st.integers(0, 2), lines_come_first=st.booleans())
    def session_crashes(self, stored, lines_come_first):
        for _ in range(min(stored, len(self.to_store))):
            self.store()
        self.start_session(lines_come_first=lines_come_first)

    # What must be true.

    @invariant()
    def the_context_holds_every_line_at_most_once_and_in_order(self):
        context = getattr(self, "connection", Connection(())).context
        assert context == sorted(set(context))

    @invariant()
    def what_is_stored_as_kept_is_in_the_snapshot(self):
        if hasattr(self, "stored"):
            kept = self.stored.kept.get("keyboard", 0)
            assert list(self.snapshots[self.stored.handle])[:kept] == list(range(1, kept + 1))

    def teardown(self):
        """Without further accidents everything that was accepted ends up in the context, once."""
        if not hasattr(self, "connection"):
            return
        for _ in range(20 * self.accepted + 20):
            self.send()
            while self.connection.to_server:
                self.connection.read()
            if self.connection.is_replying:
                self.connection.end_turn()
            self.issue_handle()
            self.receive_all()
            while self.to_store:
                self.store()
            while self.to_hear_of:
                self.hear_that_it_is_stored()
            self.now += PATIENCE_S
        assert self.connection.context == list(range(1, self.accepted + 1))
        assert (self.unsettled, self.ledger.has_unsettled) == ([], False)


TestService = Service.TestCase
TestService.settings = settings(max_examples=200, stateful_step_count=25, deadline=None)


def test_a_line_that_a_handle_cannot_hold_yet_is_not_kept_although_a_turn_was_over():
    ledger = Ledger()
    ledger.accept(Line(LineId("keyboard", 1), "hello"))
    ledger.sent(1.0, index=7)
    ledger.answered(1.1)  # of something the user spoke
    ledger.turn_over(1.2)
    assert ledger.handle_issued(lambda index, _: index <= 6) == []
    assert [line.text for line in ledger.handle_issued(lambda index, _: index <= 7)] == ["hello"]


def test_a_line_that_no_handle_held_goes_out_again_on_the_next_connection():
    ledger = Ledger()
    ledger.accept(Line(LineId("keyboard", 1), "hello"))
    ledger.sent(1.0, index=7)
    ledger.answered(1.1)
    ledger.turn_over(1.2)
    ledger.handle_issued(lambda index, _: index <= 6)
    ledger.connection_lost()
    assert ledger.next_to_send(2.0).text == "hello"


def test_a_handle_that_holds_a_line_without_its_answer_is_not_resumed_from():
    ledger = Ledger()
    ledger.accept(Line(LineId("keyboard", 1), "hello"))
    ledger.sent(1.0, index=7)
    assert [ledger.is_torn(holds_lines(last)) for last in (6, 7, None)] == [False, True, True]
    ledger.answered(1.1)
    ledger.turn_over(1.2)
    assert not ledger.is_torn(holds_lines(7))
