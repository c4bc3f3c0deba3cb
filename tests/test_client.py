"""`supervisor say` against a session that is there, is not, or waits for the model: each is told as it is."""

import threading

import pytest

from actors import wire
from actors.runtime.bus import Hub, Identity
from actors.runtime.inbox import Counters
from actors.runtime.loop import PollLoop
from supervisor import client
from supervisor.instance import Instance


@pytest.fixture
def instance(tmp_path, monkeypatch):
    monkeypatch.setenv("ANTIPHON_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(client, "SENT_WITHIN_S", 0.5)
    made = Instance("test")
    made.directory.mkdir()
    return made


@pytest.fixture
def session(instance):
    """Give a function that lets a session listen, which answers lines with what it is given."""
    ends = threading.Event()
    threads = []

    def listen(answer):
        is_listening = threading.Event()

        def run():
            loop = PollLoop()

            def take(received):
                body = received.envelope.body
                if isinstance(body, wire.TextLine) and answer is not None:
                    hub.send(received.peer, answer(body.line))

            hub = Hub(loop, Identity("session", "session"), Counters(), take)
            hub.bind(f"ipc://{instance.directory}/med.ipc")
            is_listening.set()
            try:
                while not ends.is_set():
                    loop.run_once(0.02)
            finally:
                hub.close()
                loop.close()

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        assert is_listening.wait(5)

    yield listen
    ends.set()
    for thread in threads:
        thread.join()


def test_a_line_that_was_sent_is_done(instance, session):
    session(wire.LineSent)
    client.say(instance, "hello")


def test_where_nobody_listens_nothing_was_sent(instance):
    with pytest.raises(client.NoAnswerError, match="nothing was sent"):
        client.say(instance, "hello")


def test_a_line_that_the_session_holds_is_not_called_lost(instance, session):
    session(None)
    with pytest.raises(client.NoAnswerError, match="keeps the line and sends it"):
        client.say(instance, "hello")
