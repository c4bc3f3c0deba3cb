"""Cameras and screens: each is really opened, and has to see something."""

import queue
from collections.abc import Iterator
from contextlib import closing

from actors import wire
from actors.devices.audio import DeviceAbsent, DeviceError
from actors.devices.picture import look
from actors.devices.video import Wanted, open_camera, open_screen
from actors.devices.video_extra import VideoUnavailable
from actors.settings import Settings, VideoTable, kind_of
from supervisor.doctor.finding import Finding, note, ok, wrong

SEES_WITHIN_S = 10.0


def eyes(settings: Settings) -> Iterator[Finding]:
    """Look through every camera and screen that the configuration asks for on this machine."""
    for name, values in settings.actors.items():
        kind = kind_of(name, values)
        table = settings.table(name, kind)
        if isinstance(table, VideoTable) and table.enabled is not False and not table.on:
            yield _tried(name, kind, table)


def _tried(name: str, kind: str, table: VideoTable) -> Finding:
    try:
        return ok(name, _seen(kind, table))
    except DeviceAbsent as error:
        if table.enabled == "auto":
            return note(name, f"off: {error}")
        return wrong(name, str(error), f'actors.{name}.enabled = "auto" goes on without it')
    except (DeviceError, VideoUnavailable) as error:
        return wrong(name, str(error), "`supervisor devices` lists what there is")


def _seen(kind: str, table: VideoTable) -> str:
    pictures: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    opener = open_screen if kind == "screen" else open_camera
    wanted = Wanted(1, table.max_side, table.quality, wire.MAX_PICTURE_BYTES)
    opened = opener(table.device, wanted, lambda jpeg, _: pictures.put(jpeg))
    with closing(opened):
        try:
            jpeg = pictures.get(timeout=SEES_WITHIN_S)
        except queue.Empty:
            why = opened.error or f"no picture within {SEES_WITHIN_S:g} s"
            raise DeviceError(f"{opened.description} opens, but sees nothing: {why}") from None
    seen = look(jpeg)
    return f"{opened.description}: sees {seen.width}x{seen.height} in {len(jpeg) / 1000:.0f} kB"
