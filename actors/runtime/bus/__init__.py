"""The sockets of an actor, and the only imports of zmq.

`Hub` is the centre of a star (a ROUTER), `Link` is a ray (a DEALER). A link sends an empty probe whenever it (re)connects,
the hub answers `Welcome`, the link's owner says `Hello`: so a restarted hub is known at once, and nothing that was meant
for the dead one reaches the new one (IMMEDIATE: no queue without a connection).

Other machines come in through a `Door` (a ROUTER behind CURVE, whose every key a `Porter` must know), and only there.
"""

from actors.runtime.bus.curve import library
from actors.runtime.bus.hub import Hub
from actors.runtime.bus.link import Link
from actors.runtime.bus.star import BATCH, BOOT_ID, Handler, Identity, Peer

__all__ = ["BATCH", "BOOT_ID", "Handler", "Hub", "Identity", "Link", "Peer", "library"]
