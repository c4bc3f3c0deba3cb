"""`LinuxMicInputStreamer` and `FileInputStreamer`: the user's voice. In a session each is a microphone's own process."""

import asyncio
import platform
from pathlib import Path
from typing import Any, ClassVar

from actors.inputs.base import BaseInputStreamer

SEND_SAMPLE_RATE = 16_000
FRAME_MS = 20
WATCH_S = 0.25


class LinuxMicInputStreamer(BaseInputStreamer):
    """Streams the microphone of a Linux system. Raises `OSError` on any other."""

    actor_kind: ClassVar[str] = "mic"
    device = ""
    """As `[actors.mic] device` of a configuration: empty for the default microphone."""

    def __init__(self) -> None:
        if platform.system() != "Linux":
            raise OSError(f"LinuxMicInputStreamer works on Linux only, this is {platform.system()}")

    def actor_table(self) -> dict[str, Any]:
        """Return what the microphone's process is told."""
        return {"device": self.device}

    async def stream_input(self) -> None:
        """Put every frame on the queue, but none while a reply is being spoken. Raises `DeviceError`."""
        from actors.devices.audio import DeviceError, open_input

        assert self.state is not None
        loop = asyncio.get_running_loop()

        def came(pcm: bytes, _: int) -> None:
            loop.call_soon_threadsafe(self._captured, pcm)

        device = open_input(self.device, SEND_SAMPLE_RATE, FRAME_MS, came)
        try:
            while not await self.state.get_terminated():
                await asyncio.sleep(WATCH_S)
                if device.is_stalled(loop.time()) or device.error:
                    raise DeviceError(f"lost the microphone {device.description}")
        finally:
            device.close()

    def _captured(self, pcm: bytes) -> None:
        assert self.state is not None
        assert self.input_queue is not None
        if not self.state.is_streaming_output:
            self.input_queue.put_nowait(
                {"audio": {"data": pcm, "mime_type": f"audio/pcm;rate={SEND_SAMPLE_RATE}"}}
            )


class FileInputStreamer(LinuxMicInputStreamer):
    """Streams a WAV file in real time as if it were spoken into a microphone, then silence."""

    actor_kind: ClassVar[str] = "mic"

    def __init__(self, path: str | Path) -> None:
        """Take any PCM WAV file. Raises `FileNotFoundError` when there is none."""
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"there is no file {self.path}")
        self.device = f"file:{self.path.absolute()}"
