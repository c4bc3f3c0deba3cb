"""The protocol: every message survives the journey, and nothing else gets in."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from actors import wire
from actors.wire import Envelope, WireError

MOST_UNBOUNDED = 2**63 - 1


def values_of(described):
    """Build a strategy from a type as msgspec sees it, bounds included; a kind of type not met before fails loudly."""
    match described:
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
        case inspect.IntType(ge=least, le=most):
            return st.integers(-(2**63) if least is None else least, MOST_UNBOUNDED if most is None else most)
        case inspect.FloatType(gt=over, le=most):
            return st.floats(over, most, exclude_min=over is not None, allow_nan=False)
        case inspect.StrType(min_length=least, max_length=most):
            return st.text(min_size=least or 0, max_size=min(most or 40, 40))
        case inspect.BytesType(min_length=least, max_length=most):
            return st.binary(min_size=least or 0, max_size=min(most or 700, 700))
        case inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case inspect.UnionType(types=types):
            return st.one_of([values_of(one) for one in types])
        case inspect.VarTupleType(item_type=items):
            return st.lists(values_of(items), max_size=5).map(tuple)
        case inspect.DictType(key_type=keys, value_type=values, max_length=most):
            return st.dictionaries(values_of(keys), values_of(values), max_size=min(most or 5, 5))
        case inspect.StructType(cls=kind, fields=fields):
            return st.builds(kind, **{field.name: values_of(field.type) for field in fields})
    raise AssertionError(f"no strategy for {described}: add one here")


def enveloped(body):
    return st.builds(
        Envelope,
        **{
            field.name: body if field.name == "body" else values_of(field.type)
            for field in inspect.type_info(Envelope).fields
        }
        | {"version": st.just(wire.VERSION)},
    )


BODY_OF = {kind: values_of(inspect.type_info(kind)) for kind in wire.MESSAGES}
ENVELOPES = enveloped(st.one_of(list(BODY_OF.values())))


def envelope(body, **changes):
    return msgspec.structs.replace(Envelope(wire.VERSION, "mic", 7, 1, 2, 3, body), **changes)


def raw(body=None, **changes):
    """Write a frame as a careless or hostile sender would: no type is checked."""
    fields = {"version": 1, "sender": "mic", "boot_id": 7, "seq": 1, "epoch": 2, "sent_ns": 3}
    return msgspec.msgpack.encode([*(fields | changes).values(), body or {"type": "Flush"}])


def refusal(frame):
    with pytest.raises(WireError) as caught:
        wire.decode(frame)
    return caught.value


@pytest.mark.parametrize("kind", wire.MESSAGES, ids=lambda kind: kind.__name__)
def test_every_message_comes_out_as_it_went_in(kind):
    @given(enveloped(BODY_OF[kind]))
    def comes_out(sent):
        assert wire.decode(wire.encode(sent)) == sent

    comes_out()


def test_every_message_type_of_the_module_belongs_to_the_protocol():
    defined = {
        kind for kind in vars(wire).values() if isinstance(kind, type) and issubclass(kind, wire.Message)
    }
    assert defined - {wire.Message} == set(wire.MESSAGES)


def test_every_message_says_from_whom_to_whom_it_goes():
    assert [kind.__name__ for kind in wire.MESSAGES if "->" not in (kind.__doc__ or "")] == []


def test_texts_and_samples_of_the_greatest_size_travel():
    text = wire.OutputText("ä" * wire.MAX_TEXT_CHARS)
    sound = wire.SpeechChunk(bytes(wire.MAX_PCM_BYTES))
    assert wire.decode(wire.encode(envelope(text))).body == text
    assert wire.decode(wire.encode(envelope(sound))).body == sound


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"type": "Launch"}, "Launch"),
        ({"type": "Flush", "now": True}, "now"),
        ({"type": "OutputText"}, "text"),
        ({"type": "OutputText", "text": 7}, "str"),
        ({"type": "OutputText", "text": "x" * (wire.MAX_TEXT_CHARS + 1)}, str(wire.MAX_TEXT_CHARS)),
        ({"type": "SpeechChunk", "pcm_24k": "AAAA"}, "bytes"),
        ({"type": "SpeechChunk", "pcm_24k": bytes(wire.MAX_PCM_BYTES + 1)}, str(wire.MAX_PCM_BYTES)),
        ({"type": "Hello", "kind": "mic", "pid": 0}, ">= 1"),
        ({"type": "Hello", "kind": "", "pid": 1}, "length >= 1"),
        ({"type": "Hello", "kind": "k" * 65, "pid": 1}, "length <= 64"),
        ({"type": "Heard", "played_ms": -1, "is_done": True}, ">= 0"),
        ({"type": "Heard", "played_ms": 1.5, "is_done": True}, "int"),
        ({"type": "Heard", "played_ms": 2**63, "is_done": True}, "<="),
        ({"type": "SetState", "request": 1, "key": "volume", "value": 1}, "volume"),
        ({"type": "TextLine", "line": ["keyboard", 0], "text": ""}, ">= 1"),
        ({"type": "TextLine", "line": ["keyboard", 1, 2], "text": ""}, "length"),
        ("Flush", "object"),
        ([], "object"),
    ],
)
def test_a_wrong_body_is_refused_and_told_what_is_wrong(body, told):
    error = refusal(msgspec.msgpack.encode([1, "mic", 7, 1, 2, 3, body]))
    assert error.reason == "malformed"
    assert told in str(error)


@pytest.mark.parametrize(
    "changes",
    [{"sender": ""}, {"sender": "s" * 65}, {"boot_id": 0}, {"seq": -1}, {"epoch": "2"}, {"sent_ns": None}],
)
def test_a_wrong_envelope_is_refused(changes):
    assert refusal(raw(**changes)).reason == "malformed"


def test_a_refusal_quotes_its_sender_briefly_and_harmlessly():
    field = "\x1b[2J" + "x" * 500_000
    for frame in (raw({"type": "Flush", field: 1}), raw(sender="\x1b[2J\n", version=2)):
        error = refusal(frame)
        assert str(error).isprintable()
        assert len(str(error)) < 400


def test_another_version_is_refused_by_name_and_number():
    error = refusal(raw(version=wire.VERSION + 1))
    assert (error.reason, str(error)) == ("version", "version: mic speaks version 2, this is version 1")


def test_a_frame_over_the_limit_is_refused_unread():
    error = refusal(bytes(wire.MAX_FRAME_BYTES + 1))
    assert error.reason == "oversized"
    assert str(wire.MAX_FRAME_BYTES) in str(error)


def test_bytes_behind_a_frame_and_pieces_of_one_are_refused():
    frame = wire.encode(envelope(wire.Flush()))
    assert refusal(frame + b"\0").reason == "malformed"
    for length in range(len(frame)):
        assert refusal(frame[:length]).reason == "malformed"


def test_more_fields_than_an_envelope_has_are_refused():
    fields = [1, "mic", 7, 1, 2, 3, {"type": "Flush"}, "more"]
    assert refusal(msgspec.msgpack.encode(fields)).reason == "malformed"


def test_text_that_is_no_utf8_is_refused():
    frame = wire.encode(envelope(wire.OutputText("abc"))).replace(b"abc", b"\xff\xfe\xfd")
    assert refusal(frame).reason == "malformed"


def test_nesting_without_end_is_refused():
    assert refusal(b"\x91" * 100_000).reason == "malformed"


@given(st.binary(max_size=300))
def test_nothing_but_a_wire_error_comes_of_arbitrary_bytes(frame):
    with contextlib.suppress(WireError):
        wire.decode(frame)


def test_a_message_too_big_for_a_frame_is_refused_by_its_sender():
    with pytest.raises(WireError, match=r"OutputText\(text=<2000000 characters>\) makes 2\d+ bytes"):
        wire.encode(envelope(wire.OutputText("x" * 2_000_000)))


def test_half_a_character_is_refused_by_its_sender():
    with pytest.raises(WireError, match="surrogates not allowed"):
        wire.encode(envelope(wire.OutputText("\ud83d")))


@given(ENVELOPES)
def test_whatever_is_shown_is_short(sent):
    assert len(repr(sent.body)) < 700


def test_samples_and_long_texts_are_shown_by_their_size():
    assert repr(wire.MicChunk(bytes(640), 5)) == "MicChunk(pcm_16k=<640 bytes>, captured_ns=5, replay=0)"
    assert repr(wire.OutputText("x" * 41)) == "OutputText(text=<41 characters>)"
    assert repr(wire.OutputText("x" * 40)) == f"OutputText(text='{'x' * 40}')"


def test_a_resumption_handle_is_never_shown():
    resumption = wire.Resumption("opens-the-conversation", {"keyboard": 3})
    shown = [
        repr(wire.SetState(1, "resumption", resumption)),
        repr(wire.Snapshot(1, wire.ConversationState(resumption=resumption))),
    ]
    assert not any("opens-the-conversation" in text for text in shown)


def test_state_keys_are_the_fields_of_the_state():
    assert wire.ConversationState.__struct_fields__ == wire.STATE_KEYS


@given(st.sampled_from(wire.STATE_KEYS), values_of(inspect.type_info(wire.Value)))
def test_a_value_is_taken_as_it_is_or_refused_in_words(key, value):
    before = wire.ConversationState()
    refused = ""
    try:
        after = wire.with_value(before, key, value)
    except ValueError as error:
        refused = str(error)
    else:
        assert (getattr(after, key), type(getattr(after, key))) == (value, type(value))
    assert not refused or refused.startswith(f"{key} cannot be ")


def test_a_refused_value_is_told_what_would_be_right():
    with pytest.raises(ValueError, match="console_mode cannot be 'nobody': Invalid enum value 'nobody'"):
        wire.with_value(wire.ConversationState(), "console_mode", "nobody")
    with pytest.raises(ValueError, match="muted cannot be 1: Expected `bool`, got `int`"):
        wire.with_value(wire.ConversationState(), "muted", 1)


def test_every_refusal_has_one_word_to_be_counted_under():
    frames = [bytes(wire.MAX_FRAME_BYTES + 1), b"", raw(version=9)]
    assert [refusal(frame).reason for frame in frames] == ["oversized", "malformed", "version"]
