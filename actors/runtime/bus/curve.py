"""Keys, and what a socket needs to be private: CurveZMQ. Keys are Z85 text of 40 characters, as ZeroMQ writes them."""

import struct
from typing import NamedTuple

import zmq
from zmq.utils import z85

KEY_BYTES = 32
RECONNECT_MS, RECONNECT_MAX_MS = 50, 300
CONNECT_MS = 800
"""An attempt that gets no answer is given up, and made anew: the kernel would wait twice as long after each."""
HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS, HEARTBEAT_TTL_MS = 1000, 3000, 4000
UNANSWERED_MS = 2000
"""What is sent and not acknowledged for so long ends the connection. ZeroMQ's heartbeats cannot: they wait behind the audio."""
REMOTE_QUEUE_FRAMES, REMOTE_QUEUE_BYTES = 50, 16_384
"""What lies in a socket cannot be taken back. A link that stalls is to be noticed by the microphone's ring, which drops the
oldest; with the defaults 20 s of voice would wait in the kernel."""
HANDSHAKE_MS = 2000
"""Who connects and says nothing is let go after this long; the default of 30 s lets 500 of them starve a process."""
NOT_SLOWED = 0xB8
"""Expedited forwarding: Wi-Fi and routers send voice first."""


class KeyPair(NamedTuple):
    """One party's keys."""

    public: str
    secret: str

    def __repr__(self) -> str:
        """Keep the secret out of every log."""
        return f"KeyPair({self.public}, <secret>)"


class Curve(NamedTuple):
    """What a link to another machine needs: who we are, and whom we talk to."""

    me: KeyPair
    host_key: str
    """The only key the other side may have."""


def new_keys() -> KeyPair:
    """Make a pair of keys."""
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode(), secret.decode())


def public_of(secret: str) -> str:
    """Return the public key that belongs to a secret one. Raises `ValueError` if it is none."""
    try:
        return zmq.curve_public(secret.encode()).decode()
    except (zmq.ZMQError, UnicodeError) as error:
        raise ValueError("it is not a key") from error


def raw_key(key: str) -> bytes:
    """Return the 32 bytes of a key. Raises `ValueError` if it is none."""
    try:
        raw = z85.decode(key)
    except (KeyError, ValueError, struct.error) as error:
        raise ValueError("it is not a key") from error
    if len(raw) != KEY_BYTES:
        raise ValueError("it is not a key")
    return bytes(raw)


def key_of(raw: bytes) -> str:
    """Write 32 bytes as a key."""
    return z85.encode(raw).decode()


def library() -> tuple[str, bool]:
    """Return the version of libzmq, and whether it has CURVE."""
    return zmq.zmq_version(), bool(zmq.has("curve"))


def watch_connection(socket: "zmq.Socket[bytes]") -> None:
    """Notice within seconds that a TCP connection is dead, and let voice go first."""
    socket.set(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
    socket.set(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
    socket.set(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
    socket.set(zmq.HEARTBEAT_TTL, HEARTBEAT_TTL_MS)
    socket.set(zmq.TCP_KEEPALIVE, 1)
    socket.set(zmq.TCP_MAXRT, UNANSWERED_MS)
    socket.set(zmq.TOS, NOT_SLOWED)
    socket.set(zmq.IPV6, 1)


def be_client(socket: "zmq.Socket[bytes]", curve: Curve) -> None:
    """Prove our key, and talk to nobody but the pinned one."""
    socket.set(zmq.CURVE_PUBLICKEY, curve.me.public.encode())
    socket.set(zmq.CURVE_SECRETKEY, curve.me.secret.encode())
    socket.set(zmq.CURVE_SERVERKEY, curve.host_key.encode())
    socket.set(zmq.CONNECT_TIMEOUT, CONNECT_MS)
    socket.set(zmq.SNDHWM, REMOTE_QUEUE_FRAMES)
    socket.set(zmq.SNDBUF, REMOTE_QUEUE_BYTES)
    watch_connection(socket)
