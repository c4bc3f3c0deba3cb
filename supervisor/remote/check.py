"""What can be wrong in a configuration with devices. Pure."""

import re

from actors.settings import ACTOR_NAME, Settings, kind_of

KINDS = ("mic", "speaker")
"""What can be lent: the terminal and the model stay where the conversation is."""


def problems(settings: Settings) -> list[str]:
    """Return what is wrong, one line each."""
    if settings.host.address:
        return _on_device(settings)
    found = []
    for name, table in settings.actors.items():
        device, kind = table.get("on", ""), kind_of(name, table)
        if device and kind not in KINDS:
            found.append(
                f"actors.{name}.on: a {kind} cannot be on another machine; only {' and '.join(KINDS)} can"
            )
        elif device and not re.fullmatch(ACTOR_NAME, device):
            found.append(f"actors.{name}.on: {device!r} is no name of a device, see `supervisor devices`")
    if settings.gate.control_port == settings.gate.media_port:
        found.append("gate.media_port: must be another port than gate.control_port")
    return found


def _on_device(settings: Settings) -> list[str]:
    found = []
    if not settings.host.public_key:
        found.append("host.public_key: missing; let `supervisor join -` write this file")
    for name, table in settings.actors.items():
        kind = kind_of(name, table)
        if kind not in KINDS:
            found.append(f"actors.{name}: a device has only {' and '.join(KINDS)}; the rest runs on its host")
        if table.get("on"):
            found.append(f"actors.{name}.on: belongs into the host's configuration, not into the device's")
    if not settings.actors:
        found.append(
            'actors: nothing to lend; add [actors.NAME] as the host calls it, with kind = "mic" or "speaker"'
        )
    return found
