"""The parrot as an actor: the server, and the file through which the session finds it."""

import asyncio
import os
import secrets
from pathlib import Path

import msgspec

from actors.model.parrot.options import ParrotOptions
from actors.model.parrot.script import ScriptError
from actors.model.parrot.server import Parrot
from actors.model.parrot.speech import SpeechError
from actors.runtime import exits
from actors.runtime.actor import Actor, ActorSpec
from actors.runtime.loop import Loop
from actors.runtime.notify import Notifier
from actors.settings import ActorTable

OURS = set(ActorTable.__struct_fields__)
"""Keys of the table that are about the actor, not about the parrot."""


class Endpoint(msgspec.Struct, frozen=True):
    """What `parrot.json` in the run directory says. The key keeps other users of the machine out."""

    port: int
    key: str
    ca_file: str


class ParrotActor(Actor):
    """Serves the Live protocol on loopback; a restarted parrot has the same port and key."""

    uses_media = False

    def __init__(self, spec: ActorSpec, loop: Loop, notifier: Notifier) -> None:
        super().__init__(spec, loop, notifier)
        self._file = Path(spec.run_dir) / "parrot.json"
        self._parrot: Parrot | None = None
        self._starting: asyncio.Task[None] | None = None

    def on_start(self) -> None:
        """Begin to listen; ready once the session can find us."""
        self._starting = asyncio.get_running_loop().create_task(self._listen())

    async def finish(self) -> None:
        """Close the server, and pass on why it could not start."""
        if self._starting is not None and self._starting.done():
            self._starting.result()
        if self._parrot is not None:
            await self._parrot.stop()

    async def _listen(self) -> None:
        try:
            await self._try_to_listen()
        except (ScriptError, SpeechError, OSError) as error:
            self.loop.stop()
            raise exits.ActorExit(exits.BAD_CONFIG, f"actors.parrot: {error}") from error

    async def _try_to_listen(self) -> None:
        table = msgspec.to_builtins(self.spec.settings.table("parrot", "parrot"))
        options = {key: value for key, value in table.items() if key not in OURS}
        ca_file = Path(self.spec.run_dir) / "parrot-ca.pem"
        ca_file.unlink(missing_ok=True)
        before = self._before()
        key = before.key if before is not None else secrets.token_urlsafe(24)
        parrot = Parrot(msgspec.convert(options | {"ca_file": str(ca_file)}, ParrotOptions), key=key)
        try:
            await parrot.start(port=before.port if before is not None else 0)
        except OSError:
            if before is None:
                raise
            await parrot.start()  # the old port is somebody else's now
        self._parrot = parrot
        self._publish(Endpoint(parrot.port, key, str(ca_file)))
        self.detail = f"listening on 127.0.0.1:{parrot.port}"
        self.ready()

    def _before(self) -> Endpoint | None:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Endpoint)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def _publish(self, endpoint: Endpoint) -> None:
        fresh = self._file.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(endpoint))
        fresh.replace(self._file)
