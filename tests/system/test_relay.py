"""The bad network of the tests is as bad as it says: otherwise what they prove is nothing."""

import contextlib
import struct
import time
from itertools import pairwise

import pytest
import relay
from relay import bad_link, datagram_pair

pytestmark = pytest.mark.skipif(bool(relay.why_not()), reason=relay.why_not() or "it can run")

LATE_MS = 40
"""What a loaded machine may add to a single packet."""


@pytest.fixture(scope="module")
def line():
    with bad_link() as link:
        sender, receiver = datagram_pair(link)
        with sender, receiver:
            yield link, sender, receiver


def send(line, count, size=100, **profile):
    """Send so many datagrams over a link of this profile; returns the numbers that came, and the ways in ms."""
    link, sender, receiver = line
    link.shape(**profile)
    for number in range(count):
        sender.send(struct.pack("Qd", number, time.monotonic()).ljust(size, b"\0"))
        time.sleep(0.001)
    receiver.settimeout(0.6)
    came, ways_ms = [], []
    with contextlib.suppress(TimeoutError):
        while len(came) < count:
            datagram = receiver.recv(65_536)
            number, sent_s = struct.unpack_from("Qd", datagram)
            came.append(number)
            ways_ms.append((time.monotonic() - sent_s) * 1000)
    link.shape()
    return came, ways_ms


def test_an_untouched_link_passes_everything_at_once(line):
    came, ways_ms = send(line, 50)
    assert came == list(range(50))
    assert sorted(ways_ms)[25] < LATE_MS + 50  # read after all was sent


def test_delay_and_jitter_are_as_ordered_and_keep_the_order(line):
    came, _ = send(line, 100, delay_ms=100, jitter_ms=50)
    assert came == list(range(100))
    link, sender, receiver = line
    link.shape(delay_ms=100, jitter_ms=50)
    began_s = time.monotonic()
    sender.send(b"x")
    receiver.recv(10)
    assert 100 <= (time.monotonic() - began_s) * 1000 < 150 + LATE_MS * 5


def test_the_share_that_was_ordered_is_lost(line):
    came, _ = send(line, 240, loss=0.2)
    assert 240 * 0.68 < len(came) < 240 * 0.92


def test_some_overtake_the_others(line):
    came, _ = send(line, 200, delay_ms=20, reorder=0.25)
    assert sorted(came) == list(range(200))
    assert sum(later < earlier for earlier, later in pairwise(came)) > 10


def test_a_slow_link_takes_its_time_and_drops_what_it_cannot_queue(line):
    came, _ = send(line, 100, size=1000, rate_kbit=1000)  # 0.8 s of packets: half a second fits
    assert 55 <= len(came) < 90


def test_nothing_passes_a_cut_and_it_heals(line):
    link, sender, receiver = line
    link.shape(is_cut=True)
    sender.send(b"lost")
    receiver.settimeout(0.2)
    with pytest.raises(TimeoutError):
        receiver.recv(10)
    link.shape()
    sender.send(b"found")
    receiver.settimeout(5)
    assert receiver.recv(10) == b"found"
