"""What `GoogleRealtimeSession` refuses before anything is started, and what it never shows."""

import pytest

from actors import GoogleRealtimeSession

MODEL = "some-model"


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"model": {"name": "another"}}, "config:model.name: has an argument of its own, model_name"),
        ({"model": {"tools": ["a:b"]}}, "argument of its own, tools"),
        ({"model": {"location": "x", "project_id": "y"}}, "project_id.*\n.*location"),
        ({"session": {"post_output_audio_delay": 1}}, "argument of start"),
        ({"model": "parrot"}, "must be a dictionary"),
        ({"actors": []}, "must be a dictionary of tables"),
        ({"modle": {}}, "did you mean model"),
        ({"model": {"voise": "Kore"}}, "did you mean voice"),
        ({"session": {"name": "../x"}}, "config:session.name"),
        ({"model": {"live": {"tools": [object()]}}}, "plain values only"),
    ],
)
def test_a_wrong_configuration_is_refused_in_words(config, why):
    with pytest.raises(ValueError, match=why):
        GoogleRealtimeSession(MODEL, config=config)


def test_a_key_in_the_configuration_is_refused_without_being_repeated():
    with pytest.raises(ValueError, match="secrets do not belong in a file") as caught:
        GoogleRealtimeSession(MODEL, config={"model": {"api_key": "AIza-this-is-it"}})
    assert "AIza" not in str(caught.value)


def test_a_key_is_not_shown():
    assert "some-key" not in repr(GoogleRealtimeSession(MODEL, api_key="some-key"))


@pytest.mark.parametrize("other", [{"credentials_path": "/a"}, {"api_key": "some-key"}])
def test_a_service_account_as_a_dictionary_excludes_other_credentials(other):
    with pytest.raises(ValueError, match="both"):
        GoogleRealtimeSession(MODEL, credentials_info={}, **other)


def test_a_service_account_that_cannot_be_one_is_refused():
    with pytest.raises(ValueError, match="token_uri"):
        GoogleRealtimeSession(MODEL, credentials_info={"client_email": "me"})


def test_a_file_of_a_service_account_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"/not/there\.json"):
        GoogleRealtimeSession(MODEL, credentials_path="/not/there.json")
