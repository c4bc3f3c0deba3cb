"""Whether `model.tools` can be offered, found out as the conversation would: in a worker process. For `supervisor check`."""

from actors import wire
from actors.model.tools.runner import Runner
from actors.runtime.inbox import Counters
from actors.runtime.loop import PollLoop


def problems(references: list[str]) -> list[str]:
    """Return what is wrong with `model.tools`, [] when every function can be offered."""
    if not references:
        return []
    loop = PollLoop()
    found: list[str] = []

    def loaded(_: wire.ToolsOffered) -> None:
        loop.stop()

    def unusable(why: str) -> None:
        found.append(why)
        loop.stop()

    runner = Runner(loop, references, Counters(), loaded, lambda _: None, unusable)
    runner.start()
    loop.run()
    runner.close()
    loop.close()
    return found[:1]
