"""Short fakes: a clock that is told the time, a loop whose timers can be brought forward, a link and a notifier that remember."""

import contextlib
import itertools
import os
import time

from actors import wire
from actors.runtime.actor import ActorSpec
from actors.runtime.bus import Hub, Identity, Link
from actors.runtime.inbox import Counters
from actors.runtime.loop import PollLoop
from actors.settings import Settings

PATIENCE_S = 20.0
"""For a loaded machine; nothing waits this long when all is well."""


BOOT_IDS = itertools.count(1)
"""Every ray is an incarnation of its own, as if it had its own process."""


class FakeLoop:
    """Time passes only by `advance`; then everything that is due is called in order."""

    def __init__(self):
        self.time_s = 100.0
        self.watched = {}
        self.is_stopped = False
        self._calls = []
        self._order = itertools.count()

    def now(self):
        return self.time_s

    def call_soon(self, callback):
        self.call_later(0.0, callback)

    def call_later(self, delay_s, callback):
        timer = FakeTimer(callback)
        self._calls.append((self.time_s + delay_s, next(self._order), timer))
        return timer

    def watch(self, fd, callback):
        self.watched[fd] = callback

    def unwatch(self, fd):
        self.watched.pop(fd, None)

    def stop(self):
        self.is_stopped = True

    def advance(self, seconds):
        until_s = self.time_s + seconds
        while due := sorted(call for call in self._calls if call[0] <= until_s)[:1]:
            self._calls.remove(due[0])
            self.time_s = max(self.time_s, due[0][0])
            if not due[0][2].cancelled:
                due[0][2].callback()
        self.time_s = until_s


class FakeTimer:
    def __init__(self, callback):
        self.callback = callback
        self.cancelled = False

    def cancel(self):
        self.cancelled = True


class SkippingLoop(PollLoop):
    """The real loop, with real descriptors, whose timers need not be waited for."""

    def __init__(self):
        super().__init__()
        self.to_close = []
        self._skipped_s = 0.0

    def now(self):
        return super().now() + self._skipped_s

    def skip(self, seconds):
        """Let time pass for timers, and serve what that brings."""
        self._skipped_s += seconds
        self.run_once(0.0)

    def until(self, condition, what="it happened", within_s=PATIENCE_S):
        """Serve until the condition is true; return its value, or fail saying what did not happen."""
        give_up_s = time.monotonic() + within_s
        while time.monotonic() < give_up_s:
            if value := condition():
                return value
            self.run_once(0.05)
        raise AssertionError(f"not within {within_s:g} s: {what}")

    def serve_for(self, seconds):
        """Serve for so long: only for showing that nothing happens."""
        give_up_s = time.monotonic() + seconds
        while (left_s := give_up_s - time.monotonic()) > 0:
            self.run_once(left_s)


class FakeLink:
    """Takes what is sent while there is a hub."""

    def __init__(self, *, is_up=True):
        self.boot_id = 1
        self.is_up = is_up
        self.sent = []

    @property
    def hub_boot_id(self):
        return self.boot_id if self.is_up else 0

    @hub_boot_id.setter
    def hub_boot_id(self, boot_id):
        self.boot_id, self.is_up = boot_id, bool(boot_id)

    def send(self, message, epoch=0):
        if self.is_up:
            self.sent.append(message)
        return self.is_up


class FakeNotifier:
    """Remembers what an actor told its supervisor."""

    def __init__(self):
        self.said = []

    def ready(self, detail=""):
        self.said.append(("ready", detail))

    def alive(self, health):
        self.said.append(("alive", health))

    def conversation(self, state):
        self.said.append(("conversation", state))

    def ended(self, why, *, failed=False):
        self.said.append(("failed" if failed else "ended", why))

    def stopping(self, why):
        self.said.append(("stopping", why))

    def of(self, kind):
        return [what for said, what in self.said if said == kind]


def spec_of(kind, run_dir, name="", **tables):
    """What a child of this kind is told at its birth."""
    return ActorSpec(name or kind, kind, "", str(run_dir), Settings(**tables))


class Ray:
    """A real link that says Hello when welcomed and keeps what it gets."""

    def __init__(self, loop, address, name="ray", kind="test"):
        self.counters = Counters()
        self.got = []
        self.welcomes = 0
        self._kind = kind
        self.link = Link(loop, Identity(name, kind), self.counters, self._take)
        self.link.boot_id = next(BOOT_IDS)
        self.link.connect(address)
        loop.to_close.append(self.link)

    def _take(self, received):
        match received.envelope.body:
            case wire.Welcome():
                self.welcomes += 1
                self.link.send(wire.Hello(self._kind, 1))
            case wire.Ping():
                pass
            case message:
                self.got.append(message)

    def of(self, kind):
        return [message for message in self.got if isinstance(message, kind)]


class Centre:
    """A real hub that keeps what it gets, Hello and Present too."""

    def __init__(self, loop, address, **options):
        self.counters = Counters()
        self.got = []
        self.hub = Hub(loop, Identity("hub", "test"), self.counters, self.got.append, **options)
        self.hub.bind(address)
        loop.to_close.append(self.hub)

    def of(self, kind):
        return [received.envelope.body for received in self.got if isinstance(received.envelope.body, kind)]

    def route_of(self, name):
        return next((route for route, peer in self.hub.peers.items() if peer.name == name), None)


@contextlib.contextmanager
def in_place_of(number, replacement):
    """Let a descriptor of this process be another file for a while."""
    saved = os.dup(number)
    os.dup2(replacement, number)
    try:
        yield
    finally:
        os.dup2(saved, number)
        os.close(saved)


class Screen:
    """The user's end of a pty: keys in, and everything that was painted."""

    def __init__(self):
        self.master, self.slave = os.openpty()
        os.set_blocking(self.master, False)
        self.painted = ""

    def type(self, keys):
        os.write(self.master, keys.encode())

    def look(self):
        with contextlib.suppress(BlockingIOError, OSError):
            while True:
                self.painted += os.read(self.master, 65_536).decode()
        return self.painted

    def shows(self, text):
        return text in self.look()

    def hang_up(self):
        if self.master is not None:
            os.close(self.master)
            self.master = None

    def close(self):
        self.hang_up()
        os.close(self.slave)
