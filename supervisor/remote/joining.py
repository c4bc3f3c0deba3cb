"""`supervisor join -`: the device's side of pairing."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from actors import wire
from actors.runtime import keyring
from actors.runtime.bus import Identity, Link
from actors.runtime.bus.curve import Curve
from actors.runtime.fingerprint import fingerprint
from actors.runtime.inbox import Counters, Received
from actors.runtime.loop import PollLoop
from supervisor.remote.invitation import Invitation
from supervisor.remote.window import OPEN_S

ANSWER_WITHIN_S = 30.0
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
"""
_ACTOR = """
[actors.{name}-{role}]
kind = "{role}"
device = ""
"""


class JoinError(Exception):
    """It did not come to a pairing: why, and what to do."""


class Joining:
    """One attempt."""

    def __init__(self, invitation: Invitation, directory: Path, say: Callable[[str], None]) -> None:
        self._invitation = invitation
        self._directory = directory
        self._say = say
        self._keys = keyring.own_keys(directory / keyring.DEVICE_KEY, make=True)
        self._loop = PollLoop()
        self._link = Link(self._loop, Identity("join", "join"), Counters(), self._came)
        self._is_heard = False
        self._answer: wire.Enrolled | wire.EnrolRefused | None = None

    def run(self) -> Path:
        """Join; returns the configuration that was written. Raises `JoinError`, `OSError`."""
        self._link.connect(self._invitation.endpoint, Curve(self._keys, self._invitation.host_key))
        started_s = self._loop.now()
        try:
            while self._answer is None:
                self._loop.run_once(0.2)
                waited_s = self._loop.now() - started_s
                if not self._is_heard and waited_s > ANSWER_WITHIN_S:
                    raise JoinError(
                        f"no answer from {self._invitation.address} port {self._invitation.port}: is `supervisor pair` still "
                        "waiting there (each line works once), is that the right address, does a firewall let the port through?"
                    )
                if waited_s > OPEN_S:
                    raise JoinError("the host did not decide")
        finally:
            self._link.close()
            self._loop.close()
        if isinstance(self._answer, wire.EnrolRefused):
            raise JoinError(f"not paired: {self._answer.reason}")
        return self._write(self._answer)

    def _came(self, received: Received) -> None:
        match received.envelope.body:
            case wire.Welcome():
                if not self._is_heard:
                    self._is_heard = True
                    self._say(
                        f"The host answers. Both machines show the same fingerprint:\n\n"
                        f"    {fingerprint(self._invitation.host_key, self._keys.public)}\n\n"
                        "If the host shows another one, say no there. Waiting for its yes."
                    )
                self._link.send(wire.Enrol(self._invitation.token))
            case wire.Enrolled() | wire.EnrolRefused() as answer:
                self._answer = answer
            case _:
                pass

    def _write(self, enrolled: wire.Enrolled) -> Path:
        path = self._directory / CONFIG
        if path.exists():
            before = path.with_name(f"{CONFIG}.before")
            path.replace(before)
            self._say(f"the earlier {path} is now {before}")
        content = _CONFIG.format(
            path=path,
            name=enrolled.name,
            address=self._invitation.address,
            control_port=enrolled.control_port,
            media_port=enrolled.media_port,
            public_key=self._invitation.host_key,
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
