"""A worker process: `python -m actors.model.tools.worker FD WAY PARENT REFERENCE...`. The user's code runs here and nowhere else.

WAY is `calls` (one plain function at a time) or `loop` (coroutines, beside each other on one event loop).
"""

import asyncio
import functools
import logging
import os
import socket
import sys
from pathlib import Path

from actors import wire
from actors.model.tools import frames, schema
from actors.model.tools.invoke import run, run_async
from actors.runtime.process import die_with_parent

MAX_REASON_CHARS = 2000
Tools = dict[str, schema.Tool]


def main() -> None:
    """Import the user's functions, say so, and run them until the other end is closed."""
    descriptor, way, parent, *references = sys.argv[1:]
    die_with_parent(int(parent))
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {way}[{os.getpid()}] %(name)s: %(message)s")
    sys.argv = [__file__]
    sys.path.insert(
        0, str(Path.cwd())
    )  # for the user's modules; ours are imported by now, and none is shadowed
    with socket.socket(fileno=int(descriptor)) as pipe:
        pipe.set_inheritable(False)
        try:
            tools = schema.load(references)
        except schema.ToolsError as error:
            pipe.send(frames.encode(frames.Unusable(str(error)[:MAX_REASON_CHARS])))
            return
        pipe.send(frames.encode(_loaded(tools)))
        if way == "loop":
            asyncio.run(_serve_loop(pipe, tools))
        else:
            _serve_calls(pipe, tools)


def _loaded(tools: Tools) -> frames.Loaded:
    offered = wire.ToolsOffered(tuple(tool.offered for tool in tools.values()))
    return frames.Loaded(offered, tuple(name for name, tool in tools.items() if tool.is_async))


def _serve_calls(pipe: socket.socket, tools: Tools) -> None:
    while packet := pipe.recv(frames.MAX_PACKET_BYTES):
        order = frames.read_order.decode(packet)
        if isinstance(order, wire.CallTool):  # a plain function cannot be cancelled, only outlived
            pipe.send(frames.encode(run(tools[order.name], order)))


async def _serve_loop(pipe: socket.socket, tools: Tools) -> None:
    pipe.setblocking(False)
    loop = asyncio.get_running_loop()
    running: dict[str, asyncio.Task[wire.ToolResult]] = {}
    while packet := await loop.sock_recv(pipe, frames.MAX_PACKET_BYTES):
        order = frames.read_order.decode(packet)
        if isinstance(order, wire.CallTool):
            task = loop.create_task(run_async(tools[order.name], order))
            running[order.call] = task
            task.add_done_callback(functools.partial(_report, pipe, running, order))
        elif order.call in running:
            running[order.call].cancel()


def _report(
    pipe: socket.socket,
    running: dict[str, asyncio.Task[wire.ToolResult]],
    call: wire.CallTool,
    task: asyncio.Task[wire.ToolResult],
) -> None:
    del running[call.call]
    cancelled = wire.ToolResult(call.call, error=f"{call.name} was cancelled")
    pipe.setblocking(True)  # a result is never dropped; the actor reads at once
    pipe.send(frames.encode(cancelled if task.cancelled() else task.result()))
    pipe.setblocking(False)


if __name__ == "__main__":
    main()
