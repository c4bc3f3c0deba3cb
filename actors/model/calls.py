"""The model's calls of the user's functions, so that each is run once and answered once, whatever connection asked for it.

The service forgets what came after the last resumption handle (see ledger.py), so after a reconnect it asks again for calls
whose result it had not yet held in a handle. Therefore a call is *kept* here until a handle issued after its answer has been
stored. When its connection is lost before that, it is an *orphan*: its function runs on, and the same name with the same
arguments, asked for again, takes what comes out instead of running the function twice. (A call that was open when a handle
was issued is still known to the server under its id; it is answered on the next connection.)
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from actors import wire
from actors.model.call import Answer, Call, mark_of, spelled
from actors.model.ledger import Holds

GRACE_S = 2.0
"""The tools process says itself that a function was late; we say it when that process hangs."""
REMEMBER_S = 60.0
RESUMED_WITHIN_S = 300.0
"""A tools process that is started anew has said by then what it knows."""
MAX_ARGS_BYTES = 65_536
MAX_OPEN = 64
MAX_KNOWN = 256


class Calls:
    """Pure: fed with events and the time in seconds; never runs, sends or stores anything itself."""

    def __init__(self, prefix: str, *, can_schedule: bool = True) -> None:
        self.offered: dict[str, wire.OfferedTool] = {}
        self._prefix = prefix
        self._can_schedule = can_schedule
        self._calls: dict[str, Call] = {}
        self._count = 0
        self._connection = 1
        self._orders: list[wire.CancelTool | wire.ToolKept] = []

    # From the model.

    def asked(self, server_id: str, name: str, args: dict[str, Any], now: float) -> None:
        """The model wants this function called. Without an id of the server's, it is answered without one."""
        self._count += 1
        has_id, server_id = bool(server_id), server_id or f"without-{self._count}"
        text = spelled(args)
        if any(
            call.server_id == server_id and call.connection == self._connection
            for call in self._calls.values()
        ):
            return
        mark = mark_of(name, text)
        before = next((call for call in self._calls.values() if self._is_same(call, mark)), None)
        if before is not None:
            before.server_id, before.connection = server_id, self._connection
            before.has_id = has_id
            before.is_sent = before.is_open_in_handle = False
            return
        call = Call(
            f"{self._prefix}.{self._count}",
            name,
            text,
            now,
            self._connection,
            server_id,
            has_id,
            since_s=now,
            mark=mark,
        )
        if (refusal := self._refusal(call)) is not None:
            call.result = wire.ToolResult(call.id, error=refusal)
        else:
            call.due_s = now + self.offered[name].timeout_s + GRACE_S
        self._calls[call.id] = call
        self._forget_oldest()

    def cancelled(self, server_ids: Iterable[str]) -> None:
        """The model takes calls back: they are never answered."""
        ids = set(server_ids)
        for call in list(self._calls.values()):
            if call.server_id in ids and call.connection == self._connection and not call.is_sent:
                self._drop(call)

    # From the tools process.

    def offer(self, tools: Iterable[wire.OfferedTool], now: float) -> None:
        """These functions can be called; a process that knows of earlier calls has said so before."""
        self.offered = {tool.name: tool for tool in tools}
        for call in self._calls.values():
            if call.is_doubtful:
                call.is_doubtful = False
                self._fail(call, f"the process of {call.name} ended before it answered", now)

    def adopt(self, order: wire.CallTool, now: float) -> None:
        """An earlier incarnation of the session asked for this and did not live to see it kept."""
        due_s = now + order.deadline_s + GRACE_S
        known = self._calls.get(order.call)
        if known is not None and known.is_doubtful:
            known.is_doubtful, known.due_s = False, due_s
        elif known is None:
            self._calls[order.call] = Call(
                order.call, order.name, order.args, due_s, connection=0, is_given=True, since_s=now
            )

    @property
    def begun(self) -> dict[str, str]:
        """What was given to the tools process and is in no stored handle, for `resume`."""
        return {call.id: call.mark for call in self._calls.values() if call.is_given}

    def resume(self, begun: Mapping[str, str], now: float) -> None:
        """An earlier incarnation of the session gave these calls to the tools process: they must not be run again."""
        for call_id, mark in begun.items():
            name = mark.partition(" ")[0]
            self._calls[call_id] = Call(
                call_id,
                name,
                "",
                now + RESUMED_WITHIN_S,
                connection=0,
                is_given=True,
                is_doubtful=True,
                since_s=now,
                mark=mark,
            )

    def came(self, result: wire.ToolResult, now: float) -> None:
        """A function has ended, one way or the other."""
        call = self._calls.get(result.call)
        if call is not None and call.result is None:
            call.result, call.since_s = result, now

    def tools_gone(self, now: float) -> None:
        """The tools process ended: nobody knows how far its functions got, so they are not run again."""
        for call in self._calls.values():
            if call.is_given and call.result is None:
                self._fail(call, f"the process of {call.name} ended before it answered", now)

    def orders(self, now: float) -> list[wire.CallTool | wire.CancelTool | wire.ToolKept]:
        """Return what to tell the tools process now that it is there."""
        orders: list[wire.CallTool | wire.CancelTool | wire.ToolKept] = list(self._orders)
        self._orders.clear()
        for call in self._calls.values():
            if not call.is_given and call.result is None:
                call.is_given = True
                left_s = max(0.1, round(call.due_s - GRACE_S - now, 1))
                orders.append(wire.CallTool(call.id, call.name, call.args, left_s))
        return orders

    # To the model.

    @property
    def has_unsettled(self) -> bool:
        """Whether the model waits for an answer, or no handle holds one yet."""
        return any(call.server_id and not call.is_held for call in self._calls.values())

    def next_to_send(self) -> Answer | None:
        """Return an answer the present connection waits for, if there is one."""
        for call in self._calls.values():
            if call.result is not None and call.server_id and not call.is_sent:
                return Answer(call, self._response(call, call.result))
        return None

    def sent(self, answer: Answer, now: float, index: int = 0) -> None:
        """The answer was handed to the connection, as its message of that number."""
        answer.call.is_sent, answer.call.since_s, answer.call.sent_as = True, now, index

    # Connections and handles.

    def handle_issued(self, holds: Holds = lambda _index, _sent_at: True) -> list[str]:
        """A snapshot was taken: return the calls it holds with their answers. Call `keep` when it is stored."""
        for call in self._calls.values():
            if call.is_sent and holds(call.sent_as, call.since_s):
                call.is_held = True
            elif call.server_id:
                call.is_open_in_handle = True
        return [call.id for call in self._calls.values() if call.is_held]

    def keep(self, calls: Iterable[str]) -> None:
        """The snapshot that holds these calls is stored: forget them."""
        for call_id in calls:
            if call_id in self._calls:
                self._forget(self._calls[call_id])

    def connection_lost(self, now: float) -> None:
        """What the last handle does not hold will be asked for again."""
        self._connection += 1
        for call in list(self._calls.values()):
            if call.is_held:
                continue
            call.is_sent = False
            if call.is_open_in_handle:
                continue
            if not call.is_given:
                self._drop(call)
            elif call.server_id:
                call.server_id, call.since_s = "", now

    def afresh(self, now: float) -> None:
        """The next connection begins with nothing: no call is known there."""
        for call in self._calls.values():
            if not call.is_held:
                call.server_id, call.is_open_in_handle, call.since_s = "", False, now

    def tick(self, now: float) -> None:
        """Answer for a tools process that does not, and forget what will not be asked for again."""
        for call in list(self._calls.values()):
            if call.result is None and now >= call.due_s:
                name, tool = call.name, self.offered.get(call.name)
                within = f" within {tool.timeout_s:g} s" if tool is not None else ""
                self._fail(call, f"{name} did not answer{within}", now)
                self._orders.append(wire.CancelTool(call.id))
            elif (call.is_sent or not call.server_id) and call.result and now - call.since_s > REMEMBER_S:
                self._forget(call)

    # Helpers.

    def _is_same(self, call: Call, mark: str) -> bool:
        return call.mark == mark and call.connection < self._connection and not call.is_held

    def _refusal(self, call: Call) -> str | None:
        if call.name not in self.offered:
            return f"there is no tool named {call.name}; there are {', '.join(self.offered) or 'none'}"
        if not call.args:
            return "the arguments cannot be read"
        if (size := len(call.args.encode())) > MAX_ARGS_BYTES:
            return f"the arguments have {size} bytes, at most {MAX_ARGS_BYTES} are taken"
        if sum(other.result is None for other in self._calls.values()) >= MAX_OPEN:
            return f"{MAX_OPEN} calls are running already"
        return None

    def _response(self, call: Call, result: wire.ToolResult) -> dict[str, Any]:
        content = (
            {"error": result.error}
            if result.error is not None
            else {"output": msgspec.json.decode(result.output or "null")}
        )
        response = {"name": call.name, "response": content}
        if call.has_id:
            response["id"] = call.server_id
        tool = self.offered.get(call.name)
        if tool is not None and not tool.is_blocking and self._can_schedule:
            response["scheduling"] = tool.scheduling
        return response

    def _fail(self, call: Call, error: str, now: float) -> None:
        call.result, call.since_s = wire.ToolResult(call.id, error=error), now

    def _drop(self, call: Call) -> None:
        """Nobody wants it: end the function, if it can be."""
        del self._calls[call.id]
        if call.is_given:
            self._orders.append(wire.CancelTool(call.id))

    def _forget(self, call: Call) -> None:
        """It is over."""
        del self._calls[call.id]
        if call.is_given:
            self._orders.append(wire.ToolKept(call.id))

    def _forget_oldest(self) -> None:
        over = [call for call in self._calls.values() if call.is_sent or not call.server_id]
        for call in over[: max(0, len(self._calls) - MAX_KNOWN)]:
            self._forget(call)
