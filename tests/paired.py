"""Two machines that are paired as their users do it: each a tree in a network namespace."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from namespaces import HOST_ADDRESS, inside
from trees import Tree, tree


def pair(host: Tree, device: Tree, name: str, roles: str) -> None:
    """Pair as two users do, over the cable."""
    pairing = subprocess.Popen(
        [
            *host.prefix,
            sys.executable,
            "-m",
            "supervisor",
            "pair",
            name,
            "--roles",
            roles,
            "--address",
            HOST_ADDRESS,
            "--yes",
        ],
        env=host.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert pairing.stdout is not None
    with pairing:
        joined = device.command("join", "-", input=pairing.stdout.readline())
        assert (joined.returncode, pairing.wait(30)) == (0, 0), joined.stderr


@contextlib.contextmanager
def machine(namespace: str, config: str, rules: list[dict[str, Any]] | None = None) -> Iterator[Tree]:
    """Make a tree that runs in a namespace, with a configuration directory of its own."""
    with tree(config, rules=rules) as made:
        made.prefix = inside(namespace)
        made.environment["ANTIPHON_CONFIG_DIR"] = str(made.directory / "config")
        yield made
