"""The packages that cameras and screens need beyond the others: an extra, and only the process that films pays for it."""

import importlib.util
import sys

REQUIREMENTS = {
    "linuxpy": "linuxpy>=0.25,<1",
    "mss": "mss>=10.2,<11",
    "PIL": "pillow>=11,<14",
}
"""Module -> what to install; the same as the extra `video` of pyproject.toml."""


class VideoUnavailable(Exception):  # noqa: N818 - a state of the installation, not a fault
    """It cannot be used; the text says why and what to install."""


def missing(*modules: str) -> list[str]:
    """Return those that are not installed. Looks, and imports nothing."""
    return [name for name in modules if importlib.util.find_spec(name) is None]


def how_to_install(what: str, *modules: str) -> str:
    """Say what to type: "cameras need extra packages: ..."."""
    wanted = " ".join(f"'{REQUIREMENTS[name]}'" for name in modules)
    packages = "an extra package" if len(modules) == 1 else "extra packages"
    return f"{what} {packages}: {sys.executable} -m pip install {wanted}"
