"""Which model is talked to: the sentence a user reads first, and what is missing when there is none."""

import json

import pytest

from actors.settings import ModelTable
from supervisor.provider import NoCredentialsError, choose

KEY = "AIzaCanary"


@pytest.fixture
def account(tmp_path):
    path = tmp_path / "account.json"
    path.write_text(
        json.dumps({"client_email": "a@b", "private_key": "k", "token_uri": "t", "project_id": "mine"})
    )
    return str(path)


def test_without_a_key_it_is_the_parrot_and_the_user_is_told_how_to_get_gemini():
    choice = choose(ModelTable(), {})
    assert (choice.model.provider, choice.secrets) == ("parrot", ())
    assert choice.said == (
        "Talking to the embedded parrot (GOOGLE_API_KEY is not set). For Gemini: export GOOGLE_API_KEY=<your key>"
    )


def test_an_empty_key_is_no_key():
    assert choose(ModelTable(), {"GOOGLE_API_KEY": ""}).model.provider == "parrot"


def test_with_a_key_it_is_gemini_and_only_the_session_gets_the_variable():
    choice = choose(ModelTable(name="m"), {"GOOGLE_API_KEY": KEY})
    assert (choice.model.provider, choice.model.api_key_env, choice.secrets) == (
        "gemini",
        "GOOGLE_API_KEY",
        ("GOOGLE_API_KEY",),
    )
    assert choice.said.startswith("Talking to m (key from GOOGLE_API_KEY).")


def test_the_other_usual_variable_is_found_too_and_named():
    choice = choose(ModelTable(), {"GEMINI_API_KEY": KEY})
    assert (choice.model.api_key_env, choice.secrets) == ("GEMINI_API_KEY", ("GEMINI_API_KEY",))
    assert "key from GEMINI_API_KEY, as GOOGLE_API_KEY is not set" in choice.said


def test_a_variable_that_was_named_is_the_only_one_looked_at():
    environment = {"GOOGLE_API_KEY": KEY, "GEMINI_API_KEY": KEY}
    assert choose(ModelTable(api_key_env="MINE"), environment).model.provider == "parrot"
    assert choose(ModelTable(api_key_env="MINE"), environment | {"MINE": KEY}).secrets == ("MINE",)


def test_gemini_without_a_key_names_the_variable_and_both_ways_out():
    with pytest.raises(NoCredentialsError) as caught:
        choose(ModelTable(provider="gemini", api_key_env="MINE"), {})
    for words in ("the variable MINE (model.api_key_env) is not set", "export MINE=", 'provider = "parrot"'):
        assert words in str(caught.value)


def test_the_parrot_as_configured_needs_no_key_and_is_given_none():
    choice = choose(ModelTable(provider="parrot"), {"GOOGLE_API_KEY": KEY})
    assert (choice.model.provider, choice.secrets) == ("parrot", ())
    assert "as configured" in choice.said


def test_an_ephemeral_token_uses_the_api_version_such_tokens_need_and_says_so():
    choice = choose(ModelTable(), {"GOOGLE_API_KEY": "auth_tokens/canary"})
    assert choice.model.api_version == "v1alpha"
    assert "ephemeral token from GOOGLE_API_KEY; such tokens need api_version v1alpha" in choice.said


def test_vertex_takes_the_project_from_its_account_unless_it_is_named(account):
    environment = {"GOOGLE_API_KEY": KEY}
    table = ModelTable(provider="vertex", credentials_path=account)
    choice = choose(table, environment)
    assert (choice.model.project_id, choice.model.api_version, choice.secrets) == ("mine", "v1beta1", ())
    named = ModelTable(provider="vertex", credentials_path=account, project_id="other", api_version="v1")
    assert (choose(named, {}).model.project_id, choose(named, {}).model.api_version) == ("other", "v1")


def test_an_account_alone_means_vertex_and_beside_a_key_the_user_has_to_say_which(account):
    table = ModelTable(credentials_path=account)
    assert choose(table, {}).model.provider == "vertex"
    with pytest.raises(NoCredentialsError, match="and so is the variable GOOGLE_API_KEY: say which"):
        choose(table, {"GOOGLE_API_KEY": KEY})


@pytest.mark.parametrize("value", [KEY, "auth_tokens/canary"])
def test_no_key_is_ever_repeated(value):
    choice = choose(ModelTable(), {"GOOGLE_API_KEY": value})
    assert value not in repr(choice)


def test_everything_else_of_the_table_stays_as_it_was():
    table = ModelTable(voice="Kore", live={"temperature": 1})
    model = choose(table, {"GOOGLE_API_KEY": KEY}).model
    assert (model.voice, model.live) == ("Kore", {"temperature": 1})
