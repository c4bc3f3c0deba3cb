"""Versions, limits and the terminal: what the machine itself brings along."""

import importlib.metadata
import os
import platform
import resource
import sys
from collections.abc import Iterator, Mapping

import psutil

from actors.devices.audio import DeviceError
from supervisor.doctor.finding import Finding, note, ok, wrong

NEEDED_FILES = 256
ENOUGH_MEMORY = 500 << 20
"""A tree takes 300 MiB, most of it the SDK's."""
INSTALL = "run `scripts/start` once, which installs what is missing"


def versions() -> Iterator[Finding]:
    """Look at the interpreter and the libraries everything stands on."""
    yield ok("python", f"{platform.python_version()} ({sys.executable})")
    yield _zmq()
    yield _portaudio()
    yield _package("google-genai")


def limits() -> Iterator[Finding]:
    """Look at what the system lets us have: files, processes, memory, processors."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != resource.RLIM_INFINITY and files < NEEDED_FILES:
        yield wrong("files", f"only {files} may be open at once", f"ulimit -n {4 * NEEDED_FILES}")
    else:
        yield ok("files", f"{_count(files)} may be open at once")
    free = psutil.virtual_memory().available
    text = f"{free >> 20} MiB free"
    yield (
        ok("memory", text)
        if free > ENOUGH_MEMORY
        else note("memory", text, "close something: a conversation needs about 300 MiB")
    )
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    text = f"{cores} cores, load {load:.1f}"
    is_busy = load > 2 * cores
    yield (
        note("processors", text, "audio may stutter while so much else runs")
        if is_busy
        else ok("processors", text)
    )


def terminal(environment: Mapping[str, str], encoding: str | None) -> Finding:
    """Look at where the user types and reads; `encoding` is None when that is no terminal."""
    if encoding is None:
        return ok("terminal", "none: lines come through a pipe, replies go to stdout")
    kind = environment.get("TERM", "")
    if kind in {"", "dumb"}:
        return note("terminal", f"TERM is {kind or 'not set'}", "line editing may look odd; try TERM=xterm")
    if encoding.lower() != "utf-8":
        return note("terminal", f"{kind}, but its encoding is {encoding}", "export LANG=C.UTF-8")
    return ok("terminal", f"{kind}, {encoding}")


def _zmq() -> Finding:
    from actors.runtime import bus

    version, has_curve = bus.library()
    if has_curve:
        return ok("libzmq", f"{version}, with CURVE")
    return note(
        "libzmq", f"{version}, without CURVE", "remote devices need it: pip install --force-reinstall pyzmq"
    )


def _portaudio() -> Finding:
    try:
        from actors.devices import portaudio
    except DeviceError as error:
        return wrong("portaudio", str(error), INSTALL)
    return ok("portaudio", portaudio.library())


def _package(name: str) -> Finding:
    try:
        return ok(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return wrong(name, "is not installed", INSTALL)


def _count(limit: int) -> str:
    return "any number" if limit == resource.RLIM_INFINITY else str(limit)
