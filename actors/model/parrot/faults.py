"""What a script can do to a connection, apart from what it lets the parrot say."""

import asyncio

import msgspec

from actors.model.parrot import server_messages as say
from actors.model.parrot.outlet import Outlet
from actors.model.parrot.refusal import POLICY
from actors.model.parrot.script import Do, Raw
from actors.model.parrot.shared import Shared
from actors.model.parrot.tool_calls import ToolCalls

OVERSTAYED = (
    "Connection aborted because the client failed to close the connection after receiving a GoAway signal "
    "once the session duration expired."
)


class Faults:
    """Carries out the orders of the script on one connection."""

    def __init__(
        self, number: int, outlet: Outlet, calls: ToolCalls, shared: Shared, tasks: asyncio.TaskGroup
    ) -> None:
        self._number = number
        self._outlet = outlet
        self._calls = calls
        self._shared = shared
        self._tasks = tasks
        self._later: list[asyncio.Task[None]] = []

    async def inject(self, do: Do) -> None:
        """Do it now; `reply`, `tool_call` and `refuse` are others' work."""
        self._shared.journal.record("fault", connection=self._number, do=msgspec.to_builtins(do))
        if do.expire_handles:
            self._shared.handles.expire_all()
        if do.tool_cancel:
            await self.cancel_calls()
        if do.raw is not None:
            await self._outlet.send_raw(_frame(do.raw))
        if do.go_away is not None:
            await self._go_away(do.go_away.time_left_s)
        if do.stall is not None:
            self._outlet.stall(do.stall.for_s)
        if do.half_open:
            self._outlet.play_dead()
        if do.close is not None:
            await self._outlet.close(do.close.code, do.close.reason)
        if do.reset:
            self._outlet.reset()

    def inject_later(self, after_s: float, do: Do) -> None:
        """Do it then, if the connection is still there."""
        self._later.append(self._tasks.create_task(self._inject_after(after_s, do)))

    async def cancel_calls(self) -> None:
        """Give up the open tool calls and say so."""
        ids = self._calls.cancel()
        if ids:
            await self._outlet.send(say.tool_cancellation(ids))

    def stop(self) -> None:
        """Forget what was planned."""
        for task in self._later:
            task.cancel()

    async def _inject_after(self, after_s: float, do: Do) -> None:
        await asyncio.sleep(after_s)
        await self.inject(do)

    async def _go_away(self, time_left_s: float) -> None:
        await self._outlet.send(say.go_away(time_left_s))
        self._later.append(self._tasks.create_task(self._throw_out(time_left_s)))

    async def _throw_out(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self._outlet.close(POLICY, OVERSTAYED)


def _frame(raw: Raw) -> bytes | str:
    return raw.text if raw.as_text else raw.base64 or raw.text.encode()
