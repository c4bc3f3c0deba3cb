"""What an actor's process is given at its birth: its command, its orders, and what of our environment it may see."""

import os
import sys
from pathlib import Path

import msgspec

from actors.runtime.actor import ActorSpec
from actors.settings import Settings
from supervisor.instance import config_root
from supervisor.spec import ChildSpec

PASSED_ON = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "PYTHONUNBUFFERED",
    "PYTHONASYNCIODEBUG",
    "PYTHONDONTWRITEBYTECODE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
]
"""An allow-list: a secret in the user's environment reaches nobody by default."""
PASSED_PREFIXES = ("LC_", "PULSE_", "ALSA_", "JACK_", "PIPEWIRE_", "PA_ALSA_")
SESSION_ONLY = (
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
)


def boot_command(spec: ChildSpec, settings: Settings) -> list[str]:
    """Return the command line: the name, for whoever looks at a list of processes, and nothing secret."""
    name = settings.session.name
    return [sys.executable, "-P", "-m", "actors.runtime.boot", spec.name, "--of", name]


def environment_of(
    spec: ChildSpec, settings: Settings, run_dir: Path, secrets: tuple[str, ...]
) -> dict[str, str]:
    """Return its environment; `secrets` names the variables that only the session gets."""
    orders = ActorSpec(
        name=spec.name,
        kind=spec.kind,
        target=spec.how.target,
        run_dir=str(run_dir),
        settings=settings,
        loop=spec.how.loop,
        keys_dir=str(config_root()),
    )
    wanted = set(PASSED_ON)
    if spec.kind == "session":
        wanted |= set(secrets) | set(SESSION_ONLY)
    if spec.kind == "tools":
        wanted |= set(settings.model.tools_env) - set(secrets)
    passed = {
        key: value for key, value in os.environ.items() if key in wanted or key.startswith(PASSED_PREFIXES)
    }
    return passed | {"ANTIPHON_SPEC": msgspec.json.encode(orders).decode()}
