"""A bad network between two network namespaces: what passes is late, uneven, lost, out of order, slow or cut, as ordered.

The namespaces are joined by two TUN devices and a process that reads IP packets from one and writes them to the other, so
that TCP behaves as it does on a real bad link. Kernels have netem for this, but not every kernel (not the one of this
project's machines), and what the tests say should not depend on it.
"""

import contextlib
import ctypes
import fcntl
import heapq
import itertools
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HOST_ADDRESS, DEVICE_ADDRESS = "10.77.0.1", "10.77.0.2"
MTU = 1500
TAIL_S = 0.5
"""A slow link queues this much, and drops what comes then."""
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x1, 0x1000
_CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Profile:
    """What happens to a packet, in either direction alike."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    """Added to the delay, evenly spread; packets keep their order, as in a queue."""
    loss: float = 0.0
    reorder: float = 0.0
    """Share of packets that overtake those waiting."""
    rate_kbit: float = 0.0
    """0: unlimited."""
    is_cut: bool = False


def why_not() -> str:
    """Say why there can be no namespaces here; "" if there can."""
    if os.geteuid() != 0:
        return "namespaces and TUN devices need root"
    if not Path("/dev/net/tun").exists():
        return "there is no /dev/net/tun"
    return ""


class BadLink:
    """Two namespaces and what is between them."""

    def __init__(self) -> None:
        stamp = f"{os.getpid() % 100_000}{next(_numbers)}"
        self.host, self.device = f"ah{stamp}", f"ad{stamp}"
        self._process: subprocess.Popen[str] | None = None

    def open(self) -> None:
        """Make the namespaces and begin to relay."""
        for namespace in (self.host, self.device):
            _ip("netns", "add", namespace)
            _ip("-n", namespace, "link", "set", "lo", "up")
            _usual_tcp(namespace)
        self._process = subprocess.Popen(
            [sys.executable, __file__, f"t{self.host}", f"t{self.device}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        for namespace, address in ((self.host, HOST_ADDRESS), (self.device, DEVICE_ADDRESS)):
            _ip("link", "set", f"t{namespace}", "netns", namespace)
            _ip("-n", namespace, "addr", "add", f"{address}/30", "dev", f"t{namespace}")
            _ip("-n", namespace, "link", "set", f"t{namespace}", "mtu", str(MTU), "up")

    def shape(self, **profile: Any) -> None:
        """Let the link be like this from now on; what is under way keeps its time."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(Profile(**profile))) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "shaped\n"

    def close(self) -> None:
        """Take everything down."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        for namespace in (self.host, self.device):
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)

    def inside(self, namespace: str) -> list[str]:
        """Return the words that make a command run in a namespace."""
        return ["ip", "netns", "exec", namespace]


_numbers = itertools.count()


@contextlib.contextmanager
def bad_link(**profile: Any) -> Iterator[BadLink]:
    """Two namespaces with a link of this profile between them."""
    link = BadLink()
    try:
        link.open()
        link.shape(**profile)
        yield link
    finally:
        link.close()


def within(namespace: str, make: Callable[[], Any]) -> Any:
    """Return what `make` makes (a socket), made in a namespace; it stays there, this process does not."""
    made: list[Any] = []
    thread = threading.Thread(target=lambda: made.append(_enter_and(namespace, make)))
    thread.start()
    thread.join()
    return made[0]


def _enter_and(namespace: str, make: Callable[[], Any]) -> Any:
    with Path("/run/netns", namespace).open() as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
    return make()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _usual_tcp(namespace: str) -> None:
    """Use the congestion control that most machines have, whatever this one is set to."""
    for name in ("cubic", "reno"):
        words = ["ip", "netns", "exec", namespace, "sysctl", "-qw", f"net.ipv4.tcp_congestion_control={name}"]
        if subprocess.run(words, check=False, capture_output=True).returncode == 0:
            return


# The relaying process.


class Way:
    """One direction: packets in, packets out when they are due."""

    def __init__(self, profile: Profile, chance: random.Random) -> None:
        self.profile = profile
        self._chance = chance
        self._waiting: list[tuple[float, int, bytes]] = []
        self._order = itertools.count()
        self._free_s = self._last_s = 0.0

    def add(self, packet: bytes, now_s: float) -> None:
        """Take a packet: lose it, or note when it is due."""
        profile = self.profile
        if profile.is_cut or self._chance.random() < profile.loss:
            return
        left_s = now_s
        if profile.rate_kbit:
            left_s = max(now_s, self._free_s) + len(packet) * 8 / profile.rate_kbit / 1000
            if left_s - now_s > TAIL_S:
                return
            self._free_s = left_s
        due_s = left_s + (profile.delay_ms + self._chance.uniform(0, profile.jitter_ms)) / 1000
        if self._chance.random() < profile.reorder:
            due_s = left_s
        else:
            self._last_s = due_s = max(due_s, self._last_s)
        heapq.heappush(self._waiting, (due_s, next(self._order), packet))

    def due(self, now_s: float) -> Iterator[bytes]:
        """Give what is due."""
        while self._waiting and self._waiting[0][0] <= now_s:
            packet = heapq.heappop(self._waiting)[2]
            if not self.profile.is_cut:
                yield packet

    @property
    def next_s(self) -> float:
        """When the next packet is due."""
        return self._waiting[0][0] if self._waiting else float("inf")


def relay(names: list[str]) -> None:
    """Carry packets between two TUN devices; every line of stdin is a profile."""
    with contextlib.suppress(OSError):
        os.nice(-15)
    tuns = [_tun(name) for name in names]
    ways = [Way(Profile(), random.Random(number)) for number in range(2)]
    print("ready", flush=True)
    while True:
        wait_s = max(0.0, min(way.next_s for way in ways) - time.monotonic())
        readable, _, _ = select.select([*tuns, 0], [], [], min(wait_s, 10.0))
        for number, tun in enumerate(tuns):
            if tun in readable:
                _read_all(tun, ways[number])
        if 0 in readable and not _reshape(ways):
            return
        for number, tun in enumerate(tuns):
            for packet in ways[1 - number].due(time.monotonic()):
                with contextlib.suppress(OSError):  # the other side is being taken down
                    os.write(tun, packet)


def _tun(name: str) -> int:
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return tun


def _read_all(tun: int, way: Way) -> None:
    with contextlib.suppress(BlockingIOError, OSError):
        while True:
            way.add(os.read(tun, 65_536), time.monotonic())


def _reshape(ways: list[Way]) -> bool:
    line = sys.stdin.readline()
    if not line:
        return False
    for way in ways:
        way.profile = Profile(**json.loads(line))
    print("shaped", flush=True)
    return True


def datagram_pair(link: BadLink, port: int = 9000) -> tuple[socket.socket, socket.socket]:
    """Return a UDP socket at the host that sends to one at the device."""

    def sender() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.connect((DEVICE_ADDRESS, port))
        return made

    def receiver() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((DEVICE_ADDRESS, port))
        made.settimeout(1.0)
        return made

    return within(link.host, sender), within(link.device, receiver)


if __name__ == "__main__":
    relay(sys.argv[1:])
