"""The door to other machines: locked for every key that the porter does not know, whatever happens to the porter."""

import pytest

from actors import wire
from actors.gate.selftest import SelfTest
from actors.runtime import exits
from actors.runtime.bus import Identity, Link
from actors.runtime.bus.curve import Curve, new_keys
from actors.runtime.bus.door import Door, hang_up
from actors.runtime.bus.link import REFUSED_RETRY_S
from actors.runtime.bus.porter import Porter
from actors.runtime.inbox import Counters

HOST = new_keys()


class House:
    """A door with its porter, and what came in."""

    def __init__(self, loop, admits):
        self.loop = loop
        self.came = []
        self.porter = Porter(loop, admits)
        self.door = Door(loop, Identity("gate", "gate"), Counters(), self._took, 4096)
        self.porter.open()
        self.door.bind("tcp://127.0.0.1:*", HOST.secret)

    def _took(self, caller, frame):
        self.came.append((caller, frame))
        if not frame:
            greeting = wire.Envelope(wire.VERSION, "gate", 1, 0, 0, 0, wire.WhoIsThere())
            self.door.send(caller.route, wire.encode(greeting))

    def hellos(self):
        return [caller.key for caller, frame in self.came if frame]

    def visit(self, keys=None):
        link = Link(self.loop, Identity("mic", "mic"), Counters(), lambda _: None)
        link.connect(self.door.address, Curve(keys or new_keys(), HOST.public))
        self.loop.to_close.append(link)
        return link

    def close(self):
        self.door.close()
        self.porter.close()


@pytest.fixture
def house(loop):
    opened = []

    def build(admits):
        opened.append(House(loop, admits))
        return opened[-1]

    yield build
    for each in opened:
        each.close()


def test_a_frame_is_told_by_the_key_that_its_connection_has_proved(loop, house):
    one, two = new_keys(), new_keys()
    home = house(lambda *_: True)
    home.visit(one)
    home.visit(two)
    loop.until(lambda: len(home.hellos()) == 2, "both have said hello")
    assert set(home.hellos()) == {one.public, two.public}
    assert {caller.address for caller, _ in home.came} == {"127.0.0.1"}


def test_a_key_that_the_porter_does_not_know_is_refused_and_asks_again_later(loop, house):
    guests = set()
    home = house(lambda key, _: key in guests)
    keys = new_keys()
    link = home.visit(keys)
    loop.until(lambda: link.is_refused, "it is refused")
    assert home.came == []
    guests.add(keys.public)
    loop.skip(REFUSED_RETRY_S)
    loop.until(lambda: home.hellos() == [keys.public], "it is let in")
    assert not link.is_refused


def test_a_porter_that_stumbles_refuses_and_judges_the_next_one(loop, house):
    good = new_keys()

    def admits(key, _):
        if key != good.public:
            raise ZeroDivisionError
        return True

    home = house(admits)
    stranger = home.visit()
    loop.until(lambda: stranger.is_refused, "it is refused")
    home.visit(good)
    loop.until(lambda: home.hellos() == [good.public], "the good one is in")


def test_without_a_porter_nobody_comes_in(loop, house):
    home = house(lambda *_: True)
    home.porter.close()
    home.visit()
    loop.serve_for(0.5)
    assert home.came == []


def test_one_connection_is_ended_and_comes_back_and_the_others_stay(loop, house):
    one, two = new_keys(), new_keys()
    home = house(lambda *_: True)
    home.visit(one)
    home.visit(two)
    loop.until(lambda: len(home.hellos()) == 2, "both have said hello")
    hang_up(next(caller for caller, _ in home.came if caller.key == one.public))
    loop.until(lambda: len(home.hellos()) == 3, "it is back")
    assert (home.hellos().count(one.public), home.hellos().count(two.public)) == (2, 1)


def selftest_of(loop, home, told):
    test = SelfTest(loop, {"control": home.door}, HOST.public, lambda: told.append("locked"))
    loop.to_close.append(test)
    test.begin()
    return test


def test_the_selftest_is_content_when_its_wrong_key_is_refused(loop, house):
    told, asked = [], []
    home = house(lambda key, _: asked.append(key))
    test = selftest_of(loop, home, told)
    loop.until(lambda: told == ["locked"], "it is content")
    assert all(test.is_ours(key) for key in asked)


def test_the_selftest_ends_a_gate_that_lets_everybody_in(loop, house):
    told = []
    selftest_of(loop, house(lambda *_: True), told)
    with pytest.raises(exits.ActorExit, match="a key that nobody knows was let in at the control door"):
        loop.until(lambda: told, "it ends")
    assert told == []
