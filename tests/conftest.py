"""Fixtures that several files share."""

import shutil
import tempfile
from pathlib import Path

import pytest
from fakes import SkippingLoop


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
