"""`GoogleIOStreamerState`: the shared state behind the original's async getters and setters.

Alone it is a value of its own, as in the original. Made by `connect` it is a client of a conversation's coordinator: every
getter asks the owner, every setter returns when the owner has done it, so that a get after a set sees it, in any process.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Any, Self

from actors import wire
from actors.wire import ConsoleMode

ANSWER_WITHIN_S = 1.0

log = logging.getLogger("antiphon")


class CoordinatorUnavailableError(TimeoutError):
    """The coordinator did not answer in time; it may be restarting. Asking again is safe."""


class GoogleIOStreamerState:
    """The state of a conversation, with thread-safe async getters and setters.

    Attributes:
        is_streaming_output (bool): Whether a reply is being spoken.
        console_mode (Literal["input", "user", "assistant"]): Who may write to the terminal.
        terminated (bool): Whether the conversation is over.

    Raises `ValueError` for a wrong console mode, in the constructor and in the setter.

    """

    def __init__(
        self,
        *,
        is_streaming_output: bool = False,
        console_mode: ConsoleMode = "input",
        terminated: bool = False,
    ) -> None:
        state = wire.ConversationState()
        state = wire.with_value(state, "is_streaming_output", is_streaming_output)
        state = wire.with_value(state, "console_mode", console_mode)
        self._local = wire.with_value(state, "terminated", terminated)
        self._remote: _Remote | None = None
        self._watchers: list[Callable[[], None]] = []

    @classmethod
    async def connect(cls, address: str, name: str, *, answer_within_s: float = ANSWER_WITHIN_S) -> Self:
        """Be a client of the coordinator listening at `address` (`ipc://…/ctl.ipc`), under a name of its own.

        Raises `CoordinatorUnavailableError` when nobody answers there.
        """
        state = cls()
        state._remote = await _Remote.open(address, name, answer_within_s, state._changed)
        return state

    def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed` after every change, whoever made it."""
        self._watchers.append(changed)

    @property
    def is_streaming_output(self) -> bool:
        """Whether a reply is being spoken, as last heard."""
        return self._known.is_streaming_output

    @property
    def console_mode(self) -> ConsoleMode:
        """Who may write to the terminal, as last heard."""
        return self._known.console_mode

    @property
    def terminated(self) -> bool:
        """Whether the conversation is over, as last heard."""
        return self._known.terminated

    async def get_console_mode(self) -> ConsoleMode:
        """Return who may write to the terminal."""
        value: ConsoleMode = await self._get("console_mode")
        return value

    async def set_console_mode(self, value: ConsoleMode) -> None:
        """Hand the terminal to `value`: "input" (keyboard), "user" or "assistant" (console)."""
        await self._set("console_mode", value)

    async def get_streaming_output(self) -> bool:
        """Return whether a reply is being spoken."""
        return bool(await self._get("is_streaming_output"))

    async def set_streaming_output(self, value: bool) -> None:
        """Say whether a reply is being spoken."""
        await self._set("is_streaming_output", value)

    async def get_terminated(self) -> bool:
        """Return whether the conversation is over; once it is, also when its coordinator is gone."""
        return self.terminated or bool(await self._get("terminated"))

    async def set_terminated(self, value: bool) -> None:
        """End the conversation."""
        await self._set("terminated", value)

    async def close(self) -> None:
        """Leave the coordinator. Harmless for a state of its own."""
        if self._remote is not None:
            self._remote.close()

    @property
    def _known(self) -> wire.ConversationState:
        return self._local if self._remote is None else self._remote.state

    async def _get(self, key: wire.StateKey) -> Any:
        return getattr(self._local, key) if self._remote is None else await self._remote.get(key)

    async def _set(self, key: wire.StateKey, value: wire.Value) -> None:
        if self._remote is None:
            self._local = wire.with_value(self._local, key, value)
            self._changed()
        else:
            wire.with_value(
                self._remote.state, key, value
            )  # a wrong value is refused here, without a journey
            await self._remote.set(key, value)

    def _changed(self) -> None:
        for changed in self._watchers:
            changed()


class _Remote:
    """A ray of the control star inside somebody's asyncio program."""

    def __init__(self, name: str, answer_within_s: float, on_change: Callable[[], None]) -> None:
        from actors.runtime.asyncloop import AsyncLoop
        from actors.runtime.bus import Identity, Link
        from actors.runtime.control import Control
        from actors.runtime.inbox import Counters

        loop = AsyncLoop(asyncio.get_running_loop())
        self._link = Link(loop, Identity(name, "api"), Counters(), self._take)
        self._control = Control(self._link, lambda _: on_change())
        self._answer_within_s = answer_within_s
        self._synchronised = asyncio.Event()

    @classmethod
    async def open(
        cls, address: str, name: str, answer_within_s: float, on_change: Callable[[], None]
    ) -> Self:
        remote = cls(name, answer_within_s, on_change)
        remote._link.connect(address)
        try:
            await asyncio.wait_for(remote._synchronised.wait(), answer_within_s)
        except TimeoutError:
            remote.close()
            raise CoordinatorUnavailableError(f"no coordinator answers at {address}") from None
        return remote

    @property
    def state(self) -> wire.ConversationState:
        return self._control.state

    async def get(self, key: wire.StateKey) -> wire.Value:
        answer = await self._ask(lambda then: self._control.get(key, then))
        return answer.value

    async def set(self, key: wire.StateKey, value: wire.Value) -> None:
        await self._ask(lambda then: self._control.set(key, value, then))

    def close(self) -> None:
        self._link.close(linger_ms=200)

    async def _ask(self, begin: Callable[[Callable[[Any], None]], int]) -> wire.StateValue:
        answered: asyncio.Future[wire.StateValue | wire.Refused] = asyncio.get_running_loop().create_future()
        request = begin(lambda answer: None if answered.done() else answered.set_result(answer))
        try:
            answer = await asyncio.wait_for(answered, self._answer_within_s)
        except TimeoutError:
            raise CoordinatorUnavailableError(
                f"the coordinator did not answer within {self._answer_within_s:g} s"
            ) from None
        finally:
            self._control.forget(request)
        match answer:
            case wire.Refused(reason=reason):
                raise ValueError(reason)
            case _:
                return answer

    def _take(self, received: Any) -> None:
        message = received.envelope.body
        if isinstance(message, wire.Welcome):
            self._link.send(wire.Hello("api", os.getpid()))
            self._control.welcome()
        elif isinstance(message, wire.Notice):
            log.warning("%s", message.text)
        elif self._control.take(message) and self._control.is_synchronised:
            self._synchronised.set()
