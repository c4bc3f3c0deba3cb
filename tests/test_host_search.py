"""When a device looks for its host, and what comes of it: on a clock of its own, with nobody sent out."""

import msgspec
import pytest

from actors.runtime.loop import PollLoop
from actors.settings import HostTable
from supervisor.tree import errand
from supervisor.tree.errand import Returned
from supervisor.tree.finding import FIRST_WAIT_S, LONGEST_WAIT_S, LOST_S, HostSearch

HOST = HostTable(address="10.0.0.1", search=True)
NOT_FOUND = Returned(1, "", "nobody in this network\n")


class Device:
    """A host search, second by second."""

    def __init__(self):
        self.found = []
        self.sent = []
        self.is_possible = True
        self.now = 100.0
        self.search = HostSearch(None, self.found.append, self.send)

    def send(self, _loop, words, done, *, within_s, hidden, given):
        if not self.is_possible:
            raise OSError("out of processes")
        assert (words, hidden, within_s > 0) == (["-m", "supervisor.remote.finding"], ("KEY",), True)
        assert msgspec.json.decode(given, type=HostTable) == HOST
        self.sent.append(self.now)
        self.back = done

    def lives(self, seconds, *, host=HOST, is_connected=False):
        for _ in range(int(2 * seconds)):
            self.search.look(host, ("KEY",), self.now, is_connected=is_connected)
            self.now += 0.5


@pytest.fixture
def device():
    return Device()


def test_a_host_that_answers_is_not_looked_for(device):
    device.lives(60, is_connected=True)
    assert device.sent == []


def test_nor_one_that_is_not_to_be_looked_for(device):
    device.lives(60, host=HostTable(address="10.0.0.1"))
    assert device.sent == []


def test_a_link_that_breaks_for_a_moment_is_no_reason(device):
    for _ in range(10):
        device.lives(LOST_S - 0.5)
        device.lives(1, is_connected=True)
    assert device.sent == []


def test_a_host_that_is_lost_is_looked_for_and_where_it_answers_is_told(device):
    device.lives(LOST_S + 1)
    assert device.sent == [100.0 + LOST_S]
    device.back(Returned(0, "10.0.0.7\n", ""))
    assert device.found == ["10.0.0.7"]


def test_one_search_at_a_time(device):
    device.lives(600)
    assert len(device.sent) == 1


def test_a_host_that_stays_away_is_looked_for_more_and_more_rarely_and_told_once(device, caplog):
    device.lives(LOST_S + 0.5)
    while len(device.sent) < 8:
        device.back(NOT_FOUND)
        device.lives(LONGEST_WAIT_S)
    waits = [later - earlier for earlier, later in zip(device.sent, device.sent[1:], strict=False)]
    assert waits[0] == FIRST_WAIT_S
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT_S
    assert [record.message for record in caplog.records] == ["nobody in this network"]


def test_after_it_was_there_again_it_is_looked_for_soon(device):
    device.lives(LOST_S + 1)
    device.back(NOT_FOUND)
    device.lives(1, is_connected=True)
    before = device.now
    device.lives(LOST_S + 1)
    assert device.sent[1:] == [before + LOST_S]


def test_a_machine_that_is_out_of_processes_tries_again(device, caplog):
    device.is_possible = False
    device.lives(LOST_S + 1)
    device.is_possible = True
    device.lives(FIRST_WAIT_S)
    assert len(device.sent) == 1
    assert "the host could not be looked for: out of processes" in caplog.text


# Errands, with real processes.


def run(code, **options):
    loop = PollLoop()
    came = []

    def done(returned):
        came.append(returned)
        loop.stop()

    errand.send(loop, ["-c", code], done, **({"within_s": 20.0} | options))
    loop.run()
    loop.close()
    return came[0]


def test_an_errand_gets_what_is_given_and_brings_back_what_it_said(monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("OPEN", "y")
    code = "import os, sys; print(sys.stdin.read(), 'SECRET' in os.environ, 'OPEN' in os.environ); sys.exit('no')"
    assert run(code, given=b"hello", hidden=("SECRET",)) == Returned(1, "hello False True\n", "no\n")


def test_an_errand_that_takes_too_long_is_ended():
    assert run("import time; time.sleep(60)", within_s=0.2).code == -9
