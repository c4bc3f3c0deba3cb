"""The model's side of a measurement: our parrot in a process of its own, noting when sound comes in and goes out.

`python -m scripts.benchmarks.server DIRECTORY`: prints its port, leaves `ca.pem`, `journal.jsonl` and, when its stdin ends,
`sound.msgpack` in the directory. The key it asks for is in GOOGLE_API_KEY.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

import msgspec

from actors.model.parrot import connection
from actors.model.parrot.journal import AudioKeeper
from actors.model.parrot.options import ParrotOptions
from actors.model.parrot.outlet import Outlet
from actors.model.parrot.server import Parrot
from actors.model.parrot.server_messages import Message
from actors.model.parrot.tones import melody


class ServerSound(msgspec.Struct):
    """What the server heard, and when it began to speak."""

    chunks: list[tuple[int, bytes]] = []
    """Monotonic ns of arrival, and the int16 LE mono that came."""
    rate_hz: int = 16_000
    began_ns: list[int] = []
    """When the first sound of each reply was given to the socket."""


noted = ServerSound()


class Arrivals(AudioKeeper):
    """Keeps the sound of the connection in memory, with the time."""

    def keep(self, pcm: bytes, rate_hz: int) -> None:
        """Note it."""
        noted.chunks.append((time.monotonic_ns(), pcm))
        noted.rate_hz = rate_hz


class Departures(Outlet):
    """Notes when a reply begins to sound."""

    _is_speaking = False

    async def send(self, message: Message) -> None:
        """Send it, after a look at it."""
        content = message.get("serverContent", {})
        if "modelTurn" in content and not self._is_speaking:
            noted.began_ns.append(time.monotonic_ns())
            self._is_speaking = True
        elif content.keys() & {"generationComplete", "interrupted"}:
            self._is_speaking = False
        await super().send(message)


async def serve(directory: Path) -> None:
    """Serve until stdin ends."""
    melody("warm")  # the first one loads numpy, which would make the server deaf for 100 ms
    vars(connection).update(AudioKeeper=Arrivals, Outlet=Departures)
    options = ParrotOptions(
        voice="tones",
        script=str(directory / "script.json"),
        journal=str(directory / "journal.jsonl"),
        ca_file=str(directory / "ca.pem"),
    )
    async with Parrot(options, key=os.environ["GOOGLE_API_KEY"]) as parrot:
        print(parrot.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        (directory / "sound.msgpack").write_bytes(msgspec.msgpack.encode(noted))


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
