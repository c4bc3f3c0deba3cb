"""The tools actor: between the session and the worker processes. None of the user's code runs in it."""

from actors import wire
from actors.model.tools.runner import Runner
from actors.runtime import exits
from actors.runtime.actor import Actor, ActorSpec
from actors.runtime.loop import Loop
from actors.runtime.notify import Notifier

MAX_KEPT = 64


class ToolsActor(Actor):
    """Offers the user's functions and runs them; remembers each call until the model's context holds it."""

    def __init__(self, spec: ActorSpec, loop: Loop, notifier: Notifier) -> None:
        super().__init__(spec, loop, notifier)
        self.runner = Runner(
            loop, spec.settings.model.tools, self.counters, self._loaded, self._result, self._unusable
        )
        self._offer: wire.ToolsOffered | None = None
        self._calls: dict[str, wire.CallTool] = {}
        """Not kept yet, oldest first."""
        self._results: dict[str, wire.ToolResult] = {}

    def on_start(self) -> None:
        """Import the user's modules; ready once that has worked."""
        self.detail = "importing"
        self.runner.start()

    def on_stop(self) -> None:
        """End the functions that still run."""
        self.runner.close()

    def on_welcome(self) -> None:
        """A session is there: what an earlier one wanted to know, and then what can be called."""
        if self._offer is None:
            return
        for call in self._calls.values():
            self.media.send(call)
            if call.call in self._results:
                self.media.send(self._results[call.call])
        self.media.send(self._offer)

    def on_message(self, message: wire.Wire, envelope: wire.Envelope) -> None:
        """Run, cancel or forget a call."""
        match message:
            case wire.CallTool() as call:
                self._remember(call)
                self.runner.call(call)
            case wire.CancelTool(call=call_id):
                self._forget(call_id)
                self.runner.cancel(call_id)
            case wire.ToolKept(call=call_id):
                self._forget(call_id)
            case _:
                super().on_message(message, envelope)

    def _loaded(self, offer: wire.ToolsOffered) -> None:
        self._offer = offer
        self.detail = ", ".join(tool.name for tool in offer.tools)[:200]
        self.on_welcome()
        self.ready()

    def _result(self, result: wire.ToolResult) -> None:
        if result.call in self._calls:
            self._results[result.call] = result
        self.media.send(result)

    def _unusable(self, why: str) -> None:
        raise exits.ActorExit(exits.BAD_CONFIG, why)

    def _remember(self, call: wire.CallTool) -> None:
        self._calls[call.call] = call
        while len(self._calls) > MAX_KEPT:
            self._forget(next(iter(self._calls)))

    def _forget(self, call: str) -> None:
        self._calls.pop(call, None)
        self._results.pop(call, None)
