"""`supervisor devices`: what there is to hear and to speak with."""

import sys

import msgspec


def show(*, as_json: bool) -> int:
    """Print audio inputs and outputs. Returns 0: having none is an answer, too."""
    from actors.devices.audio import DeviceError, list_devices

    try:
        found = list_devices()
    except DeviceError as error:
        print(f"supervisor: {error}", file=sys.stderr)
        found = []
    if as_json:
        inputs = [device for device in found if device.direction == "input"]
        outputs = [device for device in found if device.direction == "output"]
        print(msgspec.json.encode({"schema": 1, "inputs": inputs, "outputs": outputs}).decode())
        return 0
    for direction, heading in (("input", "Microphones"), ("output", "Loudspeakers")):
        there = [device for device in found if device.direction == direction]
        print(f"{heading}:" if there else f"{heading}: none found; plug one in, or start the sound server")
        for device in there:
            mark = "*" if device.is_default else " "
            rates = (
                ", ".join(f"{rate / 1000:g}" for rate in device.rates_hz)
                or f"{device.default_rate_hz / 1000:g}"
            )
            print(f"  {mark} {device.name}  ({device.host_api}, {device.max_channels} channels, {rates} kHz)")
    if found:
        print("* is the default; put a name, or part of one, into actors.mic.device or actors.speaker.device")
    return 0
