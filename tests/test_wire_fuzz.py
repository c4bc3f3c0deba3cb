"""Garbage in: damaged frames (a million in the soak) through `decode`, and thousands over a real socket to a hub that goes on serving."""

import os
import random
import struct

import pytest
import zmq
from fakes import Centre, Ray
from msgspec import inspect

from actors import wire
from actors.wire import Envelope, WireError

SEED = 20_261_123


def sample(described, pick):
    """Build a small value of a type as msgspec sees it; `pick` chooses where there are several types."""
    match described:
        case inspect.BoolType():
            return True
        case inspect.NoneType():
            return None
        case inspect.IntType(le=most):
            return min(70_000, most or 70_000)
        case inspect.FloatType(le=most):
            return min(2.5, most or 2.5)
        case inspect.StrType():
            return "héllo"
        case inspect.BytesType():
            return bytes(range(64))
        case inspect.LiteralType(values=values):
            return values[pick]
        case inspect.UnionType(types=types):
            return sample(types[pick], pick)
        case inspect.VarTupleType(item_type=items):
            return (sample(items, pick),)
        case inspect.DictType(key_type=keys, value_type=values):
            return {sample(keys, pick): sample(values, pick)}
        case inspect.StructType(cls=kind, fields=fields):
            return kind(**{field.name: sample(field.type, pick) for field in fields})
    raise AssertionError(f"no sample of {described}: add one here")


BODIES = [sample(inspect.type_info(kind), pick) for kind in wire.MESSAGES for pick in (0, -1)]
FRAMES = [wire.encode(Envelope(wire.VERSION, "actor", 2**50, 70_000, 3, 2**45, body)) for body in BODIES]
LENGTH_HEADERS = [
    b"\xc4\xff",
    b"\xc5\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xd9\xff",
    b"\xda\xff\xff",
    b"\xdb\x7f\xff\xff\xff",
    b"\xdc\xff\xff",
    b"\xdd\xff\xff\xff\xff",
    b"\xde\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc7\xff\x01",
    b"\xc9\xff\xff\xff\xff\x01",
    b"\xc1",
    b"\xd7\xff",
]


def flip(frame, rng):
    damaged = bytearray(frame)
    for _ in range(1 + int(rng() * 3)):
        damaged[int(rng() * len(damaged))] ^= 1 << int(rng() * 8)
    return bytes(damaged)


def cut(frame, rng):
    return frame[: int(rng() * len(frame))]


def splice(frame, rng):
    other = FRAMES[int(rng() * len(FRAMES))]
    return frame[: int(rng() * len(frame))] + other[int(rng() * len(other)) :]


def lie_about_length(frame, rng):
    at = int(rng() * len(frame))
    header = LENGTH_HEADERS[int(rng() * len(LENGTH_HEADERS))]
    return frame[:at] + header + frame[at + int(rng() * 2) * len(header) :]


def overwrite(frame, rng):
    at, number = int(rng() * len(frame)), int(rng() * 2**64)
    return frame[:at] + struct.pack(">Q", number)[: 1 + int(rng() * 8)] + frame[at + int(rng() * 9) :]


def invent(frame, rng):
    return (int(rng() * 2**53) ** 8).to_bytes(53, "big")[: int(rng() * min(53, len(frame)))]


MUTATIONS = (flip, flip, cut, splice, lie_about_length, overwrite, invent)


def damaged_frames(count):
    rng = random.Random(SEED).random
    for _ in range(count):
        frame = FRAMES[int(rng() * len(FRAMES))]
        yield MUTATIONS[int(rng() * len(MUTATIONS))](frame, rng)


def said_by(name, centre):
    return [one for one in centre.got if one.envelope.sender == name]


def counted(centre):
    """Refused, or by chance as good as new."""
    return sum(centre.counters.dropped.values()) + len(centre.got) - len(said_by("good", centre))


@pytest.mark.parametrize("rounds", [100_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_damaged_frames_raise_nothing_but_wire_errors(rounds):
    refused = 0
    for frame in damaged_frames(rounds):
        try:
            wire.decode(frame)
        except WireError:
            refused += 1
    assert 0.8 * rounds < refused < rounds


@pytest.mark.parametrize("shape", ["single", "in parts"])
def test_a_hub_that_is_sent_garbage_counts_it_and_goes_on_serving(shape, loop, short_dir):
    address = f"ipc://{short_dir}/h.ipc"
    centre = Centre(loop, address)
    good = Ray(loop, address, "good")
    loop.until(lambda: centre.route_of("good"), "the good one is known")
    rng = random.Random(SEED).random
    garbage = [frame for frame in damaged_frames(6000) if frame]
    with zmq.Context.instance().socket(zmq.DEALER) as raw:
        raw.set(zmq.LINGER, 0)
        raw.connect(address)
        for number, frame in enumerate(garbage):
            parts = [frame]
            if shape == "in parts":
                parts = [b"", *[frame] * (1 + int(rng() * 4))] if number % 2 else [frame, os.urandom(3), b""]
            raw.send_multipart(parts)
            if number % 200 == 0:
                loop.run_once(0.0)
                good.link.send(wire.Notice(f"after {number}"))
        loop.until(lambda: counted(centre) >= len(garbage), "all garbage is counted")

    assert set(centre.counters.dropped) <= {"malformed", "version", "stranger"}
    assert counted(centre) == len(garbage)
    loop.until(lambda: len(said_by("good", centre)) == 1 + 30, "all that the good one said has come")
    centre.hub.broadcast(wire.Notice("still here"))
    loop.until(lambda: good.of(wire.Notice), "the hub still sends")


def test_a_frame_over_the_limit_costs_its_sender_the_connection_and_nobody_else_anything(loop, short_dir):
    address = f"ipc://{short_dir}/h.ipc"
    centre = Centre(loop, address)
    good = Ray(loop, address, "good")
    loop.until(lambda: centre.route_of("good"), "the good one is known")
    with zmq.Context.instance().socket(zmq.DEALER) as raw:
        raw.set(zmq.LINGER, 0)
        raw.connect(address)
        monitor = raw.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        raw.send(bytes(wire.MAX_FRAME_BYTES + 1))
        loop.until(lambda: monitor.poll(0), "the sender is cut off")
        raw.disable_monitor()
        monitor.close()

    good.link.send(wire.Notice("hello"))
    loop.until(lambda: centre.of(wire.Notice), "the good one is heard")
    assert good.welcomes == 1


def read_by(ray, count):
    return lambda: ray.counters.frames_in == count


def test_a_link_that_is_sent_garbage_counts_it_and_still_hears_its_hub(loop, short_dir):
    address = f"ipc://{short_dir}/h.ipc"
    garbage = list(damaged_frames(6000))
    with zmq.Context.instance().socket(zmq.ROUTER) as raw:
        raw.set(zmq.LINGER, 0)
        raw.bind(address)
        ray = Ray(loop, address)
        loop.until(lambda: raw.poll(0), "the link probes")
        route = raw.recv_multipart()[0]
        for number, frame in enumerate(garbage):
            raw.send_multipart([route, frame] if number % 3 else [route, frame, b"more"])
            if number % 200 == 0:
                loop.until(read_by(ray, number + 1), "the link keeps up")
        raw.send_multipart(
            [route, wire.encode(Envelope(wire.VERSION, "hub", 7, 1, 0, 0, wire.Notice("still here")))]
        )
        loop.until(lambda: wire.Notice("still here") in ray.got, "the hub is heard")

    assert set(ray.counters.dropped) <= {"malformed", "version"}
    assert sum(ray.counters.dropped.values()) > 0.9 * len(garbage)
