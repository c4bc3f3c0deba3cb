"""`pair`, `join` and `revoke`: microphones and loudspeakers of other machines."""

import argparse
import re
import sys
from datetime import timedelta
from pathlib import Path

import msgspec

from actors.settings import ACTOR_NAME, GateTable
from supervisor import codes
from supervisor.commands.which import Commands
from supervisor.config import load
from supervisor.instance import config_root, private_directory
from supervisor.remote.check import KINDS

PORT = 7340
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def add(commands: Commands) -> None:
    """Put them onto the command line."""
    pair = commands.add_parser("pair", help="let a device lend its microphone or loudspeaker")
    pair.add_argument("device", type=_device, help="what it is to be called here, such as kitchen-pi")
    pair.add_argument("--roles", type=_roles, default=KINDS, help="mic,speaker (the default) or one of them")
    pair.add_argument(
        "--ttl", type=_lifetime, metavar="TIME", help="30m, 12h, 7d: for guests; default: for ever"
    )
    pair.add_argument("--address", default="", metavar="HOST", help="how the device reaches this host")
    pair.add_argument(
        "--lan", action="store_true", help="announce it in this network, so that the line needs no address"
    )
    pair.add_argument("--port", type=int, default=PORT, help=f"open while pairing; default {PORT}")
    pair.add_argument("--config", type=Path, help="the conversation's, if its [gate] has other ports")
    pair.add_argument("--yes", action="store_true", help="do not ask when the device is there")
    pair.set_defaults(command=_pair)

    join = commands.add_parser("join", help="lend this machine's devices to a host that runs `pair`")
    join.add_argument("invitation", choices=["-"], help="- : the line is read from stdin, never an argument")
    join.set_defaults(command=_join)

    revoke = commands.add_parser("revoke", help="cut a paired device off, now and for good")
    revoke.add_argument("device")
    revoke.set_defaults(command=_revoke)


def _pair(arguments: argparse.Namespace, _: list[str]) -> int:
    from actors.runtime.keyring import KeyringError
    from supervisor.remote.pairing import Pairing, PairingError, Wish, own_address

    gate = load(arguments.config).gate if arguments.config else GateTable()
    wish = Wish(
        arguments.device,
        arguments.roles,
        arguments.address or ("" if arguments.lan else own_address()),
        arguments.port,
        gate,
        arguments.ttl,
        arguments.yes,
        arguments.lan,
    )

    def show(line: str) -> None:
        if wish.is_announced:
            _tell("While this waits, it announces its port and a hash of this host's key in the network.")
        _tell(
            f"On {wish.name}, run `supervisor join -` and paste this line there. It works once, for ten minutes:\n"
        )
        print(line, flush=True)

    try:
        Pairing(wish, private_directory(config_root()), _tell).run(show)
    except (PairingError, KeyringError) as error:
        _tell(f"supervisor: {error}")
        return codes.FAILED
    _tell(f"\n{wish.name} is paired. In the conversation's configuration (see configs/remote.toml):\n")
    for role in wish.roles:
        _tell(f'[actors.{wish.name}-{role}]\nkind = "{role}"\non = "{wish.name}"\n')
    if wish.is_announced:
        _tell(f"[gate]\nannounce = true    # {wish.name} finds this host again when its address changes\n")
    return codes.DONE


def _join(_: argparse.Namespace, __: list[str]) -> int:
    from actors.runtime.keyring import KeyringError
    from supervisor.remote.joining import Joining, read_invitation
    from supervisor.remote.knocking import JoinError

    try:
        invitation = read_invitation()
        path = Joining(invitation, private_directory(config_root()), _tell).run()
    except (JoinError, KeyringError) as error:
        _tell(f"supervisor: {error}")
        return codes.FAILED
    print(f"Paired. Start with: supervisor start {path}")
    return codes.DONE


def _revoke(arguments: argparse.Namespace, _: list[str]) -> int:
    from actors.runtime import keyring

    path = config_root() / keyring.REGISTER
    try:
        register = keyring.read_register(path)
    except keyring.KeyringError as error:
        _tell(f"supervisor: {error}")
        return codes.FAILED
    device = register.get(arguments.device)
    if device is None:
        there = ", ".join(register) or "none"
        _tell(f"supervisor: no device {arguments.device!r} is paired; there is {there}")
        return codes.FAILED
    keyring.write_register(path, register | {arguments.device: msgspec.structs.replace(device, revoked=True)})
    print(f"{arguments.device}: revoked; a running conversation cuts it off within a second")
    return codes.DONE


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _device(text: str) -> str:
    longest = 32 - len("-speaker")
    if not re.fullmatch(ACTOR_NAME, text) or len(text) > longest:
        raise argparse.ArgumentTypeError(
            f"a name has at most {longest} letters, digits, '-', '_' and '.', not {text!r}"
        )
    return text


def _roles(text: str) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(role.strip() for role in text.split(",")))
    if not set(wanted) <= set(KINDS):
        raise argparse.ArgumentTypeError(f"roles are {' and '.join(KINDS)}, not {text!r}")
    return wanted


def _lifetime(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,5})([mhd])", text)
    if found is None or not int(found[1]):
        raise argparse.ArgumentTypeError(f"write 30m, 12h or 7d, not {text!r}")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
