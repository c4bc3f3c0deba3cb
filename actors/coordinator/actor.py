"""The owner of the shared state: serves get, set and watch, and knows nothing of audio."""

import logging
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from actors import wire
from actors.coordinator.conversation import Conversation, may_see, needs_a_clean_line
from actors.coordinator.memory import Memory, MemoryFile
from actors.runtime.actor import Actor, ActorSpec
from actors.runtime.bus import Hub, Identity
from actors.runtime.inbox import Received
from actors.runtime.loop import Loop, Timer
from actors.runtime.notify import Notifier
from actors.settings import kind_of

PING_S = 1.0
CONSOLES = frozenset({"console"})
PROGRAMS = frozenset({"api"})
"""Programs of the user's that take part in the state: they log what a console prints."""
YIELD_WITHIN_S = 0.3
"""A keyboard that hangs must not keep the reply off the screen."""
REJOIN_WITHIN_S = 1.0
"""After our own restart the keyboard may be back later than the console, with its line still on the screen."""

log = logging.getLogger("coordinator")


@dataclass(slots=True)
class _Waiting:
    """A change of `console_mode` that waits for the keyboard to clear its line."""

    route: bytes
    change: wire.SetState
    number: int
    timer: Timer


class CoordinatorActor(Actor):
    """Centre of the control star."""

    uses_media = False

    def __init__(self, spec: ActorSpec, loop: Loop, notifier: Notifier) -> None:
        super().__init__(spec, loop, notifier)
        self.hub = Hub(loop, Identity(spec.name, spec.kind), self.counters, self._serve)
        self._file = MemoryFile(Path(spec.run_dir) / "conversation.state")
        self._names: set[str] = set()
        self._incarnations: dict[str, int] = {}
        self._told_before_us: dict[str, int] = {}
        """The incarnations that an earlier one of ours announced."""
        self._is_keyboard_due = False
        self._notices: deque[wire.Notice] = deque(maxlen=20)
        self._noticed: dict[str, str] = {}
        self._waiting: _Waiting | None = None
        self._yields = 0
        self.conversation = Conversation()

    def open_sockets(self) -> None:
        """Be the hub of the control star; this actor is no ray of any."""
        memory = self._file.load()
        self.conversation = Conversation(memory.state, memory.version)
        self._names = set(memory.names)
        self._incarnations = dict(memory.incarnations)
        self._told_before_us = dict(memory.incarnations)
        actors = self.spec.settings.actors
        keyboards = {name for name, table in actors.items() if kind_of(name, table) == "keyboard"}
        self._is_keyboard_due = bool(keyboards & self._names)
        self.loop.call_later(REJOIN_WITHIN_S, self._keyboard_is_here)
        self.hub.bind(self.spec.control_address)

    def on_start(self) -> None:
        """Serve."""
        self.notifier.conversation(self.conversation.state)
        self._ping()
        self.ready()
        if self.conversation.state.terminated:
            self.notifier.ended("the conversation was ended")

    def on_stop(self) -> None:
        """Close the hub."""
        self.hub.close(linger_ms=200)

    def _serve(self, received: Received) -> None:
        route = received.peer
        assert route is not None
        match received.envelope.body:
            case wire.Hello():
                self._greet(route)
            case wire.Present() as present:
                self._gone(route, present)
            case wire.GetState(request=request, key=key):
                self._answer(route, request, key)
            case wire.SetState() as change:
                self._wanted(route, change)
            case wire.Yielded(request=number):
                if self._waiting is not None and self._waiting.number == number:
                    self._go_on(self._waiting)
            case wire.Notice() as notice:
                self._pass_on(received.envelope.sender, notice)
            case message:
                self.unexpected(message)

    def _greet(self, route: bytes) -> None:
        peer = self.hub.peers.get(route)
        if peer is None:  # gone again before its turn came
            return
        if peer.kind == "cli":  # a command in passing, not an actor
            self.hub.send(route, self.conversation.snapshot_for(peer.kind))
            return
        if peer.kind == "console":
            while self._notices and self.hub.send(route, self._notices[0]):
                self._notices.popleft()
        if peer.kind in PROGRAMS:
            for text in self._noticed.values():
                self.hub.send(route, wire.Notice(text))
        was_told = self._told_before_us.pop(peer.name, None) == peer.boot_id  # we were restarted, not it
        again = peer.name in self._names and not was_told
        self._names.add(peer.name)
        self._incarnations[peer.name] = peer.boot_id
        self._save()
        self.hub.send(route, self.conversation.snapshot_for(peer.kind))
        for other in self.hub.peers.values():
            if other.name != peer.name:
                self.hub.send(route, wire.Present(other.name, other.kind, here=True))
        self._tell(wire.Present(peer.name, peer.kind, here=True, again=again), but=peer.name)
        if peer.kind == "keyboard":
            self._keyboard_is_here(route)
        log.info("%s is here%s", peer.name, " again" if again else "")

    def _keyboard_is_here(self, route: bytes | None = None) -> None:
        """It is, or it has had its time: nobody waits for it any more but for its yielding."""
        self._is_keyboard_due = False
        if route is not None and self._waiting is not None:
            self.hub.send(route, wire.Yield(self._waiting.number))

    def _pass_on(self, sender: str, notice: wire.Notice) -> None:
        """Show a notice: to a console that is not there yet, later; the same one again (a device that stays away), not."""
        if self._noticed.get(sender) == notice.text:
            return
        self._noticed[sender] = notice.text
        self.hub.broadcast(notice, kinds=PROGRAMS)
        if not self.hub.broadcast(notice, kinds=CONSOLES):
            self._notices.append(notice)

    def _gone(self, route: bytes, present: wire.Present) -> None:
        if present.kind == "cli":
            return
        log.info("%s is gone", present.name)
        self._tell(present, but=present.name)
        if self._waiting is not None and self._waiting.route == route:  # nobody wants the terminal any more
            self._waiting.timer.cancel()
            self._waiting = None
        if self._waiting is not None and present.kind == "keyboard":
            self._go_on(self._waiting)
        if present.kind == "console" and not self._has_another_console(present.name):
            self._change("console_mode", "input")  # the terminal would stay locked for ever

    def _has_another_console(self, name: str) -> bool:
        """Another one, not the same one restarted: that begins without the terminal."""
        return any(peer.kind == "console" and peer.name != name for peer in self.hub.peers.values())

    def _tell(self, message: wire.Wire, but: str) -> None:
        for route, peer in list(self.hub.peers.items()):
            if peer.name != but:
                self.hub.send(route, message)

    def _answer(self, route: bytes, request: int, key: wire.StateKey) -> None:
        if self._is_refused(route, request, key):
            return
        value = getattr(self.conversation.state, key)
        self.hub.send(route, wire.StateValue(request, key, value, self.conversation.version))

    def _is_refused(self, route: bytes, request: int, key: wire.StateKey) -> bool:
        peer = self.hub.peers.get(route)
        if peer is not None and may_see(peer.kind, key):
            return False
        self.hub.send(route, wire.Refused(request, f"{key} is not for this actor"))
        return True

    def _wanted(self, route: bytes, change: wire.SetState) -> None:
        if self._is_refused(route, change.request, change.key):
            return
        if self._waiting is not None and (self._waiting.route, self._waiting.change) == (route, change):
            return  # the same wish, asked again after our welcome
        if change.key == "console_mode" and self._waiting is not None:
            self._go_on(self._waiting)  # wishes are granted in the order in which they came
        if change.key == "console_mode" and needs_a_clean_line(
            self.conversation.state.console_mode, change.value
        ):
            keyboard = next((r for r, p in self.hub.peers.items() if p.kind == "keyboard"), None)
            if keyboard is None and self._is_keyboard_due:
                self._wait(route, change, REJOIN_WITHIN_S)
                return
            if keyboard is not None and keyboard != route:
                waiting = self._wait(route, change, YIELD_WITHIN_S)
                if not self.hub.send(keyboard, wire.Yield(waiting.number)):
                    self._go_on(waiting)
                return
        self._do(route, change)

    def _wait(self, route: bytes, change: wire.SetState, within_s: float) -> _Waiting:
        self._yields += 1
        timer = self.loop.call_later(within_s, self._yield_is_late)
        self._waiting = _Waiting(route, change, self._yields, timer)
        return self._waiting

    def _yield_is_late(self) -> None:
        if self._waiting is not None:
            self.counters.drop("yield_late")
            self._go_on(self._waiting)

    def _go_on(self, waiting: _Waiting) -> None:
        self._waiting = None
        waiting.timer.cancel()
        self._do(waiting.route, waiting.change)

    def _do(self, route: bytes, change: wire.SetState) -> None:
        try:
            self._change(change.key, change.value, change.if_version, asker=route, request=change.request)
        except ValueError as error:
            self.hub.send(route, wire.Refused(change.request, str(error)))

    def _change(
        self,
        key: wire.StateKey,
        value: wire.Value,
        if_version: int | None = None,
        *,
        asker: bytes | None = None,
        request: int = 0,
    ) -> None:
        """Change a value. Whoever asked hears of it first: it waits for that, and the others are many."""
        changed = self.conversation.change(key, value, if_version)
        if changed is not None:
            self._save()
        if asker is not None:
            if changed is not None:
                self.hub.send(asker, changed)
            self._answer(asker, request, key)
        if changed is None:
            return
        for route, peer in list(self.hub.peers.items()):
            if route != asker and may_see(peer.kind, key):
                self.hub.send(route, changed)
        self.notifier.conversation(self.conversation.state)
        if key == "terminated":
            self.notifier.ended("the conversation was ended")

    def _save(self) -> None:
        memory = Memory(
            self.conversation.version, self.conversation.state, sorted(self._names), self._incarnations
        )
        try:
            self._file.save(memory)
        except OSError as error:  # a full disk costs us the crash memory, not the conversation
            self.counters.drop("not_saved")
            log.warning("state not saved: %s", error)

    def _ping(self) -> None:
        self.hub.ping_all()
        self.loop.call_later(PING_S, self._ping)
