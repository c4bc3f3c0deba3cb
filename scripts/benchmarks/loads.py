"""What else the user's program does while it talks: the four loads, the same code wherever they run.

A process that carries a load obeys its orders, a line each: "LOAD BYTES" starts it, "say TEXT" types a user's turn, the end
of the input ends the process. They come on stdin, or, when that is a terminal, on the descriptor that `BENCH_ORDERS` names.
"""

import asyncio
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import NoReturn

ORDERS = "BENCH_ORDERS"
Say = Callable[[str], Awaitable[None]]

LOADS = ("none", "threads", "tool", "c_call")
SAID = {
    "none": "nothing else",
    "threads": "two busy Python threads",
    "tool": "a tool that blocks 150 ms, about twice a second",
    "c_call": "a C call that holds the GIL about 200 ms, about each second",
}
TOOL_S = 0.15
TOOL_EVERY_S = 0.5
GOLDEN = (5**0.5 - 1) / 2
C_CALL_S = 0.2
C_CALL_EVERY_S = 1.0
WAVERS = 0.2
"""By this part of it, in all, the pause between two of them varies: in step with a rival's blocks they would be all harmless, or none."""
NUMBER = "0.12345678901234567"

_tasks: set[asyncio.Task[None]] = set()


def begin(load: str, json_bytes: int) -> None:
    """Start a load in this process, for good; "tool" needs a running event loop and blocks it. Raises ValueError."""
    if load == "threads":
        _start_thread(_count)
        _start_thread(_count)
    elif load == "c_call":
        _start_thread(lambda: _parse(json_text(json_bytes)))
    elif load == "tool":
        _tasks.add(asyncio.get_running_loop().create_task(_call_tool()))
    elif load != "none":
        raise ValueError(f"there is no load {load!r}; there are {', '.join(LOADS)}")


async def obey(say: Say | None = None) -> NoReturn:
    """Do what is ordered, and end the process when the orders end."""
    orders: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    _start_thread(lambda: _read(lambda line: loop.call_soon_threadsafe(orders.put_nowait, line)))
    while order := await orders.get():
        word, _, rest = order.strip().partition(" ")
        if word != "say":
            begin(word, int(rest))
        elif say is not None:
            await say(rest)
    os._exit(0)  # a thread may sit in a blocking read or write that nobody will ever serve


def _read(take: Callable[[str], object]) -> None:
    """Read the orders, in a thread that holds up no process that wants to end; the last one is empty."""
    with os.fdopen(int(os.environ[ORDERS])) if ORDERS in os.environ else sys.stdin as orders:
        for line in orders:
            take(line)
    take("")


def json_text(n_bytes: int) -> str:
    """Return a JSON list of about that size that is slow to parse for its length."""
    return f"[{','.join([NUMBER] * max(1, n_bytes // (len(NUMBER) + 1)))}]"


def bytes_for(held_s: float) -> int:
    """Measure how much of `json_text` this machine parses in that time."""
    text = json_text(4_000_000)
    took = []
    for _ in range(5):
        began_s = time.perf_counter()
        json.loads(text)
        took.append(time.perf_counter() - began_s)
    return round(len(text) * held_s / min(took))


def _start_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


def _count() -> NoReturn:
    number = 1
    while True:
        number = (number * 31 + 7) & 0xFFFF


def pauses_s(every_s: float) -> Iterator[float]:
    """Yield, without end, how long after the beginning of each the next one begins."""
    for number in itertools.count():
        yield every_s * (1 + WAVERS * (evenly(number) - 0.5))


def evenly(number: int) -> float:
    """Return a part of one for each number: those of any numbers in a row are spread as evenly as can be."""
    return number * GOLDEN % 1


def _parse(text: str) -> None:
    for pause_s in pauses_s(C_CALL_EVERY_S):
        began_s = time.monotonic()
        json.loads(text)
        time.sleep(max(0.0, pause_s - (time.monotonic() - began_s)))


async def _call_tool() -> None:
    for pause_s in pauses_s(TOOL_EVERY_S):
        time.sleep(TOOL_S)  # noqa: ASYNC251 - the mistake this load stands for
        await asyncio.sleep(pause_s - TOOL_S)


if __name__ == "__main__":
    asyncio.run(obey())
