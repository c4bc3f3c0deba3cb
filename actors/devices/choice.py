"""Which of the devices there are is meant. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from actors.devices.audio import DeviceAbsent, DeviceError

Direction = Literal["input", "output"]
NOUNS = {"input": "microphone", "output": "loudspeaker"}
_FALLBACK_RATES_HZ = (48_000, 44_100)


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


def channels_key(direction: str) -> str:
    """Return the name under which PortAudio tells how many channels a device has."""
    return f"max{direction.capitalize()}Channels"


def ways_to_open(info: Mapping[str, Any], direction: str, rate_hz: int) -> Iterator[tuple[int, int]]:
    """Give rates and numbers of channels to try, the nearest to mono at `rate_hz` first."""
    most = int(info[channels_key(direction)])
    for rate in dict.fromkeys((rate_hz, int(info["defaultSampleRate"]), *_FALLBACK_RATES_HZ)):
        for channels in dict.fromkeys((1, min(2, most), most)):
            yield rate, channels
