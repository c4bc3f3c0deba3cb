"""A conversation on two machines: two trees in two network namespaces, paired, with a link between them as bad as ordered."""

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from relay import DEVICE_ADDRESS, HOST_ADDRESS, BadLink, bad_link
from trees import Tree, tree, wait_for
from voices import Talk

from actors.runtime import keyring

HOST = """
[session]
name = "test"
duplex = "{duplex}"
[model]
provider = "parrot"
[gate]
address = "{address}"
{actors}
[actors.parrot]
voice = "tones"
journal = "{{journal}}"
script = "{{script}}"
keep_audio = "{{directory}}/tmp"
[supervision]
max_restarts = 10000
"""
DEVICE = """
[session]
name = "test"
duplex = "{duplex}"
[host]
address = "{address}"
public_key = {key}
device = "pi"
{actors}
[supervision]
max_restarts = 10000
"""


@dataclass
class Afar:
    """Two trees, and what is between them."""

    link: BadLink
    host: Tree
    device: Tree

    @property
    def talk(self) -> Talk:
        """Where the user types, and the model is."""
        return Talk(self.host)

    def remote(self, name: str) -> dict[str, Any]:
        """Return what the host's status says of an actor of the device."""
        rows = self.host.status()["actors"]
        return next((row for row in rows if row["name"] == name), {"state": "absent"})

    def wait_connected(self, name: str) -> None:
        """Wait until the host knows an actor of the device and its clock."""
        wait_for(
            lambda: self.remote(name)["state"] == "ready" and self.remote(name)["remote"]["delay_ms"],
            f"{name} is connected; {self.host.logs()} {self.device.logs()}",
        )


@contextlib.contextmanager
def afar(
    host_actors: str,
    device_actors: str,
    *,
    duplex: str = "headset",
    rules: list[dict[str, Any]] | None = None,
    host_sound: dict[str, str] | None = None,
    device_sound: dict[str, str] | None = None,
    **profile: Any,
) -> Iterator[Afar]:
    """Start both trees; the names of the device's actors stand in `host_actors` with `on = "pi"`."""
    host_config = HOST.format(duplex=duplex, address=HOST_ADDRESS, actors=host_actors)
    device_config = DEVICE.format(duplex=duplex, address=HOST_ADDRESS, actors=device_actors, key="{{key}}")
    with contextlib.ExitStack() as stack:
        link = stack.enter_context(bad_link(**profile))
        host = stack.enter_context(tree(host_config, host_sound, rules))
        device = stack.enter_context(tree("", device_sound))
        _pair(host, device, device_config)
        host.prefix, device.prefix = link.inside(link.host), link.inside(link.device)
        said = stack.enter_context((host.directory / "said.txt").open("w"))
        host.start(stdin=subprocess.PIPE, stdout=said, stderr=subprocess.STDOUT)
        device.start(stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
        yield Afar(link, host, device)


def _pair(host: Tree, device: Tree, device_config: str) -> None:
    """Write what pairing writes."""
    for each in (host, device):
        (each.directory / "keys").mkdir(mode=0o700)
        each.environment["ANTIPHON_CONFIG_DIR"] = str(each.directory / "keys")
    host_keys = keyring.own_keys(host.directory / "keys" / keyring.HOST_KEY, make=True)
    device_keys = keyring.own_keys(device.directory / "keys" / keyring.DEVICE_KEY, make=True)
    added = datetime.now(UTC).isoformat(timespec="seconds")
    register = {"pi": keyring.Device(device_keys.public, ["mic", "speaker"], added)}
    keyring.write_register(host.directory / "keys" / keyring.REGISTER, register)
    quoted = "'" + host_keys.public + "'"
    device.config.write_text(
        device_config.replace("{{key}}", quoted).replace("{{directory}}", str(device.directory))
    )


__all__ = ["DEVICE_ADDRESS", "Afar", "afar"]
