"""What finding each other in the local network needs beyond a plain installation."""

import importlib.util
import sys

ZEROCONF = "zeroconf>=0.149.16,<1"
"""What the extra `lan` installs."""


def is_installed() -> bool:
    """Whether the extra is there."""
    return importlib.util.find_spec("zeroconf") is not None


def how_to_install(what: str) -> str:
    """Say what it needs, and how to get that."""
    return f"{what} needs an extra: {sys.executable} -m pip install '{ZEROCONF}'"
