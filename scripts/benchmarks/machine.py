"""The machine and the versions a measurement belongs to."""

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

import msgspec

PACKAGES = ("google-genai", "websockets", "pyzmq", "msgspec", "PyAudio", "numpy")


class Machine(msgspec.Struct, frozen=True):
    """Enough to tell why another machine gives other numbers."""

    cpu: str
    cores: int
    memory_mib: int
    kernel: str
    python: str
    pulseaudio: str
    packages: dict[str, str]
    load_before: tuple[float, float, float]


def describe() -> Machine:
    """Look at this machine, now."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 0,
        memory_mib=memory // 2**20,
        kernel=platform.release(),
        python=platform.python_version(),
        pulseaudio=_said("pulseaudio", "--version"),
        packages={name: importlib.metadata.version(name) for name in PACKAGES},
        load_before=os.getloadavg(),
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()
