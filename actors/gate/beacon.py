"""The beacon: announces this host in the local network (`gate.announce`), so that its devices find it wherever it is.

A process of its own: the gate carries audio, and what the network answers is parsed here.
"""

from contextlib import ExitStack
from pathlib import Path

from actors.runtime import exits, keyring, lan
from actors.runtime.actor import Actor, ActorSpec
from actors.runtime.loop import Loop
from actors.runtime.notify import Notifier

LOOK_S = 3.0
"""How soon a new address is announced."""


class BeaconActor(Actor):
    """Announces the gate's port and a hash of the host's key, at whatever addresses this machine has."""

    uses_media = False

    def __init__(self, spec: ActorSpec, loop: Loop, notifier: Notifier) -> None:
        super().__init__(spec, loop, notifier)
        self._host_key = ""
        self._addresses: list[str] = []
        """Those that are announced."""
        self._announced = ExitStack()

    def on_start(self) -> None:
        """Announce; ready even where there is no network yet."""
        try:
            self._host_key = keyring.own_keys(Path(self.spec.keys_dir) / keyring.HOST_KEY).public
        except keyring.KeyringError as error:
            raise exits.ActorExit(exits.BAD_CONFIG, str(error)) from error
        self._look()
        self.ready()

    def on_stop(self) -> None:
        """Tell the network that it is over."""
        self._announced.close()

    def _look(self) -> None:
        addresses = lan.own_addresses()
        if addresses != self._addresses or not addresses:
            self._announce(addresses)
        self.loop.call_later(LOOK_S, self._look)

    def _announce(self, addresses: list[str]) -> None:
        self._announced.close()
        self._addresses = []
        try:
            self._announced = lan.announced(self.spec.settings.gate.control_port, self._host_key)
        except OSError as error:
            self.detail = f"not announced: {error}"
        else:
            self._addresses = addresses
            self.detail = f"announced at {', '.join(addresses)}"
