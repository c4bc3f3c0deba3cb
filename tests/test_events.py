"""What a server message of Gemini Live means, read from the SDK's own types."""

import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from actors.model.events import (
    Audio,
    Cut,
    FunctionCall,
    Generated,
    GoingAway,
    HandleIssued,
    Said,
    ToolsCalled,
    ToolsCancelled,
    TurnOver,
    Understood,
    Used,
    events_of,
    rate_of,
    seconds,
)


def heard(**message):
    return events_of(types.LiveServerMessage.model_validate(message))


def content(**fields):
    return heard(server_content=fields)


def audio(data=b"\x01\x02", mime_type="audio/pcm;rate=24000"):
    return {"inline_data": {"data": data, "mime_type": mime_type}}


def test_a_message_that_says_nothing_means_nothing():
    assert heard() == []
    assert content() == []


def test_every_part_of_a_message_is_taken_in_order():
    parts = [audio(b"ab"), {"text": "Hello"}, audio(b"cd", "audio/pcm;rate=16000")]
    assert content(model_turn={"parts": parts}) == [Audio(b"ab", 24_000), Said("Hello"), Audio(b"cd", 16_000)]


def test_audio_and_its_transcript_may_come_together():
    found = content(model_turn={"parts": [audio(b"ab")]}, output_transcription={"text": "Hel"})
    assert found == [Audio(b"ab", 24_000), Said("Hel")]


def test_thoughts_pictures_and_empty_parts_are_left_out():
    parts = [{"text": "hm", "thought": True}, audio(b"x", "image/png"), audio(b""), {"text": ""}]
    assert content(model_turn={"parts": parts}) == []


def test_a_sample_split_over_two_slices_is_handed_on_as_it_came():
    parts = [audio(b"abc"), audio(b"d")]
    assert content(model_turn={"parts": parts}) == [Audio(b"abc", 24_000), Audio(b"d", 24_000)]


def test_the_end_of_a_cut_turn_is_the_cut_and_then_the_end():
    assert content(interrupted=True, turn_complete=True) == [Cut(), TurnOver()]


def test_generated_comes_before_the_turn_is_over():
    assert content(generation_complete=True, turn_complete=True) == [Generated(), TurnOver()]


@pytest.mark.parametrize(("status", "is_over"), [("IDLE", True), ("IN_PROGRESS", False)])
def test_a_filler_ends_a_turn_but_not_the_exchange(status, is_over):
    assert content(turn_complete=True, interaction_status=status) == [TurnOver(is_over)]


def test_what_the_user_was_heard_to_say_is_understood():
    assert content(input_transcription={"text": "hi"}) == [Understood("hi")]
    assert content(input_transcription={"finished": True}) == []


def test_only_a_handle_that_can_be_resumed_from_counts():
    assert heard(session_resumption_update={"new_handle": "h", "resumable": True}) == [HandleIssued("h")]
    assert heard(session_resumption_update={"new_handle": "h"}) == []
    assert heard(session_resumption_update={"resumable": True}) == []


def test_a_server_that_goes_away_says_when():
    assert heard(go_away={"time_left": "9.5s"}) == [GoingAway(9.5)]
    assert heard(go_away={}) == [GoingAway(0.0)]


def test_tokens_ride_along():
    found = heard(server_content={"turn_complete": True}, usage_metadata={"total_token_count": 7})
    assert found == [TurnOver(), Used(7)]


def test_tool_calls_are_taken_together_with_or_without_an_id_and_never_without_a_name():
    calls = [{"id": "1", "name": "add", "args": {"a": 1}}, {"name": "now"}, {"id": "3"}]
    assert heard(tool_call={"function_calls": calls}) == [
        ToolsCalled((FunctionCall("1", "add", {"a": 1}), FunctionCall("", "now", {})))
    ]
    assert heard(tool_call={"function_calls": [{"id": "3"}]}) == []


def test_cancelled_tool_calls_are_named():
    assert heard(tool_call_cancellation={"ids": ["1", "2"]}) == [ToolsCancelled(("1", "2"))]
    assert heard(tool_call_cancellation={}) == []


@pytest.mark.parametrize(
    ("mime_type", "rate_hz"),
    [
        ("audio/pcm;rate=16000", 16_000),
        ("audio/pcm; rate=48000", 48_000),
        ("audio/pcm;codec=x;rate=8000", 8_000),
        ("audio/pcm", 24_000),
        ("audio/pcm;rate=", 24_000),
        ("audio/pcm;rate=²", 24_000),
    ],
)
def test_the_rate_is_the_declared_one_or_the_documented_default(mime_type, rate_hz):
    assert rate_of(mime_type) == rate_hz


@pytest.mark.parametrize(
    ("duration", "expected_s"),
    [("50s", 50.0), ("9.5s", 9.5), ("", 0.0), (None, 0.0), ("-3s", 0.0), ("soon", 0.0), ("nans", 0.0)],
)
def test_a_duration_that_makes_no_sense_is_no_time_at_all(duration, expected_s):
    assert seconds(duration) == expected_s


@given(st.text(max_size=20))
def test_no_rate_and_no_duration_can_break_the_reader(text):
    assert rate_of(f"audio/pcm;rate={text}") >= 0
    assert seconds(text) >= 0
