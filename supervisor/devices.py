"""`supervisor devices`: what there is to hear, to speak and to see with."""

import sys
from collections.abc import Callable

import msgspec

from actors.devices import audio, video
from actors.devices.audio import DeviceError, DeviceInfo
from actors.devices.video import VideoInfo
from actors.devices.video_extra import VideoUnavailable
from supervisor.remote import paired


def show(*, as_json: bool) -> int:
    """Print audio inputs and outputs, cameras and screens. Returns 0: having none is an answer, too."""
    try:
        sound = audio.list_devices()
    except DeviceError as error:
        print(f"supervisor: {error}", file=sys.stderr)
        sound = []
    cameras, no_cameras = _ask(video.list_cameras)
    screens, no_screens = _ask(video.list_screens)
    inputs = [device for device in sound if device.direction == "input"]
    outputs = [device for device in sound if device.direction == "output"]
    if as_json:
        found = {
            "inputs": inputs,
            "outputs": outputs,
            "cameras": cameras,
            "screens": screens,
            "paired": paired.rows(),
        }
        print(msgspec.json.encode({"schema": 1, **found}).decode())
        return 0
    _show_sound("Microphones", inputs)
    _show_sound("Loudspeakers", outputs)
    if sound:
        print("* is the default; put a name, or part of one, into actors.mic.device or actors.speaker.device")
    _show_video("Cameras", cameras, no_cameras or "none found; plug one in")
    _show_video("Screens", screens, no_screens)
    for line in paired.lines():
        print(line)
    return 0


def _ask(lister: Callable[[], list[VideoInfo]]) -> tuple[list[VideoInfo], str]:
    """Return what is there, and why there is nothing."""
    try:
        return lister(), ""
    except (DeviceError, VideoUnavailable) as error:
        return [], str(error)


def _show_sound(heading: str, there: list[DeviceInfo]) -> None:
    print(f"{heading}:" if there else f"{heading}: none found; plug one in, or start the sound server")
    for device in there:
        mark = "*" if device.is_default else " "
        rates = (
            ", ".join(f"{rate / 1000:g}" for rate in device.rates_hz) or f"{device.default_rate_hz / 1000:g}"
        )
        print(f"  {mark} {device.name}  ({device.host_api}, {device.max_channels} channels, {rates} kHz)")


def _show_video(heading: str, there: list[VideoInfo], otherwise: str) -> None:
    print(f"{heading}:" if there else f"{heading}: {otherwise}")
    for device in there:
        print(f'    {device.name}  (device = "{device.address}"; {device.detail})')
