"""Remote devices, from both ends: whether the gate's ports can be had, and whether a device reaches its host."""

import contextlib
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from actors.runtime.keyring import DEVICE_KEY, HOST_KEY, REGISTER, KeyringError, own_keys, read_register
from actors.settings import GateTable, HostTable, Settings
from supervisor.doctor.finding import Finding, note, ok, wrong
from supervisor.instance import config_root
from supervisor.spec import has_gate

WITHIN_S = 3.0


def remote(settings: Settings, *, is_running: bool) -> Iterator[Finding]:
    """Look at what remote devices need; nothing, when there are none. `is_running`: the gate has its ports already."""
    if settings.host.address:
        yield _keys(config_root() / DEVICE_KEY)
        yield from _host(settings.host)
    elif has_gate(settings):
        yield _keys(config_root() / HOST_KEY)
        yield _register(settings, config_root() / REGISTER)
        if not is_running:
            yield from _ports(settings.gate)


def _host(host: HostTable) -> Iterator[Finding]:
    for port in (host.control_port, host.media_port):
        try:
            socket.create_connection((host.address, port), WITHIN_S).close()
        except OSError as error:
            remedy = "is the conversation running there, does its firewall let these ports in, is [host] address still its own?"
            yield wrong("host", f"{host.address}:{port} cannot be reached: {error}", remedy)
        else:
            yield ok("host", f"{host.address}:{port} answers")


def _ports(gate: GateTable) -> Iterator[Finding]:
    for port in (gate.control_port, gate.media_port):
        family = socket.AF_INET6 if ":" in gate.address else socket.AF_INET
        with contextlib.closing(socket.socket(family)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((gate.address, port))
            except OSError as error:
                yield wrong(
                    "gate", f"{gate.address}:{port} cannot be had: {error}", "choose other ports in [gate]"
                )
            else:
                yield ok("gate", f"{gate.address}:{port} is free")


def _keys(path: Path) -> Finding:
    try:
        own_keys(path)
    except KeyringError as error:
        return wrong(
            "keys", str(error), "`supervisor pair` on the host and `supervisor join` on the device make them"
        )
    return ok("keys", f"{path}, readable by you only")


def _register(settings: Settings, path: Path) -> Finding:
    try:
        known = read_register(path)
    except KeyringError as error:
        return wrong("devices", str(error), "pair the devices again")
    wanted = {table["on"] for table in settings.actors.values() if table.get("on")}
    welcome = {name for name, device in known.items() if device.may_enter(datetime.now(UTC))}
    if missing := ", ".join(sorted(wanted - welcome)):
        return note("devices", f"not paired (any more): {missing}", "supervisor pair NAME")
    return ok("devices", f"paired: {', '.join(sorted(wanted))}")
