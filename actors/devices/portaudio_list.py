"""Which microphones and loudspeakers PortAudio sees, and what each can do."""

from collections.abc import Mapping
from typing import Any

from actors.devices.audio import DeviceInfo
from actors.devices.choice import Direction, channels_key
from actors.devices.portaudio import INT16, default_of, infos_of, initialise
from actors.devices.quiet import quiet_stderr

_USUAL_RATES_HZ = (16_000, 24_000, 44_100, 48_000)


def list_devices() -> list[DeviceInfo]:
    """List every input and output there is, as `audio.list_devices` promises."""
    pa = initialise()
    try:
        with quiet_stderr():
            return [_describe(pa, info, way) for way in ("input", "output") for info in infos_of(pa, way)]
    finally:
        pa.terminate()


def _describe(pa: Any, info: Mapping[str, Any], direction: Direction) -> DeviceInfo:
    default = default_of(pa, direction)
    return DeviceInfo(
        name=info["name"],
        direction=direction,
        is_default=default is not None and default["index"] == info["index"],
        host_api=pa.get_host_api_info_by_index(info["hostApi"])["name"],
        max_channels=int(info[channels_key(direction)]),
        default_rate_hz=int(info["defaultSampleRate"]),
        rates_hz=[rate for rate in _USUAL_RATES_HZ if _takes(pa, info, direction, rate)],
    )


def _takes(pa: Any, info: Mapping[str, Any], direction: Direction, rate_hz: int) -> bool:
    asked = {
        f"{direction}_device": info["index"],
        f"{direction}_channels": 1,
        f"{direction}_format": INT16,
    }
    try:
        return bool(pa.is_format_supported(rate_hz, **asked))
    except ValueError:
        return False
