"""Which frames from another machine are acted on: those of a known key, in its role, under its name, once, at its pace."""

from datetime import UTC, datetime, timedelta

import pytest

from actors import wire
from actors.gate.guard import Guard, RefusedError, RemoteActor
from actors.gate.limits import QUARANTINE_S, REMEMBERED_S, Order, Strikes, TokenBucket
from actors.gate.roles import MAX_BYTES, ROLES
from actors.runtime.keyring import Device

PI, OTHER = "p" * 40, "o" * 40
NOW_S = 100.0


def device(key, *roles, **more):
    return Device(key, list(roles), "2026-01-01T00:00:00+00:00", **more)


@pytest.fixture
def guard():
    actors = [
        RemoteActor("ear", "mic", "pi"),
        RemoteActor("mouth", "speaker", "pi"),
        RemoteActor("far", "mic", "other"),
    ]
    register = {"pi": device(PI, "mic", "speaker"), "other": device(OTHER, "speaker")}
    return Guard({actor.name: actor for actor in actors}, register)


def frame(body, sender="ear", boot_id=7, seq=2):
    return wire.encode(wire.Envelope(wire.VERSION, sender, boot_id, seq, 0, 5, body))


def greet(guard, sender="ear", kind="mic", **numbers):
    guard.check("media", PI, frame(wire.Hello(kind, 1), sender, **({"seq": 1} | numbers)), NOW_S)


def refusal(guard, said, key=PI, star="media", now_s=NOW_S):
    with pytest.raises(RefusedError) as caught:
        guard.check(star, key, said, now_s)
    return caught.value


CHUNK = wire.MicChunk(bytes(640), 1)


def test_a_microphone_that_said_hello_may_send_its_voice(guard):
    greet(guard)
    actor, envelope = guard.check("media", PI, frame(CHUNK), NOW_S)
    assert (actor.name, envelope.body) == ("ear", CHUNK)


@pytest.mark.parametrize(
    "body",
    [
        wire.TextLine(wire.LineId("x", 1), "hello"),
        wire.SetState(1, "muted", value=False),
        wire.GetState(1, "model"),
        wire.SpeechChunk(bytes(8)),
        wire.Flush(),
        wire.Interrupt(),
        wire.Heard(1, is_done=True),
        wire.ToolsOffered(()),
    ],
    ids=lambda body: type(body).__name__,
)
def test_a_microphone_may_say_nothing_but_what_microphones_say(guard, body):
    greet(guard)
    assert refusal(guard, frame(body)).reason == "role"


def test_what_is_for_one_star_is_refused_on_the_other(guard):
    guard.check("control", PI, frame(wire.Hello("mic", 1), seq=1), NOW_S)
    assert refusal(guard, frame(CHUNK), star="control").reason == "role"


@pytest.mark.parametrize("name", ["far", "session", "keyboard", "nobody"])
def test_a_device_may_only_use_the_names_that_the_configuration_gives_it(guard, name):
    said = refusal(guard, frame(wire.Hello("mic", 1), name))
    assert (said.reason, said.is_strike) == ("forged", True)


def test_a_role_that_was_not_paired_is_refused_even_if_the_configuration_asks_for_it(guard):
    assert refusal(guard, frame(wire.Hello("mic", 1), "far"), OTHER).reason == "role"


def test_an_actor_that_calls_itself_another_kind_is_refused(guard):
    assert refusal(guard, frame(wire.Hello("console", 1))).reason == "role"


@pytest.mark.parametrize("seq", [1, 2])
def test_a_frame_counts_once(guard, seq):
    greet(guard)
    guard.check("media", PI, frame(CHUNK), NOW_S)
    said = refusal(guard, frame(CHUNK, seq=seq))
    assert (said.reason, said.is_strike) == ("replayed", True)


def test_a_hello_of_an_incarnation_that_was_replaced_is_a_replay(guard):
    greet(guard)
    greet(guard, boot_id=8)
    assert refusal(guard, frame(wire.Hello("mic", 1), boot_id=7, seq=9)).reason == "replayed"


def test_what_was_still_on_the_way_of_a_replaced_incarnation_is_dropped_without_blame(guard):
    greet(guard)
    greet(guard, boot_id=8)
    said = refusal(guard, frame(CHUNK, boot_id=7, seq=9))
    assert (said.reason, said.is_strike) == ("stale", False)


def test_a_frame_before_any_hello_is_dropped(guard):
    assert refusal(guard, frame(CHUNK)).reason == "stale"


@pytest.mark.parametrize("garbage", [b"\x00", b"\xff" * 100, frame(CHUNK)[:-1], frame(CHUNK) + b"\x00"])
def test_what_cannot_be_read_is_a_strike(guard, garbage):
    said = refusal(guard, garbage)
    assert (said.reason, said.is_strike) == ("malformed", True)


def test_a_frame_over_the_size_of_its_star_is_refused(guard):
    greet(guard)
    assert refusal(guard, frame(wire.MicChunk(bytes(MAX_BYTES["media"]), 1))).reason == "oversized"


def is_taken(guard, said):
    try:
        guard.check("media", PI, said, NOW_S)
    except RefusedError as error:
        if (error.reason, error.is_strike) != ("rate", False):
            raise
        return False
    return True


def test_who_sends_too_much_loses_what_is_too_much_and_nothing_else(guard):
    greet(guard)
    tried = [is_taken(guard, frame(CHUNK, seq=seq)) for seq in range(2, 3000)]
    accepted = tried.index(False)
    assert 0 < accepted <= ROLES["mic"].frames_per_s["media"] * 2
    assert not any(tried[accepted:])
    guard.check("media", PI, frame(CHUNK, seq=5000), NOW_S + 1)


def test_a_key_that_is_unknown_revoked_or_expired_is_not_admitted(guard):
    past, future = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-1, 1))
    guard.register |= {
        "revoked": device("r" * 40, revoked=True),
        "expired": device("e" * 40, expires=past.isoformat()),
        "guest": device("g" * 40, expires=future.isoformat()),
    }
    keys = [PI, "g" * 40, "r" * 40, "e" * 40, "u" * 40]
    assert [guard.admits(key, NOW_S) for key in keys] == [True, True, False, False, False]


def test_three_bad_frames_in_ten_seconds_ban_a_key_for_a_minute(guard):
    assert [guard.strike(PI, NOW_S + at_s) for at_s in (0, 1, 9)] == [False, False, True]
    assert not guard.admits(PI, NOW_S + 9 + QUARANTINE_S - 1)
    assert guard.admits(OTHER, NOW_S + 9)
    assert guard.admits(PI, NOW_S + 9 + QUARANTINE_S)


def test_three_bad_frames_in_a_long_time_are_forgiven():
    strikes = Strikes()
    assert [strikes.strike(at_s) for at_s in (0.0, 6.0, 12.0, 18.0)] == [False] * 4


def test_a_bucket_gives_a_burst_and_then_its_rate():
    bucket = TokenBucket(10.0, burst_s=2.0)
    assert sum(bucket.take(1, 0.0) for _ in range(100)) == 20
    assert sum(bucket.take(1, 0.5) for _ in range(100)) == 5


def test_an_incarnation_is_remembered_for_ten_minutes_after_it_was_replaced():
    order = Order()
    assert [order.begins(boot, 0.0) for boot in (1, 2, 1)] == [True, True, False]
    assert order.begins(1, REMEMBERED_S + 1)
