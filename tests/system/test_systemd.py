"""A tree under an outer systemd: the whole protocol of Type=notify with a watchdog, and none of it within reach of an actor."""

import signal
import socket
from contextlib import closing

from trees import tree, wait_for


def test_systemd_hears_when_the_tree_is_ready_alive_and_stopping_and_no_actor_can_speak_for_it():
    with tree() as conversation, closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        address = str(conversation.directory / "systemd")
        systemd.bind(address)
        systemd.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        systemd.settimeout(30)
        conversation.environment |= {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "3000000"}
        process = conversation.start()
        said, senders = [], set()

        def hear():
            datagram, ancillary, _, _ = systemd.recvmsg(4096, socket.CMSG_SPACE(12))
            senders.add(int.from_bytes(ancillary[0][2][:4], "little"))
            said.extend(datagram.decode().splitlines())

        while "READY=1" not in said:
            hear()
        assert conversation.status()["state"] == "ready", "READY is said when every actor is"
        while said.count("WATCHDOG=1") < 3 or "STATUS=ready" not in said:
            hear()
        conversation.kill("console")
        while not any(line.startswith("STATUS=degraded: ") and "console" in line for line in said):
            hear()
        wait_for(lambda: conversation.status()["state"] == "ready", "it is healed")
        for actor in conversation.actors():
            environ = actor.environ()
            assert environ["NOTIFY_SOCKET"] == str(conversation.run_dir / "notify")
            assert "WATCHDOG_USEC" not in environ
        process.send_signal(signal.SIGTERM)
        while "STOPPING=1" not in said:
            hear()
        assert process.wait(30) == 0
        assert senders == {process.pid}
