"""The kernel tells a network that is gone from one that merely pauses, on a real socket whose other end hears nothing."""

import ctypes
import itertools
import socket
import struct
import time

import pytest

from actors.model import peer
from actors.model.parrot.outlet import DROP_EVERYTHING, SO_ATTACH_FILTER
from actors.settings import ModelTable

SO_DETACH_FILTER = 27
GAP_S = 3.0
RECONNECT_S = 0.5


@pytest.fixture
def ends():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as ours,
    ):
        theirs, _ = server.accept()
        peer.find_dead(ours, ModelTable().dead_after_s)
        with theirs:
            yield ours, theirs


def go_deaf(end):
    program = ctypes.create_string_buffer(DROP_EVERYTHING)
    end.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))


def lives_on(ours, for_s, every_s):
    """Send now and then; gives how long that went well."""
    ours.settimeout(every_s)
    began_s = time.monotonic()
    for number in itertools.takewhile(lambda _: time.monotonic() - began_s < for_s, itertools.count()):
        try:
            if number % 2 == 0:
                ours.send(b"voice")
            ours.recv(100)
        except TimeoutError as error:
            if error.errno is not None:  # the kernel's, not of this socket object
                return time.monotonic() - began_s
    return None


@pytest.mark.parametrize("every_s", [0.01, 0.5], ids=["in speech", "in silence"])
def test_a_network_that_is_gone_is_found_in_time_to_be_heard_again_within_3_s(ends, every_s):
    ours, theirs = ends
    ours.send(b"hello")
    go_deaf(theirs)
    took_s = lives_on(ours, for_s=10, every_s=every_s)
    assert took_s is not None
    assert took_s < GAP_S - RECONNECT_S


def test_a_second_without_a_network_cuts_nothing(ends):
    ours, theirs = ends
    ours.send(b"hello")
    go_deaf(theirs)
    assert lives_on(ours, for_s=1.0, every_s=0.02) is None
    theirs.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
    assert lives_on(ours, for_s=2.5, every_s=0.02) is None


def test_the_round_trip_of_a_loopback_is_short(ends):
    ours, _ = ends
    ours.send(b"hello")
    assert 0 <= peer.round_trip_s(ours) < 0.5
