"""Which of the devices there are is meant. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from actors.devices.audio import DeviceAbsent, DeviceError

Direction = Literal["input", "output"]
NOUNS = {"input": "microphone", "output": "loudspeaker"}


def choose(
    direction: Direction, wanted: str, there: Sequence[Mapping[str, Any]], default: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """Give the device with this name or part of it; "" is the default one. Raises `DeviceAbsent`, or `DeviceError` if several fit."""
    names = ", ".join(dict.fromkeys(f'"{info["name"]}"' for info in there)) or "none at all"
    if not wanted:
        if default is None:
            raise DeviceAbsent(
                f"there is no default {NOUNS[direction]} (devices: {names}); plug one in, or start the sound server"
            )
        return default
    fits = [info for info in there if info["name"].lower() == wanted.lower()]
    fits = fits or [info for info in there if wanted.lower() in info["name"].lower()]
    if not fits:
        raise DeviceAbsent(
            f'no {NOUNS[direction]} has "{wanted}" in its name (devices: {names}); plug it in or configure another'
        )
    if len({info["name"] for info in fits}) > 1:
        several = ", ".join(f'"{info["name"]}"' for info in fits)
        raise DeviceError(
            f'"{wanted}" fits more than one {NOUNS[direction]}: {several}; give more of the name'
        )
    return fits[0]
