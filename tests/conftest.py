"""Fixtures that several files share."""

import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from fakes import SkippingLoop


def pytest_configure():
    """Who is started in the background by a script ignores Ctrl-C, and so would all that we start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let the workers of xdist share the files as `lanes` says; other ways to share stay xdist's own."""
    if config.getoption("dist") != "loadfile":
        return None
    from lanes import Lanes

    return Lanes(config, log)


def pytest_collection_modifyitems(config, items):
    """Put them in the order of `lanes`, if this is a worker; who runs them alone gets them as they stand."""
    if hasattr(config, "workerinput"):
        from lanes import sort

        sort(items)


@pytest.fixture
def loop():
    """A real loop; the sockets made on it are closed afterwards."""
    made = SkippingLoop()
    yield made
    for socket in made.to_close:
        socket.close()
    made.close()


@pytest.fixture
def short_dir():
    """A directory with a short path: a Unix socket's has at most 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="af-", dir="/tmp"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable():
    """What a test printed or logged may hold half a character, which no worker can send to the others."""
    return _whole_characters((yield))


def _whole_characters(value):
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {_whole_characters(key): _whole_characters(inner) for key, inner in value.items()}
        case list() | tuple():
            return type(value)(_whole_characters(inner) for inner in value)
        case _:
            return value
