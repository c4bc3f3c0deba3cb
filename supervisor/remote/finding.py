"""Where a device's host is now: `python -m supervisor.remote.finding` reads [host] as JSON and prints an address.

What is announced in the network only says where to try: who completes the handshake has the pinned key, and knows ours.
"""

import functools
import sys

import msgspec

from actors.runtime import keyring, lan
from actors.runtime.bus.curve import KeyPair
from actors.runtime.bus.knock import Answer, Knock
from actors.runtime.loop import PollLoop
from actors.settings import HostTable, endpoint
from supervisor.instance import config_root

WITHIN_S = 8.0
ANSWER_WITHIN_S = 3.0


def main() -> int:
    """Print the address; 1 and why on stderr when there is none."""
    host = msgspec.json.decode(sys.stdin.buffer.read(), type=HostTable)
    try:
        address = find(host, keyring.own_keys(config_root() / keyring.DEVICE_KEY))
    except (keyring.KeyringError, OSError) as error:
        print(f"the host cannot be looked for: {error}", file=sys.stderr)
        return 1
    if not address:
        print("nobody in this network announces the host and lets this device in", file=sys.stderr)
        return 1
    print(address)
    return 0


def find(host: HostTable, keys: KeyPair) -> str:
    """Return where the host answers, "" when it does nowhere. Raises `OSError`."""
    loop = PollLoop()
    search = lan.Search(host.public_key)
    knocks: dict[str, Knock] = {}
    found: list[str] = []

    def told(address: str, answer: Answer) -> None:
        if answer == "admitted":
            found.append(address)

    give_up_s = loop.now() + WITHIN_S
    try:
        while not found and loop.now() < give_up_s:
            for address in {place.address for place in search.places()} - knocks.keys():
                knocks[address] = Knock(loop, keys, functools.partial(told, address))
                where = endpoint(address, host.control_port)
                knocks[address].begin(where, host.public_key, ANSWER_WITHIN_S)
            loop.run_once(0.1)
    finally:
        for knock in knocks.values():
            knock.close()
        search.close()
        loop.close()
    return found[0] if found else ""


if __name__ == "__main__":
    sys.exit(main())
