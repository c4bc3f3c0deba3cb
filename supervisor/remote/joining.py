"""`supervisor join -`: the device's side of pairing."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from actors import wire
from actors.runtime import keyring
from actors.runtime.fingerprint import fingerprint
from actors.runtime.inbox import Received
from actors.runtime.loop import PollLoop
from actors.runtime.sighting import Place
from supervisor.remote import extra
from supervisor.remote.invitation import Invitation
from supervisor.remote.knocking import JoinError, Knocking
from supervisor.remote.window import OPEN_S

CONFIG = "device.toml"

_CONFIG = """\
# Written by `supervisor join`. Start it with: supervisor start {path}
# What the keys mean: configs/device.toml and configs/default.toml.

[session]
name = "{name}"
duplex = "half"                    # as in the host's configuration
post_output_audio_delay = 0.5

[host]
address = "{address}"
control_port = {control_port}
media_port = {media_port}
public_key = '{public_key}'
device = "{name}"
search = {search}    # look for the host in this network when it is not there any more: needs `announce = true` in its [gate]
"""
_ACTOR = """
[actors.{name}-{role}]
kind = "{role}"
device = ""
"""


class Joining:
    """One attempt."""

    def __init__(self, invitation: Invitation, directory: Path, say: Callable[[str], None]) -> None:
        self._invitation = invitation
        self._directory = directory
        self._say = say
        self._keys = keyring.own_keys(directory / keyring.DEVICE_KEY, make=True)
        self._loop = PollLoop()
        self._host: Place | None = None
        """Where the pinned key answered."""
        self._answer: wire.Enrolled | wire.EnrolRefused | None = None

    def run(self) -> Path:
        """Join; returns the configuration that was written. Raises `JoinError`, `OSError`."""
        self._knocking = Knocking(self._loop, self._invitation, self._keys, self._came, self._say)
        started_s = self._loop.now()
        try:
            while self._answer is None:
                self._loop.run_once(0.2)
                waited_s = self._loop.now() - started_s
                if self._host is None:
                    self._knocking.go_on(waited_s)
                if waited_s > OPEN_S:
                    raise JoinError("the host did not decide")
        finally:
            self._knocking.close()
            self._loop.close()
        if isinstance(self._answer, wire.EnrolRefused):
            raise JoinError(f"not paired: {self._answer.reason}")
        assert self._host is not None
        return self._write(self._answer, self._host.address)

    def _came(self, place: Place, received: Received) -> None:
        match received.envelope.body:
            case wire.Welcome():
                if self._host is None:
                    self._host = place
                    self._knocking.keep_only(place)
                    self._say(
                        f"The host answers. Both machines show the same fingerprint:\n\n"
                        f"    {fingerprint(self._invitation.host_key, self._keys.public)}\n\n"
                        "If the host shows another one, say no there. Waiting for its yes."
                    )
                if place == self._host:
                    self._knocking.link(place).send(wire.Enrol(self._invitation.token))
            case wire.Enrolled() | wire.EnrolRefused() as answer:
                self._answer = answer
            case _:
                pass

    def _write(self, enrolled: wire.Enrolled, address: str) -> Path:
        path = self._directory / CONFIG
        if path.exists():
            before = path.with_name(f"{CONFIG}.before")
            path.replace(before)
            self._say(f"the earlier {path} is now {before}")
        content = _CONFIG.format(
            path=path,
            name=enrolled.name,
            address=address,
            control_port=enrolled.control_port,
            media_port=enrolled.media_port,
            public_key=self._invitation.host_key,
            search=str(extra.is_installed()).lower(),
        )
        content += "".join(_ACTOR.format(name=enrolled.name, role=role) for role in enrolled.roles)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        return path


def read_invitation() -> Invitation:
    """Read the line from stdin: an argument would be seen by everybody on this machine. Raises `JoinError`."""
    if sys.stdin.isatty():
        print(
            "Paste the line that `supervisor pair` printed on the host: ", end="", file=sys.stderr, flush=True
        )
    try:
        return Invitation.parse(sys.stdin.readline())
    except ValueError as error:
        raise JoinError(f"that is no invitation: {error}") from None
