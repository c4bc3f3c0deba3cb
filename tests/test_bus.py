"""Hub and Link over real ZeroMQ: who is there is known, nothing goes to the wrong one, and nobody holds up anybody."""

import itertools
import logging
import select

import pytest
import zmq
from fakes import Centre, Ray, SkippingLoop

from actors import wire
from actors.runtime import bus
from actors.runtime.bus import BATCH, BOOT_ID, Peer


@pytest.fixture
def address(short_dir):
    return f"ipc://{short_dir}/h.ipc"


@pytest.fixture
def raw(address):
    """A socket with no manners of ours."""
    with zmq.Context.instance().socket(zmq.DEALER) as socket:
        socket.set(zmq.LINGER, 0)
        socket.connect(address)
        yield socket


@pytest.fixture
def other_loop():
    made = SkippingLoop()
    yield made
    for socket in made.to_close:
        socket.close()
    made.close()


def frame(body, sender="raw", boot_id=99):
    return wire.encode(wire.Envelope(wire.VERSION, sender, boot_id, 1, 0, 0, body))


def met(loop, address, *names):
    """A hub and its rays, all introduced."""
    centre = Centre(loop, address)
    rays = [Ray(loop, address, name) for name in names]
    loop.until(lambda: len(centre.of(wire.Hello)) == len(names), "everybody is known")
    return centre, *rays


def texts(centre):
    return [notice.text for notice in centre.of(wire.Notice)]


def test_a_ray_is_welcomed_and_introduces_itself(loop, address):
    centre, ray = met(loop, address, "mic")
    assert list(centre.hub.peers.values()) == [Peer("mic", "test", ray.link.boot_id, 1)]
    assert (ray.welcomes, ray.link.hub_boot_id) == (1, BOOT_ID)


def test_a_ray_may_be_there_before_its_hub(loop, address):
    ray = Ray(loop, address)
    assert not ray.link.send(wire.Notice("too early"))
    centre = Centre(loop, address)
    loop.until(lambda: centre.of(wire.Hello), "the ray is known")
    assert texts(centre) == []


def test_a_restarted_hub_is_noticed_and_told_again_who_is_there(loop, address):
    centre, ray = met(loop, address, "mic")
    centre.hub.close()
    again = Centre(loop, address)
    loop.until(lambda: again.of(wire.Hello), "the ray introduces itself again")
    assert ray.welcomes == 2


def test_a_ray_knows_that_its_hub_is_gone(loop, address):
    centre, ray = met(loop, address, "mic")
    centre.hub.close()
    loop.until(lambda: not ray.link.hub_boot_id, "the loss is noticed")
    assert not ray.link.send(wire.Notice("to nobody"))


def test_nothing_sent_to_a_dead_hub_reaches_the_next_one(loop, address):
    centre, ray = met(loop, address, "mic")
    centre.hub.close()
    for number in range(50):
        ray.link.send(wire.Notice(f"old {number}"))
    again = Centre(loop, address)
    loop.until(lambda: again.of(wire.Hello), "the ray introduces itself")
    ray.link.send(wire.Notice("new"))
    loop.until(lambda: again.of(wire.Notice), "it is heard")
    assert texts(again) == ["new"]


def test_a_ray_that_slept_through_its_hubs_restart_is_heard_again(loop, other_loop, address):
    first = Centre(other_loop, address)
    ray = Ray(loop, address)
    loop.until(lambda: other_loop.run_once(0.0) or first.of(wire.Hello), "they have met")
    first.hub.close()
    again = Centre(other_loop, address)
    other_loop.serve_for(0.3)  # long enough for ZeroMQ's own thread to connect again

    loop.until(lambda: other_loop.run_once(0.0) or again.of(wire.Hello), "the ray says who it is")
    assert ray.link.send(wire.Notice("awake"))


def test_a_peer_that_died_is_found_out_by_a_ping(loop, address):
    centre, _, ray = met(loop, address, "mic", "speaker")
    ray.link.close()
    loop.until(lambda: centre.hub.ping_all() or centre.of(wire.Present), "the death is noticed")
    assert centre.of(wire.Present) == [wire.Present("speaker", "test", here=False)]
    assert [peer.name for peer in centre.hub.peers.values()] == ["mic"]


def test_a_restarted_peer_replaces_its_former_self_which_is_gone_before_it_comes(loop, address):
    centre, former = met(loop, address, "mic")
    old_route = centre.route_of("mic")
    latter = Ray(loop, address, "mic")
    loop.until(lambda: len(centre.of(wire.Hello)) == 2, "the new one is known")
    loop.until(lambda: len(centre.got) == 3, "the old one is reported gone")

    assert [type(received.envelope.body) for received in centre.got] == [wire.Hello, wire.Present, wire.Hello]
    assert centre.got[1].peer == old_route
    assert len(centre.hub.peers) == 1
    former.link.send(wire.Notice("I am still here"))
    latter.link.send(wire.Notice("so am I"))
    loop.until(
        lambda: centre.counters.dropped == {"stranger": 1} and centre.of(wire.Notice), "both were heard"
    )
    assert texts(centre) == ["so am I"]


def test_a_stranger_is_counted_and_not_heard(loop, address, raw):
    (centre,) = met(loop, address)
    raw.send(frame(wire.Notice("let me in")))
    loop.until(lambda: centre.counters.dropped.get("stranger"), "the stranger is counted")
    raw.send(frame(wire.Hello("mic", 1)))
    loop.until(lambda: centre.of(wire.Hello), "now it is known")
    raw.send(frame(wire.Notice("somebody else"), boot_id=100))
    loop.until(lambda: centre.counters.dropped == {"stranger": 2}, "another incarnation is a stranger again")
    raw.send(frame(wire.Notice("hello")))
    loop.until(lambda: centre.of(wire.Notice), "it is heard")
    assert texts(centre) == ["hello"]


def test_a_peer_that_does_not_read_holds_up_nobody_and_is_not_given_up(loop, address, raw):
    centre, ray = met(loop, address, "console")
    raw.set(zmq.RCVHWM, 1)
    raw.send(frame(wire.Hello("slow", 1)))
    loop.until(lambda: len(centre.of(wire.Hello)) == 2, "the slow one is known")
    slow = centre.route_of("raw")
    big = wire.OutputText("x" * 60_000)
    refused = 0
    for number in range(3000):
        refused += not centre.hub.send(slow, big)
        while not centre.hub.send(centre.route_of("console"), wire.Notice(str(number))):
            loop.run_once(0.05)

    assert refused > 0
    loop.until(lambda: len(ray.of(wire.Notice)) == 3000, "the other one got everything")
    assert slow in centre.hub.peers
    assert centre.of(wire.Present) == []


def test_thousands_of_messages_pass_both_ways_at_once_in_order(loop, address):
    centre, one, two = met(loop, address, "one", "two")
    count = 4000
    sent = dict.fromkeys(("one", "two", "hub"), 0)

    def pump():
        for name, ray in (("one", one), ("two", two)):
            while sent[name] < count and ray.link.send(wire.Notice(f"{name} {sent[name]}")):
                sent[name] += 1
        while sent["hub"] < count and centre.hub.broadcast(wire.Yield(sent["hub"])) == 2:
            sent["hub"] += 1
        if min(sent.values()) < count:
            loop.call_soon(pump)

    pump()
    loop.until(lambda: len(centre.of(wire.Notice)) == 2 * count, "all was heard at the hub", 60)
    loop.until(
        lambda: all(len(ray.of(wire.Yield)) >= count for ray in (one, two)), "all was heard at the rays", 60
    )
    for name in ("one", "two"):
        assert [text for text in texts(centre) if text.startswith(name)] == [
            f"{name} {n}" for n in range(count)
        ]
    assert [said.request for said in one.of(wire.Yield)][-1] == count - 1


@pytest.mark.parametrize("does_hang", [False, True], ids=["gone", "full"])
def test_a_send_that_fails_leaves_nothing_unread(loop, address, raw, does_hang, monkeypatch):
    monkeypatch.setattr(bus.star, "SAFETY_POLL_S", 3600.0)
    centre, ray = met(loop, address, "mic")
    raw.set(zmq.RCVHWM, 1)
    raw.send(frame(wire.Hello("slow", 1)))
    loop.until(lambda: len(centre.of(wire.Hello)) == 2, "the slow one is known")
    slow = centre.route_of("raw")
    if does_hang:
        while centre.hub.send(slow, wire.OutputText("x" * 60_000)):
            pass
    else:
        raw.close()
        loop.until(lambda: not centre.hub.send(slow, wire.Ping()), "the slow one is gone")

    def heard(count):
        return lambda: texts(centre).count("edge") == count

    for number in range(1, 21):
        loop.run_once(0.0)
        ray.link.send(wire.Notice("edge"))
        assert select.select([centre.hub._socket.fileno()], [], [], 10)[0]
        while centre.hub.send(slow, wire.Ping()):
            pass  # each failing send may eat the edge: the loop must be told to look without it
        loop.until(heard(number), "it is read without another edge")


def test_with_a_small_inbox_the_sender_waits_and_nothing_is_lost(loop, address):
    centre = Centre(loop, address, inbox_limit=4)
    ray = Ray(loop, address)
    loop.until(lambda: centre.of(wire.Hello), "they have met")
    for number in range(900):
        assert ray.link.send(wire.Notice(str(number)))
    loop.until(lambda: len(texts(centre)) == 900, "all came")
    assert texts(centre) == [str(number) for number in range(900)]
    assert (centre.counters.dropped, centre.hub.peak) == ({}, 4)


def test_a_busy_socket_leaves_the_loop_to_others_after_each_batch(loop, address):
    centre, ray = met(loop, address, "mic")
    for number in range(3 * BATCH):
        ray.link.send(wire.Notice(str(number)))
    seen = []
    loop.call_later(0.0, lambda: None)
    loop.until(lambda: seen.append(len(texts(centre))) or seen[-1] == 3 * BATCH, "all came")
    assert max(after - before for before, after in itertools.pairwise(seen)) <= 2 * BATCH


def test_last_words_have_time_to_leave(loop, address):
    centre, ray = met(loop, address, "mic")
    ray.link.send(wire.Notice("goodbye"))
    ray.link.close(linger_ms=5000)
    loop.until(lambda: texts(centre) == ["goodbye"], "they arrive")


def test_what_has_arrived_can_be_read_before_closing(loop, address):
    centre, ray = met(loop, address, "mic")
    centre.hub.broadcast(wire.Notice("the last line"))
    assert select.select([ray.link._socket.fileno()], [], [], 10)[0]
    ray.link.read_all()
    assert ray.of(wire.Notice) == [wire.Notice("the last line")]


def test_a_broadcast_reaches_those_it_is_for_and_tells_how_many(loop, address):
    centre, mic, speaker = met(loop, address, "mic", "speaker")
    third = Ray(loop, address, "third", kind="console")
    loop.until(lambda: centre.hub.has("console"), "the console is known")
    assert centre.hub.broadcast(wire.Notice("console"), kinds=frozenset({"console"})) == 1
    assert centre.hub.broadcast(wire.Notice("all")) == 3
    loop.until(lambda: all(ray.of(wire.Notice) for ray in (mic, speaker, third)), "they heard it")
    assert (len(third.of(wire.Notice)), len(mic.of(wire.Notice))) == (2, 1)


def test_frames_of_a_link_are_counted_without_holes(loop, address):
    centre, ray = met(loop, address, "mic")
    for _ in range(5):
        ray.link.send(wire.Ping())
    loop.until(lambda: len(centre.got) == 6, "all came")
    assert [received.envelope.seq for received in centre.got] == [1, 2, 3, 4, 5, 6]


def test_a_message_in_parts_is_counted_by_a_link_too(loop, address):
    centre, ray = met(loop, address, "mic")
    centre.hub._socket.send_multipart([centre.route_of("mic"), b"one", b"two"])
    loop.until(lambda: ray.counters.dropped == {"malformed": 1}, "it is counted")


def test_a_flood_of_bad_frames_is_no_flood_of_log_lines(loop, address, raw, caplog):
    caplog.set_level(logging.WARNING, "bus")
    (centre,) = met(loop, address)
    for _ in range(600):
        raw.send(b"\xc1")
    loop.until(lambda: centre.counters.dropped == {"malformed": 600}, "all are counted")
    assert len([record for record in caplog.records if record.name == "bus"]) == 10


def test_a_closed_socket_takes_nothing_and_is_closed_again_without_harm(loop, address):
    centre, ray = met(loop, address, "mic")
    route = centre.route_of("mic")
    for end in (ray.link, centre.hub):
        end.close()
        end.close()
    assert not ray.link.send(wire.Ping())
    assert not centre.hub.send(route, wire.Ping())
