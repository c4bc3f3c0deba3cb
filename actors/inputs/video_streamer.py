"""`CameraInputStreamer` and `ScreenInputStreamer`: what the model sees. In a session each is a process of its own."""

import asyncio
from typing import Any, ClassVar

from actors.inputs.base import BaseInputStreamer
from actors.wire import MAX_PICTURE_BYTES

WATCH_S = 0.25


class CameraInputStreamer(BaseInputStreamer):
    """Shows the model the pictures of a camera.

    Attributes:
        device (str): Empty for the first camera, `/dev/videoN`, a part of its name, or `file:PATH`.
        fps (float): Pictures per second, at most 1.
        max_side (int): Pixels of the longer side; larger pictures are made smaller.
        quality (int): Of the JPEGs that are made here, 10..95.

    """

    actor_kind: ClassVar[str] = "camera"

    def __init__(self, device: str = "", fps: float = 1.0, max_side: int = 1024, quality: int = 80) -> None:
        self.device = device
        self.fps = fps
        self.max_side = max_side
        self.quality = quality

    def actor_table(self) -> dict[str, Any]:
        """Return what the camera's process is told."""
        return {"device": self.device, "fps": self.fps, "max_side": self.max_side, "quality": self.quality}

    async def stream_input(self) -> None:
        """Put every picture on the queue. Raises `DeviceError`."""
        from actors.devices.audio import DeviceError
        from actors.devices.video import Wanted, open_camera, open_screen

        assert self.state is not None
        loop = asyncio.get_running_loop()

        def came(jpeg: bytes, _: int) -> None:
            loop.call_soon_threadsafe(self._saw, jpeg)

        opener = open_screen if self.actor_kind == "screen" else open_camera
        device = opener(self.device, Wanted(self.fps, self.max_side, self.quality, MAX_PICTURE_BYTES), came)
        try:
            while not await self.state.get_terminated():
                await asyncio.sleep(WATCH_S)
                if device.is_stalled(loop.time()) or device.error:
                    raise DeviceError(f"lost the {self.actor_kind} {device.description}: {device.error}")
        finally:
            device.close()

    def _saw(self, jpeg: bytes) -> None:
        assert self.input_queue is not None
        self.input_queue.put_nowait({"video": {"data": jpeg, "mime_type": "image/jpeg"}})


class ScreenInputStreamer(CameraInputStreamer):
    """Shows the model a monitor: `device` is empty for the first one, its number from 1, a part of its name, or "all"."""

    actor_kind: ClassVar[str] = "screen"
