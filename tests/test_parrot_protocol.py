import base64
import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.model.parrot import server_messages as say
from actors.model.parrot.client_messages import read
from actors.model.parrot.protocol import Protocol
from actors.model.parrot.refusal import Refusal, fit


def message(**fields):
    return read(json.dumps(fields))


def refusal_of(protocol, **fields):
    with pytest.raises(Refusal) as refused:
        protocol.check(message(**fields))
    return refused.value.code, refused.value.reason


def ready(model="models/m", **setup):
    protocol = Protocol()
    protocol.check(message(setup={"model": model, **setup}))
    return protocol


def test_both_spellings_and_the_mixture_the_sdk_sends_mean_the_same():
    snake = message(setup={"model": "m", "generation_config": {"response_modalities": ["TEXT"]}})
    camel = message(setup={"model": "m", "generationConfig": {"responseModalities": ["TEXT"]}})
    mixed = read('{"realtime_input": {"audio": {"data": "AAA=", "mimeType": "audio/pcm;rate=16000"}}}')
    assert snake == camel
    assert not snake.setup.speaks
    assert (mixed.realtime_input.audio.data, mixed.realtime_input.audio.mime_type) == (
        b"\0\0",
        "audio/pcm;rate=16000",
    )


@given(st.binary(max_size=200))
def test_media_arrives_whole_in_either_base64_alphabet(data):
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        said = message(realtime_input={"video": {"data": encode(data).decode(), "mimeType": "image/jpeg"}})
        assert said.realtime_input.video.data == data


def test_null_means_unset():
    assert message(setup={"model": "m", "systemInstruction": None}) == message(setup={"model": "m"})


@pytest.mark.parametrize(
    ("sent", "name", "where"),
    [
        ({"setup": {"model": "m", "bogusField": 1}}, "bogusField", " at 'setup'"),
        (
            {"setup": {"model": "m", "generationConfig": {"colour": 1}}},
            "colour",
            " at 'setup.generation_config'",
        ),
        ({"realtimeInput": {"smell": {}}}, "smell", " at 'realtime_input'"),
        ({"hello": 1}, "hello", ""),
    ],
)
def test_an_unknown_field_is_refused_with_its_name_and_place(sent, name, where):
    with pytest.raises(Refusal) as refused:
        read(json.dumps(sent))
    words = f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.'
    assert (refused.value.code, refused.value.reason) == (1007, words)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        "[]",
        "{}",
        "null",
        '{"setup": 5}',
        '{"setup": {"model": 5}}',
        '{"setup": {"model": "m"}, "toolResponse": {}}',
        '{"realtimeInput": {"audio": {"data": "?"}}}',
    ],
)
def test_what_is_no_message_is_refused_as_invalid(raw):
    with pytest.raises(Refusal) as refused:
        read(raw)
    assert refused.value.code == 1007


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["setup", "realtimeInput", "audio", "model", "turns", "parts"]), inner
            )
        ),
    )
)
def test_any_json_is_read_or_refused(value):
    with contextlib.suppress(Refusal):
        assert read(json.dumps(value)) is not None


def test_setup_must_come_first_and_once():
    reason = "setup must be the first message and only the first"
    assert refusal_of(Protocol(), realtimeInput={"text": "hi"}) == (1007, reason)
    assert refusal_of(ready(), setup={"model": "m"}) == (1007, reason)


def test_a_missing_model_is_refused_in_the_words_of_its_platform():
    gemini = refusal_of(Protocol(missing=("gone",)), setup={"model": "models/gone"})
    vertex = refusal_of(Protocol(vertex=True, missing=("gone",)), setup={"model": "projects/p/models/gone"})
    assert gemini[0] == vertex[0] == 1008
    assert gemini[1].startswith(
        "models/gone is not found for API version v1beta, or is not supported for bidi"
    )
    assert vertex[1].startswith("Publisher Model `projects/p/models/gone` was not found")


def test_a_native_audio_model_has_no_voice_for_text():
    setup = {
        "model": "models/gemini-2.5-flash-native-audio",
        "generationConfig": {"responseModalities": ["TEXT"]},
    }
    assert refusal_of(Protocol(), setup=setup) == (1007, "Cannot extract voices from a non-audio request.")


def test_two_modalities_at_once_are_refused():
    setup = {"model": "m", "generationConfig": {"responseModalities": ["TEXT", "AUDIO"]}}
    assert refusal_of(Protocol(), setup=setup) == (1007, "Request contains an invalid argument.")


@pytest.mark.parametrize("marker", ["activityStart", "activityEnd"])
def test_activity_marks_need_automatic_detection_off(marker):
    reason = "Explicit activity control is not supported when automatic activity detection is enabled."
    assert refusal_of(ready(), realtimeInput={marker: {}}) == (1007, reason)
    off = {"automaticActivityDetection": {"disabled": True}}
    ready(realtimeInputConfig=off).check(message(realtimeInput={marker: {}}))


def test_media_chunks_are_refused_by_newer_models_only():
    chunks = {"mediaChunks": [{"data": "AAA=", "mimeType": "audio/pcm"}]}
    ready("models/gemini-2.5-flash").check(message(realtimeInput=chunks))
    code, reason = refusal_of(ready("models/gemini-3.8-live"), realtimeInput=chunks)
    assert (code, reason) == (
        1007,
        "realtime_input.media_chunks is deprecated. Use audio, video, or text instead.",
    )


def test_model_3_1_takes_content_only_as_initial_history():
    content = {"turns": [], "turnComplete": True}
    model = "models/gemini-3.1-flash-live-preview"
    assert refusal_of(ready(model), clientContent=content)[0] == 1007
    history = {"initialHistoryInClientContent": True}
    ready(model, historyConfig=history).check(message(clientContent=content))


def test_transparent_resumption_exists_on_vertex_only():
    setup = {"model": "m", "sessionResumption": {"transparent": True}}
    Protocol(vertex=True).check(message(setup=setup))
    assert (
        "Unknown name \"transparent\" at 'setup.session_resumption'" in refusal_of(Protocol(), setup=setup)[1]
    )


def test_declared_functions_are_known_by_name():
    tools = [{"functionDeclarations": [{"name": "a"}, {"name": "b"}]}, {"googleSearch": {}}]
    assert message(setup={"model": "m", "tools": tools}).setup.tool_names == ["a", "b"]


def test_a_frame_is_indented_json_with_a_newline():
    assert say.encode(say.setup_complete()) == b'{\n  "setupComplete": {}\n}\n'


def test_false_and_empty_values_are_left_out_but_empty_objects_stay():
    assert json.loads(say.encode(say.resumption())) == {"sessionResumptionUpdate": {}}
    assert json.loads(say.encode(say.resumption("h"))) == {
        "sessionResumptionUpdate": {"newHandle": "h", "resumable": True}
    }


def test_sound_is_base64_with_its_rate():
    sent = msgspec.json.decode(say.encode(say.audio(b"\1\2")))
    blob = sent["serverContent"]["modelTurn"]["parts"][0]["inlineData"]
    assert blob == {"mimeType": "audio/pcm;rate=24000", "data": "AQI="}


@pytest.mark.parametrize(
    ("length_s", "written"), [(50, "50s"), (0.0, "0s"), (9.5, "9.500s"), (11.6, "11.600s")]
)
def test_durations_are_written_as_protobuf_does(length_s, written):
    assert say.duration(length_s) == written


def test_vertex_names_its_token_counts_differently():
    gemini = say.usage(1, 2, spoken=True, vertex=False)
    vertex = say.usage(1, 2, spoken=True, vertex=True)
    assert (gemini["responseTokenCount"], vertex["candidatesTokenCount"]) == (2, 2)
    assert gemini["totalTokenCount"] == vertex["totalTokenCount"] == 3


@given(st.text(max_size=300))
def test_a_close_reason_always_fits_its_frame(reason):
    fitted = fit(reason)
    assert len(fitted.encode()) <= 123
    assert reason.startswith(fitted)
