"""What an outer systemd is told, over a socket as it makes one."""

import os
import socket
import time

import pytest

from supervisor.outer import Outer


class Systemd:
    """A notify socket by path or, with a leading @, in the abstract namespace."""

    def __init__(self, address):
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)
        self.socket.settimeout(5)

    def environment(self, **more):
        return {"NOTIFY_SOCKET": self.address, "PATH": "/bin", **more}

    def heard(self):
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines())


@pytest.fixture(params=["path", "abstract"])
def systemd(request, short_dir):
    made = Systemd(str(short_dir / "notify") if request.param == "path" else f"@antiphon-test-{os.getpid()}")
    yield made
    made.socket.close()


@pytest.fixture
def outer(systemd):
    made = Outer.take(systemd.environment(WATCHDOG_USEC="2000000", WATCHDOG_PID=str(os.getpid())))
    yield made
    made.close()


def test_what_is_meant_for_us_is_taken_out_of_the_environment(systemd):
    environment = systemd.environment(WATCHDOG_USEC="2000000", WATCHDOG_PID="1")
    Outer.take(environment).close()
    assert environment == {"PATH": "/bin"}


def test_ready_and_stopping_are_said(systemd, outer):
    outer.ready()
    assert systemd.heard() == {"READY": "1"}
    outer.stopping("interrupted\nby the user")
    assert systemd.heard() == {"STOPPING": "1", "STATUS": "interrupted by the user"}


def test_the_watchdog_is_fed_with_every_tick_and_the_status_sent_when_it_changes(systemd, outer):
    for status in ("ready", "ready", "degraded: mic absent"):
        outer.alive(status)
    assert [systemd.heard() for _ in range(3)] == [
        {"WATCHDOG": "1", "STATUS": "ready"},
        {"WATCHDOG": "1"},
        {"WATCHDOG": "1", "STATUS": "degraded: mic absent"},
    ]


def test_a_reload_has_a_monotonic_time_as_systemd_asks(systemd, outer):
    before_us = time.monotonic_ns() // 1000
    outer.reloading()
    said = systemd.heard()
    assert said["RELOADING"] == "1"
    assert before_us <= int(said["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000


def test_a_watchdog_that_is_meant_for_another_process_is_not_fed(systemd):
    outer = Outer.take(systemd.environment(WATCHDOG_USEC="2000000", WATCHDOG_PID="1"))
    outer.alive("ready")
    assert systemd.heard() == {"STATUS": "ready"}
    outer.close()


def test_without_anybody_who_asked_nothing_is_said_and_nothing_fails(short_dir):
    for environment in ({}, {"NOTIFY_SOCKET": str(short_dir / "nobody")}):
        outer = Outer.take(environment)
        outer.ready()
        outer.alive("ready")
        outer.stopping("done")
        outer.close()
