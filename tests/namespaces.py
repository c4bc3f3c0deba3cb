"""Two machines in one: network namespaces joined by a virtual cable, and an ear on that cable."""

import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HOST_ADDRESS, DEVICE_ADDRESS = "10.78.0.1", "10.78.0.2"
_ETH_P_ALL = 3
_CLONE_NEWNET = 0x40000000
_numbers = itertools.count()


def why_not() -> str:
    """Say why there can be no namespaces here; "" if there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "needs ip: apt install iproute2"
    probe = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return "" if probe.returncode == 0 else "this machine allows no network namespaces"


@dataclass(frozen=True)
class Cable:
    """The names of both namespaces; their ends are called `v` plus the name."""

    host: str
    device: str

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        """Pull the cable for a while."""
        _ip("-n", self.device, "link", "set", f"v{self.device}", "down")
        try:
            yield
        finally:
            _ip("-n", self.device, "link", "set", f"v{self.device}", "up")

    def move_host(self, address: str) -> None:
        """Give the host another address, as a router does that has forgotten it."""
        _ip("-n", self.host, "address", "flush", "dev", f"v{self.host}")
        _ip("-n", self.host, "address", "add", f"{address}/24", "dev", f"v{self.host}")

    @contextlib.contextmanager
    def overheard(self) -> Iterator["Overheard"]:
        """Listen to every frame on the cable."""
        ear = Overheard(_socket_in(self.host, f"v{self.host}"))
        try:
            yield ear
        finally:
            ear.close()


@dataclass
class Overheard:
    """Every byte that passed, as an eavesdropper gets it."""

    ear: socket.socket
    frames: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._is_over = threading.Event()
        self.ear.settimeout(0.1)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._is_over.set()
        self._thread.join()
        self.ear.close()

    @property
    def payload(self) -> bytes:
        """What TCP carried in both directions, frame after frame."""
        return b"".join(_tcp_payload(frame) for frame in list(self.frames))

    def _listen(self) -> None:
        while not self._is_over.is_set():
            with contextlib.suppress(TimeoutError):
                self.frames.append(self.ear.recv(65_536))


@contextlib.contextmanager
def cable() -> Iterator[Cable]:
    """Make two namespaces and what joins them; everything in them ends with them."""
    stamp = f"{os.getpid() % 100_000}{next(_numbers)}"
    made = Cable(f"gh{stamp}", f"gd{stamp}")
    try:
        for namespace in (made.host, made.device):
            _ip("netns", "add", namespace)
            _ip("-n", namespace, "link", "set", "lo", "up")
        _ip(
            "-n",
            made.host,
            "link",
            "add",
            f"v{made.host}",
            "type",
            "veth",
            "peer",
            "name",
            f"v{made.device}",
            "netns",
            made.device,
        )
        for namespace, address in ((made.host, HOST_ADDRESS), (made.device, DEVICE_ADDRESS)):
            _ip("-n", namespace, "address", "add", f"{address}/24", "dev", f"v{namespace}")
            _ip("-n", namespace, "link", "set", f"v{namespace}", "up")
        yield made
    finally:
        for namespace in (made.host, made.device):
            subprocess.run(["ip", "netns", "delete", namespace], capture_output=True, check=False)


@dataclass(frozen=True)
class Alone:
    """A namespace with nothing but its loopback."""

    name: str

    @contextlib.contextmanager
    def without_loopback(self) -> Iterator[None]:
        """No packet passes for a while."""
        _ip("-n", self.name, "link", "set", "lo", "down")
        try:
            yield
        finally:
            _ip("-n", self.name, "link", "set", "lo", "up")


@contextlib.contextmanager
def alone() -> Iterator[Alone]:
    """Make a namespace whose only network is its loopback."""
    made = Alone(f"ga{os.getpid() % 100_000}{next(_numbers)}")
    _ip("netns", "add", made.name)
    try:
        _ip("-n", made.name, "link", "set", "lo", "up")
        yield made
    finally:
        subprocess.run(["ip", "netns", "delete", made.name], capture_output=True, check=False)


def inside(namespace: str) -> list[str]:
    """Words to put before a command that is to run there."""
    return ["ip", "netns", "exec", namespace]


@contextlib.contextmanager
def being_in(namespace: str) -> Iterator[None]:
    """Make this thread's new sockets belong there for a while."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    with (
        Path("/proc/thread-self/ns/net").open("rb") as home,
        Path(f"/run/netns/{namespace}").open("rb") as there,
    ):
        if libc.setns(there.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            libc.setns(home.fileno(), _CLONE_NEWNET)


def _socket_in(namespace: str, interface: str) -> socket.socket:
    with being_in(namespace):
        ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        ear.bind((interface, 0))
        return ear


def _tcp_payload(frame: bytes) -> bytes:
    if frame[12:14] != b"\x08\x00" or frame[23] != socket.IPPROTO_TCP:
        return b""
    ip_bytes = (frame[14] & 15) * 4
    tcp_bytes = (frame[14 + ip_bytes + 12] >> 4) * 4
    length = int.from_bytes(frame[16:18], "big")
    return frame[14 + ip_bytes + tcp_bytes : 14 + length]


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
