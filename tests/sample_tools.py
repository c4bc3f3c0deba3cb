"""Functions a user might offer: good ones, and all the ways in which one can go wrong. Run by workers, never by the tests."""

import asyncio
import ctypes
import itertools
import os
import subprocess
import time
from pathlib import Path

from actors.model.tools import tool

_calls = itertools.count(1)


@tool
def add(a: int, b: int = 2) -> int:
    """Add two numbers.

    Args:
        a: the first
        b: the second
    """
    return a + b


@tool
def count() -> int:
    """Count the calls this process has had."""
    return next(_calls)


@tool
def fail(why: str) -> None:
    """Raise."""
    raise LookupError(why)


@tool
def give_up() -> None:
    """Ask Python to end."""
    raise SystemExit(4)


@tool(timeout_s=2)
def spin() -> None:
    """Loop for ever, holding the lock of the interpreter."""
    while True:
        pass


@tool(timeout_s=2)
def spin_in_c() -> None:
    """Hang where no Python code and no signal handler runs."""
    ctypes.PyDLL(None).sleep(60)


@tool
def leave() -> None:
    """End the process without a word."""
    os._exit(3)


@tool(timeout_s=20)
def wait_for_others(directory: str, me: str, others: int) -> list[str]:
    """Return once so many calls are here at the same time."""
    (Path(directory) / me).touch()
    while len(here := sorted(path.name for path in Path(directory).iterdir())) < others:
        time.sleep(0.01)
    return here


@tool
def write_down(path: str, go: str) -> str:
    """Note that it runs, and end when a file appears."""
    with Path(path).open("a") as file:
        file.write("ran\n")
    while not Path(go).exists():
        time.sleep(0.01)
    return "written"


@tool
def note(path: str, word: str) -> str:
    """Take a while to write a word."""
    with Path(path).open("a") as file:
        file.write(f"{word}\n")
    time.sleep(0.2)
    return word


@tool(timeout_s=2)
def leave_a_child(path: str) -> None:
    """Start a program, say its number, and hang."""
    Path(path).write_text(str(subprocess.Popen(["sleep", "60"]).pid))
    time.sleep(60)


@tool
def where() -> int:
    """Return the process this runs in."""
    return os.getpid()


@tool
def huge() -> str:
    """Return more than can be taken."""
    return "x" * 70_000


@tool
def strange() -> object:
    """Return what JSON has no words for."""
    return object()


@tool(blocking=False, scheduling="SILENT", timeout_s=5)
async def nap(seconds: float) -> str:
    """Sleep without holding anybody up."""
    await asyncio.sleep(seconds)
    return "rested"


@tool(timeout_s=1)
async def block_the_loop() -> None:
    """Hold everybody up."""
    time.sleep(60)  # noqa: ASYNC251 - just what a tool must not do


@tool
async def where_the_loop_is() -> int:
    """Return the process of the coroutines."""
    return os.getpid()


@tool(timeout_s=1)
async def refuse_to_end() -> None:
    """Go on after being cancelled."""
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue
