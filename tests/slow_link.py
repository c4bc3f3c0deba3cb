"""A slow way to a server: a proxy that carries so many bytes a second to it, and holds back whoever sends more."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

CHUNK_BYTES = 1024
BUFFER_BYTES = 4096
"""What the proxy's own socket takes in advance; the kernel doubles it."""


@contextlib.contextmanager
def slow_link(port: int, bytes_per_s: float) -> Iterator[int]:
    """Lead to a port of this machine; gives the port to connect to."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    threads = [threading.Thread(target=_serve, args=(listener, port, bytes_per_s), daemon=True)]
    threads[0].start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        threads[0].join()


def _serve(listener: socket.socket, port: int, bytes_per_s: float) -> None:
    with contextlib.suppress(OSError):  # closed: the test is over
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", port))
            for way in ((client, server, bytes_per_s), (server, client, float("inf"))):
                threading.Thread(target=_carry, args=way, daemon=True).start()


def _carry(source: socket.socket, target: socket.socket, bytes_per_s: float) -> None:
    free_s = time.monotonic()
    with contextlib.suppress(OSError), source, target:
        while data := source.recv(CHUNK_BYTES):
            target.sendall(data)
            free_s = max(free_s, time.monotonic() - 0.02) + len(data) / bytes_per_s
            time.sleep(max(0.0, free_s - time.monotonic()))
