"""Finding the host on the local network (mDNS): a hint, never trusted. Needs the extra `lan`; the only importer of zeroconf.

A host is announced by `pair --lan`, while its invitation is good, and by the beacon (`gate.announce`). It is looked for by
`join` when the invitation's address leads nowhere, and by a device that has lost it (`host.search`). IPv4.
"""

import secrets
import socket
import threading
from contextlib import ExitStack

import psutil
from zeroconf import Error, IPVersion, ServiceBrowser, ServiceInfo, ServiceListener, Zeroconf

from actors.runtime.sighting import Place, Sighting, badge_of, may_be_announced, worth_a_try

SERVICE = "_antiphon._tcp.local."
_BADGE = "key"
_MOST_NAMES = 64
_ASK_MS = 200


def announced(port: int, host_key: str) -> ExitStack:
    """Tell the local network the port and the badge, and no name of anything, until the stack is left. Raises `OSError`."""
    addresses = own_addresses()
    if not addresses:
        raise OSError("this machine has no address in a private IPv4 network")
    info = ServiceInfo(
        SERVICE,
        f"{secrets.token_hex(8)}.{SERVICE}",  # nobody can take it first, and it says nothing
        port=port,
        parsed_addresses=addresses,
        properties={_BADGE: badge_of(host_key)},
    )
    with ExitStack() as stack:
        zeroconf = Zeroconf(ip_version=IPVersion.V4Only)
        stack.callback(zeroconf.close)
        try:
            zeroconf.register_service(info, cooperating_responders=True)  # its name is random: no need to ask
        except Error as error:
            raise OSError(str(error) or type(error).__name__) from error
        return stack.pop_all()


class Search(ServiceListener):
    """Looks for the host with one key from its making until `close`. Raises `OSError`."""

    def __init__(self, host_key: str) -> None:
        self._host_key = host_key
        self._lock = threading.Lock()
        self._names: list[str] = []
        self._zeroconf = Zeroconf(ip_version=IPVersion.V4Only)
        self._browser = ServiceBrowser(self._zeroconf, SERVICE, self)

    def places(self) -> list[Place]:
        """Return where it may be, as far as is known by now. Blocks for 0.2 s at most."""
        with self._lock:
            names = list(self._names)
        infos = [ServiceInfo(SERVICE, name) for name in names]
        unknown = [info for info in infos if not info.load_from_cache(self._zeroconf)]
        if unknown:
            secrets.choice(unknown).request(self._zeroconf, _ASK_MS)
        return worth_a_try((_sighting(info) for info in infos), self._host_key)

    def close(self) -> None:
        """Stop looking."""
        self._browser.cancel()
        self._zeroconf.close()

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        """Be told, in a thread of the library's own, of somebody new."""
        del zc, type_
        with self._lock:
            if name not in self._names and len(self._names) < _MOST_NAMES:
                self._names.append(name)

    def update_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        """Be told of a change: it is read when it is needed."""

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        """Be told that somebody has left: trying in vain is harmless."""


def own_addresses() -> list[str]:
    """Return this machine's addresses that others of its networks can use."""
    return [
        entry.address
        for name, entries in psutil.net_if_addrs().items()
        if (state := psutil.net_if_stats().get(name)) and state.isup
        for entry in entries
        if entry.family == socket.AF_INET and may_be_announced(entry.address)
    ]


def _sighting(info: ServiceInfo) -> Sighting:
    badge = (info.properties or {}).get(_BADGE.encode()) or b""
    return Sighting(
        badge.decode("ascii", "replace"), tuple(info.parsed_addresses(IPVersion.V4Only)), info.port or 0
    )
