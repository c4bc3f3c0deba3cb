"""What actors tell their supervisor, over a real datagram socket, and a supervisor that does not listen."""

import contextlib
import socket

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime.notify import Health, Latency, Notifier, Report, parse
from actors.wire import ConversationState, Resumption


class Supervisor:
    """The other end."""

    def __init__(self, directory):
        self.address = str(directory / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.address)
        self.socket.setblocking(False)

    def read_all(self):
        reports = []
        with contextlib.suppress(BlockingIOError):
            while True:
                reports.append(parse(self.socket.recv(65_536)))
        return reports


@pytest.fixture
def supervisor(short_dir):
    made = Supervisor(short_dir)
    yield made
    made.socket.close()


@pytest.fixture
def notifier(supervisor):
    made = Notifier(supervisor.address)
    yield made
    made._channel.close()


def test_everything_that_can_be_said_arrives(supervisor, notifier):
    health = Health(5, 6, {"stale": 2}, 1, 2, 3.5, 4.5, "fine", {"mic_to_send": Latency(1.0, 2.0)})
    state = ConversationState(muted=True, model="parrot")
    notifier.ready("terminal")
    notifier.alive(health)
    notifier.conversation(state)
    notifier.ended("done")
    notifier.ended("not all was done", failed=True)
    notifier.stopping("asked to")
    assert supervisor.read_all() == [
        Report(ready=True, status="terminal"),
        Report(health=health),
        Report(conversation=state),
        Report(ended="done"),
        Report(ended="not all was done", failed=True),
        Report(stopping=True, status="asked to"),
    ]


def test_the_resumption_handle_stays_with_the_conversation(supervisor, notifier):
    notifier.conversation(ConversationState(resumption=Resumption("opens-the-conversation")))
    (datagram,) = [supervisor.socket.recv(65_536)]
    assert b"opens" not in datagram


def test_a_supervisor_that_hangs_blocks_nobody_and_what_it_missed_is_counted(supervisor, notifier):
    for number in range(5000):
        notifier.alive(Health(frames_in=number))
    taken = supervisor.read_all()
    assert 0 < len(taken) < 5000
    assert notifier.lost == 5000 - len(taken)


def test_what_matters_reaches_a_supervisor_that_hung_with_the_next_heartbeat(supervisor, notifier):
    while not notifier.lost:
        notifier.alive(Health())
    notifier.ready("terminal")
    notifier.conversation(ConversationState(epoch=1))
    notifier.conversation(ConversationState(epoch=2))
    notifier.ended("not all was done", failed=True)
    supervisor.read_all()
    notifier.alive(Health(frames_in=7))
    assert supervisor.read_all() == [
        Report(
            ready=True,
            status="terminal",
            health=Health(frames_in=7),
            conversation=ConversationState(epoch=2),
            ended="not all was done",
            failed=True,
        )
    ]


def test_what_has_arrived_is_not_said_again(supervisor, notifier):
    notifier.ready()
    notifier.alive(Health())
    assert [report.ready for report in supervisor.read_all()] == [True, False]


def test_a_supervisor_that_is_dead_blocks_nobody(short_dir):
    supervisor = Supervisor(short_dir)
    notifier = Notifier(supervisor.address)
    supervisor.socket.close()
    notifier.ready()
    notifier.alive(Health())
    assert notifier.lost == 2
    notifier._channel.close()


@pytest.mark.parametrize("address", [None, ""])
def test_without_a_supervisor_nothing_is_said_and_nothing_is_lost(address):
    notifier = Notifier(address)
    notifier.ready()
    assert notifier.lost == 0


def test_a_supervisor_that_was_never_there_is_no_error(short_dir):
    notifier = Notifier(str(short_dir / "nobody"))
    notifier.ready()
    assert notifier.lost == 1
    notifier._channel.close()


BREAKS = ["\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\0"]


@pytest.mark.parametrize("line_break", BREAKS, ids=[f"U+{ord(one):04X}" for one in BREAKS])
def test_no_word_from_a_device_or_a_server_can_forge_a_field(supervisor, notifier, line_break):
    words = f"fine{line_break}X_ENDED=forged{line_break}X_FAILED=1{line_break}READY=1"
    notifier.alive(Health(detail=words))
    notifier.conversation(ConversationState(model=words))
    notifier.stopping(words)
    reports = supervisor.read_all()
    assert [(report.ready, report.ended, report.failed) for report in reports] == [(False, None, False)] * 3
    assert reports[0].health.detail == "fine X_ENDED=forged X_FAILED=1 READY=1"


@given(st.text(st.characters(exclude_categories=()), max_size=700))
def test_any_words_arrive_as_one_printable_line(words):
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with left, right:
        notifier = Notifier(None)
        notifier._channel._socket = left
        notifier.ready(words)
        notifier.alive(Health(detail=words))
        ready, alive = parse(right.recv(65_536)), parse(right.recv(65_536))
    assert ready.status == alive.health.detail
    assert ready.status.isprintable()
    assert len(ready.status) <= 500
    assert (ready.ended, alive.ended, alive.ready) == (None, None, False)


@pytest.mark.parametrize(
    "datagram", [b"\xff", b"X_HEALTH={", b'X_HEALTH={"frames_in":"many"}', b"X_CONVERSATION=[]"]
)
def test_a_datagram_that_cannot_be_read_is_a_value_error(datagram):
    with pytest.raises(ValueError):
        parse(datagram)


@given(st.binary(max_size=200))
def test_nothing_but_a_value_error_comes_of_arbitrary_bytes(datagram):
    with contextlib.suppress(ValueError):
        parse(datagram)


def test_a_report_is_split_at_newlines_only():
    said = parse('X_HEALTH={"detail":"fine\u2028X_ENDED=forged\x85READY=1"}'.encode())
    assert (said.ended, said.ready, said.health.detail.split("\u2028")[0]) == (None, False, "fine")


def test_other_fields_of_systemds_protocol_are_skipped():
    assert parse(b"READY=1\nMAINPID=7\n\nnonsense\nSTATUS=ok") == Report(ready=True, status="ok")


def test_a_health_of_a_newer_version_can_still_be_read():
    newer = msgspec.json.encode({"frames_in": 3, "smell": "good"}).decode()
    assert parse(f"X_HEALTH={newer}".encode()).health == Health(frames_in=3)
