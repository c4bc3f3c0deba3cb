"""Hands calls to worker processes, and ends the process of a function that does not end in time.

Plain functions: one per process, up to eight at once; the first process is taken first, so that what a module keeps in memory
is found again by the next call (calls that run beside each other do not share memory). Coroutines: all in one process.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from actors import wire
from actors.model.tools import frames
from actors.model.tools.process import Way, Worker
from actors.runtime.inbox import Counters
from actors.runtime.loop import Loop, Timer

MOST: dict[Way, int] = {"calls": 8, "loop": 1}
"""Processes of each way."""
MAX_OPEN = 64
CANCEL_WITHIN_S = 1.0
"""A coroutine that goes on for so long after being cancelled is ended with its process."""
IMPORT_WITHIN_S = 60.0
IDLE_S = 60.0
"""A process that had nothing to do for so long is ended, except for the first of its way."""


@dataclass(slots=True)
class _Open:
    call: wire.CallTool
    way: Way
    timer: Timer
    worker: Worker | None = None
    is_wanted: bool = True


class Runner:
    """Runs calls; every call that is not cancelled gets exactly one result, in time."""

    def __init__(
        self,
        loop: Loop,
        references: list[str],
        counters: Counters,
        on_loaded: Callable[[wire.ToolsOffered], None],
        on_result: Callable[[wire.ToolResult], None],
        on_unusable: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._references = references
        self._counters = counters
        self._on_loaded = on_loaded
        self._on_result = on_result
        self._on_unusable = on_unusable
        self._names: dict[str, Way] = {}
        self._workers: list[Worker] = []
        self._open: dict[str, _Open] = {}
        self._queue: deque[_Open] = deque()

    @property
    def pids(self) -> list[int]:
        """The worker processes, oldest first."""
        return [worker.pid for worker in self._workers]

    def start(self) -> None:
        """Import the user's modules; `on_loaded` or `on_unusable` follows."""
        self._spawn("calls")
        self._trim()

    def call(self, call: wire.CallTool) -> None:
        """Run a function; `on_result` follows within the deadline."""
        if call.call in self._open:
            return
        if call.name not in self._names:
            self._on_result(wire.ToolResult(call.call, error=f"there is no tool named {call.name}"))
        elif len(self._open) >= MAX_OPEN:
            self._on_result(wire.ToolResult(call.call, error=f"{MAX_OPEN} tools are running already"))
        else:
            timer = self._loop.call_later(call.deadline_s, lambda: self._late(call.call))
            entry = _Open(call, self._names[call.name], timer)
            self._open[call.call] = entry
            self._queue.append(entry)
            self._assign()

    def cancel(self, call: str) -> None:
        """Nobody wants the result. A coroutine is cancelled; a plain function, which cannot be, ends by itself."""
        entry = self._open.get(call)
        if entry is None:
            return
        entry.is_wanted = False
        if entry.worker is None:
            self._close(entry)
        elif entry.way == "loop":
            self._cancel_in(entry.worker, call)

    def close(self) -> None:
        """End all processes."""
        for entry in self._open.values():
            entry.timer.cancel()
        for worker in self._workers:
            worker.close()
        self._workers.clear()

    # Processes.

    def _spawn(self, way: Way) -> None:
        worker = Worker(self._loop, way, self._references, self._said, self._ended)
        self._workers.append(worker)
        late = f"it took over {IMPORT_WITHIN_S:g} s"
        self._loop.call_later(IMPORT_WITHIN_S, lambda: None if worker.is_loaded else worker.kill(late))

    def _trim(self) -> None:
        """After a burst of calls, give its memory back."""
        first = next((worker for worker in self._workers if worker.way == "calls"), None)
        for worker in list(self._workers):
            is_idle = worker.is_loaded and not worker.running
            is_old = self._loop.now() - worker.idle_since_s > IDLE_S
            if worker.way == "calls" and worker is not first and is_idle and is_old:
                self._workers.remove(worker)
                worker.close()
        self._loop.call_later(IDLE_S, self._trim)

    def _said(self, worker: Worker, said: frames.Said) -> None:
        match said:
            case frames.Loaded(offered=offered, asynchronous=asynchronous):
                if not self._names:
                    self._names = {
                        tool.name: "loop" if tool.name in asynchronous else "calls" for tool in offered.tools
                    }
                    self._on_loaded(offered)
            case frames.Unusable(reason=reason):
                self._cannot_import(worker, reason)
            case wire.ToolResult(call=call):
                worker.running.discard(call)
                worker.idle_since_s = self._loop.now()
                if (entry := self._open.get(call)) is not None and entry.worker is worker:
                    self._finish(entry, said)
        self._assign()

    def _ended(self, worker: Worker, why: str) -> None:
        self._workers.remove(worker)
        for call in worker.running:
            if (entry := self._open.get(call)) is not None:
                self._finish(
                    entry, wire.ToolResult(call, error=f"the process of {entry.call.name} ended: {why}")
                )
        if not worker.is_loaded:
            self._cannot_import(worker, f"importing {', '.join(self._references)} ended the process: {why}")
        elif worker.running and not any(other.way == worker.way for other in self._workers):
            self._spawn(worker.way)  # so that the next call need not wait for the imports
        self._assign()

    def _cannot_import(self, worker: Worker, why: str) -> None:
        if not self._names:
            self._on_unusable(why)
        for entry in [entry for entry in self._queue if entry.way == worker.way]:
            self._finish(entry, wire.ToolResult(entry.call.call, error=why))

    def _assign(self) -> None:
        """Give queued calls to free processes, and start as many as are missing."""
        for entry in list(self._queue):
            worker = next(
                (worker for worker in self._workers if worker.way == entry.way and worker.is_free), None
            )
            if worker is not None:
                self._give(entry, worker)
        for way, most in MOST.items():
            there = [worker for worker in self._workers if worker.way == way]
            loading = sum(not worker.is_loaded for worker in there)
            waiting = sum(entry.way == way for entry in self._queue)
            for _ in range(min(waiting - loading, most - len(there))):
                self._spawn(way)

    def _give(self, entry: _Open, worker: Worker) -> None:
        self._queue.remove(entry)
        if worker.send(entry.call):
            entry.worker = worker
            worker.running.add(entry.call.call)
        else:
            self._finish(
                entry,
                wire.ToolResult(entry.call.call, error=f"the process of {entry.call.name} takes no calls"),
            )

    # Ends of calls.

    def _late(self, call: str) -> None:
        entry = self._open.get(call)
        if entry is None:
            return
        name, within_s = entry.call.name, entry.call.deadline_s
        if entry.worker is None:
            error = f"{name} was not begun within {within_s:g} s: no process was free"
        else:
            error = f"{name} did not answer within {within_s:g} s and was stopped"
            self._counters.drop("tool_stopped")
            if entry.way == "loop":
                self._cancel_in(entry.worker, call)
            else:
                entry.worker.kill(error)
        self._finish(entry, wire.ToolResult(call, error=error))

    def _cancel_in(self, worker: Worker, call: str) -> None:
        worker.send(wire.CancelTool(call))
        hung = f"{self._open[call].call.name}, which ran beside it, hung"
        self._loop.call_later(CANCEL_WITHIN_S, lambda: worker.kill(hung) if call in worker.running else None)

    def _finish(self, entry: _Open, result: wire.ToolResult) -> None:
        self._close(entry)
        if entry.is_wanted:
            self._on_result(result)

    def _close(self, entry: _Open) -> None:
        entry.timer.cancel()
        self._open.pop(entry.call.call, None)
        if entry in self._queue:
            self._queue.remove(entry)
