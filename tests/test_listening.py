"""The thread that listens: everything that is there is taken once, in order, as old as it is; a device that has gone ends it."""

import threading
import time

import pytest

from actors.devices.capture_time import BEHIND_S
from actors.devices.listening import Listening

RATE_HZ = 16_000
WITHIN_S = 10.0


class Ear:
    """A device that gives what it has in pieces; `ends` says how it goes away after that."""

    def __init__(self, pieces, ends=None):
        self.pieces = list(pieces)
        self.ends = ends
        self.got = []
        self.changed = threading.Condition()

    def available(self):
        if self.pieces:
            return len(self.pieces[0]) // 2
        return -1 if self.ends == "told" else int(self.ends == "raised")

    def read(self, n_samples):
        if not self.pieces:
            raise OSError("Unanticipated host error")
        assert len(self.pieces[0]) == 2 * n_samples
        return self.pieces.pop(0)

    def taken(self, pcm, captured_ns):
        with self.changed:
            self.got.append((pcm, time.monotonic_ns() - captured_ns))
            self.changed.notify()


def listen_to(ear):
    return Listening(ear, RATE_HZ, 0.01, lambda: False)


def test_a_backlog_is_one_block_that_is_as_old_as_it_is_long():
    ear = Ear([bytes([n]) * 960 for n in range(10)])
    listening = listen_to(ear)
    with ear.changed:
        assert ear.changed.wait_for(lambda: ear.got, WITHIN_S)
    listening.close()
    ((pcm, age_ns),) = ear.got
    assert pcm == b"".join(bytes([n]) * 960 for n in range(10))
    assert age_ns / 1e9 >= 0.3 + BEHIND_S


@pytest.mark.parametrize("ends", ["told", "raised"])
def test_a_device_that_has_gone_ends_it_and_it_does_not_die_of_it(ends):
    listening = listen_to(Ear([], ends))
    until_s = time.monotonic() + WITHIN_S
    while not listening.is_over and time.monotonic() < until_s:
        threading.Event().wait(0.01)
    assert listening.is_over
    listening.close()
    listening.close()
