"""An actor's side of the control star: a mirror of the shared state, and requests to change it."""

from collections.abc import Callable
from dataclasses import dataclass

from actors import wire
from actors.runtime.bus import Link

Answer = Callable[[wire.StateValue | wire.Refused], None]


@dataclass(slots=True)
class _Pending:
    question: wire.GetState | wire.SetState
    answer: Answer | None


class Control:
    """Mirrors the coordinator's state. Requests survive a restart of the coordinator: they are asked again."""

    def __init__(
        self,
        link: Link,
        on_change: Callable[[wire.StateKey], None],
        on_synchronised: Callable[[], None] = lambda: None,
    ) -> None:
        self.state = wire.ConversationState()
        self.version = 0
        self.is_synchronised = False
        """Whether the first snapshot has come."""
        self._seen: set[str] = set()
        self._link = link
        self._on_change = on_change
        self._on_synchronised = on_synchronised
        self._pending: dict[int, _Pending] = {}
        self._next_request = 1

    def has_been(self, key: wire.StateKey) -> bool:
        """Whether this flag was true before its latest change."""
        return key in self._seen

    def get(self, key: wire.StateKey, answer: Answer) -> int:
        """Ask the owner, not the mirror. Returns the request number for `forget`."""
        return self._ask(lambda request: wire.GetState(request, key), answer)

    def set(
        self,
        key: wire.StateKey,
        value: wire.Value,
        answer: Answer | None = None,
        *,
        if_version: int | None = None,
    ) -> int:
        """Ask the owner to set a value. The answer says whether it was done."""
        return self._ask(lambda request: wire.SetState(request, key, value, if_version), answer)

    def forget(self, request: int) -> None:
        """The asker has lost patience."""
        self._pending.pop(request, None)

    def welcome(self) -> None:
        """A coordinator is there (again): ask again what was not answered."""
        for request in sorted(self._pending):
            self._link.send(self._pending[request].question)

    def take(self, message: wire.Wire) -> bool:
        """Handle a message of the control star. False when it is none of ours."""
        match message:
            case wire.Snapshot(version=version, state=state):
                self._adopt(version, state)
            case wire.Changed(version=version, key=key, value=value):
                self._apply(version, key, value)
            case wire.StateValue(request=request) | wire.Refused(request=request):
                pending = self._pending.pop(request, None)
                if pending is not None and pending.answer is not None:
                    pending.answer(message)
            case _:
                return False
        return True

    def _ask(self, make: Callable[[int], wire.GetState | wire.SetState], answer: Answer | None) -> int:
        request, self._next_request = self._next_request, self._next_request + 1
        question = make(request)
        self._pending[request] = _Pending(question, answer)
        self._link.send(question)
        return request

    def _adopt(self, version: int, state: wire.ConversationState) -> None:
        before, self.state, self.version = self.state, state, version
        self.is_synchronised = True
        for key in wire.STATE_KEYS:
            if getattr(before, key) != getattr(state, key):
                self._changed(key, getattr(state, key))
        self._on_synchronised()

    def _apply(self, version: int, key: wire.StateKey, value: wire.Value) -> None:
        if version <= self.version:
            return
        self.version = version
        self.state = wire.with_value(self.state, key, value)
        self._changed(key, value)

    def _changed(self, key: wire.StateKey, value: object) -> None:
        self._on_change(key)
        if value:
            self._seen.add(key)
