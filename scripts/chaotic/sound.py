"""The microphone and the loudspeaker of the conversation, and how they are unplugged: files, or sound servers that are killed."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from trees import wait_for
from virtual_audio import SINK_RATE_HZ, VirtualAudio
from voices import two_servers

from supervisor.selftest.scenery import is_loud, write_voice

WAV_HEADER_BYTES = 44
SILENT_S = 0.6
GOES_ON_WITHIN_S = 8.0


class Sound(Protocol):
    """A microphone and a loudspeaker."""

    devices: dict[str, str]
    """What the configuration calls them, by actor."""
    environment: dict[str, str]
    must_kill: bool
    """Whether an actor notices only at its next start that its device is gone."""

    def unplug(self, actor: str) -> None:
        """Take its device away."""

    def plug(self, actor: str) -> None:
        """Give it back."""

    def is_silent(self) -> bool:
        """Listen for a moment: whether nothing is played. Raises `AssertionError` if the loudspeaker does not go on."""


class Files:
    """A voice in a file, then silence; and a file that grows."""

    must_kill = True

    def __init__(self, directory: Path) -> None:
        for name in ("in", "out"):
            (directory / name).mkdir()
        self._voice, self._out = directory / "in" / "voice.wav", directory / "out"
        self._heard = self._out / "heard.wav"
        write_voice(self._voice)
        self.devices = {"mic": f"file:{self._voice}", "speaker": f"file:{self._heard}"}
        self.environment: dict[str, str] = {}

    def unplug(self, actor: str) -> None:
        """Rename it."""
        place = self._place(actor)
        place.rename(_gone(place))

    def plug(self, actor: str) -> None:
        """Rename it back."""
        _gone(self._place(actor)).rename(self._place(actor))

    def is_silent(self) -> bool:
        """Look at what is added to the file, or to the one of a loudspeaker that was started anew."""
        file = wait_for(lambda: self._heard.exists() and self._heard.stat(), "the loudspeaker")
        time.sleep(SILENT_S)

        def goes_on() -> bool:
            now = self._heard.stat()
            return (now.st_ino, now.st_size) != (file.st_ino, file.st_size)

        wait_for(goes_on, "the loudspeaker goes on", GOES_ON_WITHIN_S)
        has_grown = self._heard.stat().st_size >= file.st_size
        return not is_loud(self._heard, file.st_size if has_grown else WAV_HEADER_BYTES)

    def _place(self, actor: str) -> Path:
        return self._voice if actor == "mic" else self._out


class Servers:
    """A private sound server for each direction; unplugged means killed."""

    must_kill = False

    def __init__(self, mouth: VirtualAudio, ear: VirtualAudio, environment: dict[str, str]) -> None:
        self._servers = {"mic": ear, "speaker": mouth}
        self.devices = {"mic": "ear", "speaker": "mouth"}
        self.environment = environment

    def unplug(self, actor: str) -> None:
        """Kill its server."""
        self._servers[actor].kill()

    def plug(self, actor: str) -> None:
        """Start its server again."""
        self._servers[actor].start()

    def is_silent(self) -> bool:
        """Record what is played."""
        with self._servers["speaker"].listening(SINK_RATE_HZ) as recording:
            began_s = time.monotonic()
            time.sleep(SILENT_S)
            return recording.last_sound() < began_s


@contextlib.contextmanager
def files(directory: Path) -> Iterator[Sound]:
    """Devices that are files in this directory."""
    yield Files(directory)


@contextlib.contextmanager
def servers(directory: Path) -> Iterator[Sound]:  # noqa: ARG001 - servers have directories of their own
    """Devices of sound servers, as long as the block lasts."""
    with two_servers() as (mouth, ear, environment):
        yield Servers(mouth, ear, environment)


def _gone(place: Path) -> Path:
    return place.with_name(place.name + ".gone")


MAKERS: dict[str, Callable[[Path], contextlib.AbstractContextManager[Sound]]] = {
    "files": files,
    "servers": servers,
}
