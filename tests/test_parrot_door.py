import pytest

from actors.model.parrot.door import Credentials, Door, find_door, without_query
from actors.model.parrot.refusal import Refusal

GEMINI = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
VERTEX = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"


@pytest.mark.parametrize(
    ("target", "door"),
    [
        (GEMINI, Door("v1beta", vertex=False)),
        ("/" + GEMINI + "?key=k", Door("v1beta", vertex=False)),
        (GEMINI.replace("v1beta", "v1alpha") + "Constrained", Door("v1alpha", vertex=False)),
        (VERTEX, Door("v1beta1", vertex=True)),
        ("/" + VERTEX, Door("v1beta1", vertex=True)),
        ("/", None),
        (GEMINI + "/more", None),
        ("/v1beta/models", None),
    ],
)
def test_live_is_served_at_these_addresses_only(target, door):
    assert find_door(target) == door


def test_a_key_in_the_query_is_not_part_of_the_path():
    assert without_query("/" + GEMINI + "?key=secret") == "/" + GEMINI


@pytest.mark.parametrize(
    ("headers", "target"),
    [
        ({"x-goog-api-key": "sesame"}, GEMINI),
        ({}, GEMINI + "?key=sesame"),
        ({}, "/" + GEMINI + "Constrained?access_token=sesame"),
        ({"Authorization": "Token sesame"}, GEMINI + "Constrained"),
        ({"Authorization": "Bearer pass"}, VERTEX),
    ],
)
def test_the_right_key_or_token_is_let_in_however_it_is_shown(headers, target):
    Credentials("sesame", "pass").check(headers, target)


@pytest.mark.parametrize(
    ("headers", "code", "words"),
    [
        ({"x-goog-api-key": "wrong"}, 1007, "API key not valid. Please pass a valid API key."),
        ({"x-goog-api-key": "sésame"}, 1007, "API key not valid."),
        ({}, 1008, "Method doesn't allow unregistered callers (callers without"),
        ({"Authorization": "Bearer wrong"}, 1008, "Request had invalid authentication credentials."),
        ({"Authorization": "Bearer sesame"}, 1008, "Request had invalid authentication credentials."),
    ],
)
def test_all_others_are_told_what_the_service_tells_them(headers, code, words):
    with pytest.raises(Refusal) as refused:
        Credentials("sesame", "pass").check(headers, GEMINI)
    assert refused.value.code == code
    assert refused.value.reason.startswith(words)


def test_an_empty_secret_lets_nobody_in():
    with pytest.raises(Refusal):
        Credentials("sesame").check({"Authorization": "Bearer "}, VERTEX)
