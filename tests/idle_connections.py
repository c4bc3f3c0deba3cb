"""Hundreds of connections that say nothing: idle_connections.py ADDRESS PORT PORT COUNT. Says "there" when all have been tried."""

import contextlib
import resource
import selectors
import socket
import sys
import time


def main() -> None:
    """Keep them up until we are killed."""
    address, ports, count = sys.argv[1], [int(port) for port in sys.argv[2:4]], int(sys.argv[4])
    resource.setrlimit(resource.RLIMIT_NOFILE, (count * 2, count * 2))
    selector = selectors.DefaultSelector()
    for number in range(count):
        selector.register(attempt(address, ports[number % 2]), selectors.EVENT_READ, ports[number % 2])
    print("there", flush=True)
    while True:
        for key, _ in selector.select():
            if hung_up(key.fileobj):
                selector.unregister(key.fileobj)
                key.fileobj.close()
                selector.register(attempt(address, key.data), selectors.EVENT_READ, key.data)
        time.sleep(0.05)


def attempt(address: str, port: int) -> socket.socket:
    made = socket.socket()
    made.setblocking(False)
    made.connect_ex((address, port))
    return made


def hung_up(connection: socket.socket) -> bool:
    with contextlib.suppress(BlockingIOError):
        try:
            return not connection.recv(4096)
        except OSError as error:
            if isinstance(error, BlockingIOError):
                raise
            return True
    return False


main()
