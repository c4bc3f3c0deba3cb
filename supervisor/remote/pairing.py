"""`supervisor pair`: the host's side. A listener of its own for ten minutes, so that the gate never lets a stranger in."""

import contextlib
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from actors import wire
from actors.runtime import keyring
from actors.runtime.bus import BOOT_ID, Identity
from actors.runtime.bus.curve import KeyPair
from actors.runtime.bus.door import Caller, Door
from actors.runtime.bus.porter import Porter
from actors.runtime.fingerprint import fingerprint
from actors.runtime.inbox import Counters
from actors.runtime.loop import PollLoop
from actors.settings import GateTable, endpoint
from supervisor.remote.extra import how_to_install
from supervisor.remote.invitation import Invitation, new_token
from supervisor.remote.window import MOST_WRONG, OPEN_S, Window

MAX_BYTES = 1024
LAST_WORDS_S = 3.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for."""

    name: str
    roles: tuple[str, ...]
    address: str
    """Under which the device reaches this host; empty: it looks for it in the local network."""
    port: int
    gate: GateTable
    lifetime: timedelta | None
    is_sure: bool
    """`--yes`: no question."""
    is_announced: bool = False
    """`--lan`: tell the local network while the window is open."""


class PairingError(Exception):
    """It did not come to a pairing: why, and what to do."""


class Pairing:
    """One window, from the invitation to the line in `devices.toml`."""

    def __init__(self, wish: Wish, directory: Path, say: Say) -> None:
        self._wish = wish
        self._register = directory / keyring.REGISTER
        self._say = say
        self._loop = PollLoop()
        self._keys: KeyPair = keyring.own_keys(directory / keyring.HOST_KEY, make=True)
        self._window = Window(new_token(), self._loop.now() + OPEN_S)
        self._porter = Porter(self._loop, lambda *_: True)  # the token decides, not the key
        me = Identity("pair", "pair")
        self._door = Door(self._loop, me, Counters(), self._came, MAX_BYTES)
        self._candidate: Caller | None = None
        self._last_told: Caller | None = None
        self._answer: bool | None = None

    def run(self, show: Say) -> None:
        """Pair one device; `show` gets the invitation. Raises `PairingError`, `OSError`."""
        if (
            self._wish.name in (known := keyring.read_register(self._register))
            and not known[self._wish.name].revoked
        ):
            raise PairingError(
                f"{self._wish.name} is paired already; first: supervisor revoke {self._wish.name}"
            )
        self._porter.open()
        try:
            self._door.bind(endpoint("::", self._wish.port), self._keys.secret)
        except OSError as error:
            raise PairingError(
                f"cannot listen on port {self._wish.port} ({error.strerror}); choose another with --port"
            ) from error
        try:
            with contextlib.ExitStack() as until_the_end:
                if self._wish.is_announced:
                    until_the_end.enter_context(self._announced())
                show(str(self._invitation()))
                self._serve()
        finally:
            self._see_off()
            self._door.close()
            self._porter.close()
            self._loop.close()

    def _invitation(self) -> Invitation:
        port = self._wish.port if self._wish.address else 0
        return Invitation(self._wish.address, port, self._keys.public, self._window.token)

    def _announced(self) -> contextlib.AbstractContextManager[object]:
        try:
            from actors.runtime.lan import announced
        except ImportError:
            raise PairingError(
                f"{how_to_install('--lan')} (on the device, too); or give --address HOST"
            ) from None
        try:
            return announced(self._wish.port, self._keys.public)
        except OSError as error:
            raise PairingError(
                f"cannot announce this host in the network: {error}; pair with --address HOST, without --lan"
            ) from error

    def _serve(self) -> None:
        while self._answer is None:
            self._loop.run_once(0.2)
            if self._window.wrong >= MOST_WRONG:
                raise PairingError(
                    f"{MOST_WRONG} wrong tokens came; nobody was paired, and this invitation is void"
                )
            if self._window.is_over(self._loop.now()) and self._candidate is None:
                raise PairingError(f"nobody came within {OPEN_S / 60:.0f} minutes; this invitation is void")
        candidate = self._candidate
        assert candidate is not None
        if not self._answer:
            self._tell(candidate, wire.EnrolRefused("the host said no"))
            raise PairingError("nobody was paired, and this invitation is void")
        self._enter(candidate.key)
        wish = self._wish
        ports = (wish.gate.control_port, wish.gate.media_port)
        self._tell(candidate, wire.Enrolled(wish.name, wish.roles, *ports))

    def _enter(self, key: str) -> None:
        register = keyring.read_register(self._register)
        now = datetime.now(UTC).replace(microsecond=0)
        expires = "" if self._wish.lifetime is None else (now + self._wish.lifetime).isoformat()
        register[self._wish.name] = keyring.Device(key, list(self._wish.roles), now.isoformat(), expires)
        keyring.write_register(self._register, register)

    def _came(self, caller: Caller, frame: bytes) -> None:
        if not frame:  # the probe of a fresh connection
            self._tell(caller, wire.Welcome())
            return
        try:
            body = wire.decode(frame).body
        except wire.WireError:
            body = None
        token = body.token if isinstance(body, wire.Enrol) else b""
        match self._window.judge(token, self._loop.now()):
            case "right":
                self._candidate = caller
                self._ask(caller)
            case "wrong":
                self._say(f"a wrong token came from {caller.address} ({self._window.wrong} of {MOST_WRONG})")
                self._tell(caller, wire.EnrolRefused("the token is wrong; copy the whole line again"))
            case "over" if self._candidate is None or caller.key != self._candidate.key:
                self._tell(caller, wire.EnrolRefused("this invitation was used already, or is void"))

    def _ask(self, caller: Caller) -> None:
        self._say(
            f"\n{self._wish.name} is here, from {caller.address}. Both machines show the same fingerprint:\n\n"
            f"    {fingerprint(self._keys.public, caller.key)}\n\n"
            "If the device shows another one, or none, somebody is in between: say no, and pair again over another network."
        )
        if self._wish.is_sure:
            self._answer = True
            return
        print(
            f"Let {self._wish.name} in as {' and '.join(self._wish.roles)}? [y/N] ",
            end="",
            file=sys.stderr,
            flush=True,
        )
        self._loop.watch(0, self._answered)

    def _answered(self) -> None:
        self._loop.unwatch(0)
        self._answer = os.read(0, 100).strip().lower() in {b"y", b"yes"}

    def _tell(self, caller: Caller, message: wire.Wire) -> None:
        self._door.send(caller.route, _frame(message))
        self._last_told = caller

    def _see_off(self) -> None:
        """Whoever was told something last hangs up when it has heard that; what is not read when we end is lost."""
        give_up_s = self._loop.now() + LAST_WORDS_S
        while self._last_told is not None and self._loop.now() < give_up_s:
            self._loop.run_once(0.05)
            if not self._door.is_there(self._last_told.route, _frame(wire.Ping())):
                return


def _frame(message: wire.Wire) -> bytes:
    return wire.encode(wire.Envelope(wire.VERSION, "pair", BOOT_ID, 0, 0, 0, message))


def own_address() -> str:
    """Return the address under which other machines most likely reach this one. Nothing is sent for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET: only the routing table is asked
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
