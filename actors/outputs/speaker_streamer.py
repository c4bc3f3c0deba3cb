"""`LinuxSpeakerOutputStreamer` and `FileOutputStreamer`: the reply's voice. In a session each is a speaker's own process."""

import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from actors.outputs.base import BaseOutputStreamer, Data
from actors.state import GoogleIOStreamerState

if TYPE_CHECKING:
    from actors.devices.audio import Output
    from actors.outputs.playout import Playout

PLAY_AUDIO_SAMPLE_RATE = 24_000


class LinuxSpeakerOutputStreamer(BaseOutputStreamer):
    """Plays replies through the loudspeaker of a Linux system. Raises `OSError` on any other."""

    actor_kind: ClassVar[str] = "speaker"
    device = ""
    """As `[actors.speaker] device` of a configuration: empty for the default loudspeaker."""

    def __init__(self) -> None:
        _only_on_linux()
        self._playout: Playout | None = None
        self._output: Output | None = None
        self._epoch = 1

    def actor_table(self) -> dict[str, Any]:
        """Return what the speaker's process is told."""
        return {"device": self.device}

    async def initialize(self, state: GoogleIOStreamerState) -> None:
        """Open the loudspeaker. Raises `DeviceError`, and `OSError` on a system that is not Linux."""
        from actors.devices.audio import open_output
        from actors.outputs.playout import Playout

        _only_on_linux()
        await super().initialize(state)
        self._playout = Playout()
        self._output = open_output(self.device, PLAY_AUDIO_SAMPLE_RATE, self._playout.read)

    async def handle(self, data: Data) -> None:
        """Queue audio; fall silent at once when the reply was interrupted."""
        assert self._playout is not None
        assert self._output is not None
        match data:
            case {"audio": pcm}:
                self._playout.add(self._epoch, pcm)
            case {"text_complete": _}:
                self._playout.end(self._epoch)
                self._epoch += 1
            case {"interrupted": _}:
                self._epoch += 1
                self._playout.flush(self._epoch, fade=False)
                self._output.abort()

    async def close(self) -> None:
        """Fall silent and let go of the device."""
        if self._output is not None:
            self._output.close()
            self._output = None


class FileOutputStreamer(LinuxSpeakerOutputStreamer):
    """Records into a WAV file (24 kHz, mono) what a loudspeaker would have played, pauses and all."""

    actor_kind: ClassVar[str] = "speaker"

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self.path = Path(path)
        self.device = f"file:{self.path.absolute()}"


def _only_on_linux() -> None:
    if platform.system() != "Linux":
        raise OSError(f"LinuxSpeakerOutputStreamer works on Linux only, this is {platform.system()}")
