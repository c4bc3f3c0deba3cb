"""No secret in a configuration passes, and none is repeated in what is said about it."""

import os

import pytest

from actors.settings import ModelTable, Settings
from supervisor import config
from supervisor.config import ConfigError
from supervisor.inheritance import environment_of
from supervisor.spec import KINDS, ChildSpec

KEY = "AIza" + "x" * 35


def problems_of(tmp_path, toml):
    file = tmp_path / "test.toml"
    file.write_text(toml)
    with pytest.raises(ConfigError) as refused:
        config.load(file)
    return [problem.removeprefix(f"{file}:") for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("toml", "where"),
    [
        (f'[model.live]\napi_key = "{KEY}"', "model.live.api_key"),
        (f'[model.live]\nsystem_instruction = "my key is {KEY}"', "model.live.system_instruction"),
        (
            f'[[model.live.tools]]\ngoogle_maps = {{auth_config = {{api_key_config = {{api_key_string = "{KEY}"}}}}}}',
            "model.live.tools[0].google_maps.auth_config.api_key_config.api_key_string",
        ),
        (
            f'[model.live.http_options.headers]\nAuthorization = "Basic {KEY}"',
            "model.live.http_options.headers.Authorization",
        ),
        ('[model.live]\nlabels = {a = "Bearer abc"}', "model.live.labels.a"),
    ],
)
def test_a_secret_among_the_fields_of_the_sdk_is_refused_by_its_place_and_not_repeated(tmp_path, toml, where):
    (problem,) = problems_of(tmp_path, toml)
    assert problem.startswith(f"{where}: secrets do not belong in a file")
    assert "xxx" not in problem
    assert "abc" not in problem


def test_what_merely_sounds_like_a_secret_passes(tmp_path):
    file = tmp_path / "test.toml"
    file.write_text("[model.live]\nmax_output_tokens = 100\nseed = 3")
    assert config.load(file).model.live == {"max_output_tokens": 100, "seed": 3}


@pytest.mark.parametrize("name", ["GOOGLE_API_KEY", "GEMINI_API_KEY", "MY_KEY"])
def test_the_models_key_is_never_given_to_tools(tmp_path, name):
    toml = f'[model]\napi_key_env = "MY_KEY"\ntools_env = ["HOUSE", "{name}"]'
    assert problems_of(tmp_path, toml) == [
        f"model.tools_env[1]: {name} holds the model's key, which tools never get"
    ]


@pytest.mark.parametrize(
    ("kind", "passed"), [("tools", {"HOUSE_TOKEN"}), ("session", {"SESSION_KEY"}), ("mic", set())]
)
def test_only_tools_get_the_variables_named_for_them(monkeypatch, tmp_path, kind, passed):
    spec = ChildSpec(kind, kind, KINDS[kind])
    settings = Settings(model=ModelTable(tools_env=["HOUSE_TOKEN", "SESSION_KEY"]))
    for name in ("HOUSE_TOKEN", "SESSION_KEY", "OTHER"):
        monkeypatch.setitem(os.environ, name, "secret")
    assert {"HOUSE_TOKEN", "SESSION_KEY", "OTHER"} & set(
        environment_of(spec, settings, tmp_path, ("SESSION_KEY",))
    ) == passed
