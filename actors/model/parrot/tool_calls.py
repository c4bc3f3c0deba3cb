"""The function calls of one connection that wait for their results."""

import asyncio
import itertools

from actors.model.parrot.client_messages import FunctionResponse


class ToolCalls:
    """Open calls by their id."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._open: dict[str, asyncio.Future[FunctionResponse | None]] = {}

    def open(self) -> str:
        """Return the id of a new call."""
        call_id = f"call-{next(self._numbers)}"
        self._open[call_id] = asyncio.get_running_loop().create_future()
        return call_id

    async def result(self, call_id: str) -> FunctionResponse | None:
        """Wait for the result; None = the call was cancelled."""
        return await self._open[call_id]

    def answer(self, response: FunctionResponse) -> bool:
        """Take a result; false when nobody waits for it."""
        waiting = self._open.pop(response.id, None)
        if waiting is None or waiting.done():
            return False
        waiting.set_result(response)
        return True

    def cancel(self) -> list[str]:
        """Give up all open calls; return their ids."""
        ids, waiting = list(self._open), list(self._open.values())
        self._open.clear()
        for future in waiting:
            if not future.done():
                future.set_result(None)
        return ids
