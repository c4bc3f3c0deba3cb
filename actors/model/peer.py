"""The TCP side of a connection to the model: how far away the other end is, and whether it is there at all.

The service answers WebSocket pings late at times, by 8 to 30 s, while all is well: a short time-out for pongs would cut
healthy connections. But the other end's *kernel* acknowledges what we send at once, or the network is gone. So that is
what is watched, by our own kernel: the connection ends with an error when anything sent (voice, or a ping) stays without
acknowledgement for too long.
"""

import socket
import struct

_INFO_BYTES = 104
_RTT_AT = 68
"""Where `tcpi_rtt` (microseconds) is in Linux's `struct tcp_info`."""


def find_dead(link: socket.socket, dead_after_s: float) -> None:
    """Let the kernel end the connection when what was sent is not acknowledged for so long, or probes when nothing is."""
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(dead_after_s * 1000))
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)


def round_trip_s(link: socket.socket) -> float:
    """Return how long the link takes there and back, as the kernel has measured it."""
    info = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    return float(struct.unpack_from("I", info, _RTT_AT)[0]) / 1e6
