"""The child entry for actors on asyncio."""

import asyncio

from actors.runtime.actor import Actor, ActorSpec
from actors.runtime.asyncloop import AsyncLoop
from actors.runtime.notify import Notifier
from actors.runtime.process import watch_signals


def serve(actor_type: type[Actor], spec: ActorSpec, notifier: Notifier) -> None:
    """Run the actor to its end. Raises what ended it."""
    asyncio.run(_serve(actor_type, spec, notifier))


async def _serve(actor_type: type[Actor], spec: ActorSpec, notifier: Notifier) -> None:
    running = asyncio.get_running_loop()
    loop = AsyncLoop(running)
    failures: list[BaseException] = []

    def crash(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        failures.append(
            error if isinstance(error, BaseException) else RuntimeError(str(context.get("message")))
        )
        loop.stop()

    running.set_exception_handler(crash)  # asyncio would log and go on with a broken actor
    watch_signals(loop)
    actor = actor_type(spec, loop, notifier)
    try:
        actor.start()
        await loop.stopped.wait()
        await actor.finish()
    finally:
        actor.stop()
    if failures:
        raise failures[0]
