"""Reading a configuration: every problem at once, each with its place and what to do."""

import sys
import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.settings import TABLE_OF_KIND, ActorTable, Settings, Table
from supervisor.config import TABLES, ConfigError, load

DEFAULT = Path(__file__).parents[1] / "configs" / "default.toml"
DEVICE = DEFAULT.with_name("device.toml")
HOST = f"[host]\naddress = '1.2.3.4'\npublic_key = '{'0' * 40}'\n"


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "c.toml"
        path.write_text(text)
        return path

    return written


def problems(path, *overrides):
    with pytest.raises(ConfigError) as caught:
        load(path, overrides)
    return [problem.removeprefix(f"{path}:") for problem in caught.value.problems]


# The file in the repository.


def leaves(table_type, where=""):
    """Yield every key of a table type with its default, nested tables opened."""
    for field in msgspec.structs.fields(table_type):
        default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
        if isinstance(default, Table):
            yield from leaves(type(default), f"{where}{field.name}.")
        else:
            yield f"{where}{field.name}", default


def shown(table, where=""):
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from shown(value, f"{where}{key}.")
        else:
            yield f"{where}{key}", value


def defaults():
    """Every key that can be written down with its default: TOML has no word for None."""
    everywhere = dict(leaves(ActorTable))
    found = {f"{name}.{key}": value for name, kind in TABLES.items() for key, value in leaves(kind)}
    for kind in ("mic", "speaker", "keyboard", "console", "camera", "screen"):
        for key, value in leaves(TABLE_OF_KIND[kind]):
            if everywhere.get(key, ...) != value:
                found[f"actors.{kind}.{key}"] = value
    return {key: value for key, value in found.items() if value is not None}


def test_the_default_configuration_shows_every_key_with_its_default():
    written = dict(shown(tomllib.loads(DEFAULT.read_text())))
    written.pop("actors.console")  # the only table without a key
    shown_elsewhere = {key for key in defaults() if key.startswith("host.")}
    assert written == {key: value for key, value in defaults().items() if key not in shown_elsewhere}
    assert {f"host.{key}" for key in tomllib.loads(DEVICE.read_text())["host"]} == shown_elsewhere


@pytest.mark.parametrize("name", ["remote.toml", "device.toml"])
def test_the_configurations_with_devices_are_right(name):
    load(DEFAULT.with_name(name))


def test_the_default_configuration_is_right_and_says_nothing_new():
    settings, nothing = load(DEFAULT), Settings()
    assert (settings.session, settings.model, settings.supervision) == (
        nothing.session,
        nothing.model,
        nothing.supervision,
    )
    for name, table in settings.actors.items():
        assert settings.table(name, name) == TABLE_OF_KIND[name](**{"kind": "", **table})
        assert settings.table(name, name) == TABLE_OF_KIND[name]()


def test_an_empty_file_is_a_configuration(write):
    assert load(write("")) == Settings()


# Problems.


def test_every_problem_is_listed_at_once_with_its_place(write):
    path = write(
        """
        [session]
        nmae = "x"
        post_output_audio_delay = 0
        duplex = "quarter"
        [model]
        provider = "openai"
        tools = "one"
        [model.vad]
        mode = "psychic"
        [actors.mic]
        frame_ms = 5
        devise = ""
        [actors.printer]
        [actors.kitchen]
        kind = "speakr"
        [supervision]
        max_restarts = -1
        [sesion]
        """
    )
    assert problems(path) == [
        "sesion: unknown, did you mean session?",
        "session.nmae: unknown, did you mean name?",
        "session.post_output_audio_delay: expected float > 0.0, not 0",
        "session.duplex: 'quarter' is not known; there are 'half', 'full', 'headset'",
        "model.provider: 'openai' is not known; there are 'auto', 'gemini', 'vertex', 'parrot'",
        "model.tools: expected array, got str, not 'one'",
        "model.vad.mode: 'psychic' is not known; there are 'automatic', 'manual'",
        "supervision.max_restarts: expected int >= 0, not -1",
        "actors.mic.devise: unknown, did you mean device?",
        "actors.mic.frame_ms: expected int >= 10, not 5",
        f"actors.printer.kind: 'printer' is not a kind of actor; there are {', '.join(TABLE_OF_KIND)}",
        f"actors.kitchen.kind: 'speakr' is not a kind of actor, did you mean speaker?; there are {', '.join(TABLE_OF_KIND)}",
    ]


def test_each_problem_names_the_file(write):
    path = write("[session]\nnmae = 1")
    with pytest.raises(ConfigError, match="nmae") as caught:
        load(path)
    assert caught.value.problems == [f"{path}:session.nmae: unknown, did you mean name?"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("session = 1", "session: must be a table, [session]"),
        ("actors = []", "actors: must be a table of tables, such as [actors.mic]"),
        ("[actors]\nmic = 1", "actors.mic: must be a table, [actors.mic]"),
        ("[model]\nvad = 1", "model.vad: must be a table, [model.vad]"),
        ('[actors.mic]\nkind = ["mic"]', "actors.mic.kind: ['mic'] is not a kind of actor"),
        (
            '[actors.mic]\nkind = "speaker"',
            "actors.mic: mic is the name of a kind; call a speaker something else",
        ),
        ('[actors.session]\nkind = "mic"', "actors.session: session is the name of a kind"),
        ('[actors."../up"]\nkind = "mic"', "actors.../up: a name has at most 32 letters"),
        ('[actors.""]\nkind = "mic"', "actors.: a name has at most 32 letters"),
        (f'[actors.{"k" * 33}]\nkind = "mic"', f"actors.{'k' * 33}: a name has at most 32 letters"),
        ('[session]\nname = "a/b"', "session.name: expected str matching regex"),
        ('[session]\nname = "a\\n"', "session.name: expected str matching regex"),
        ('[actors.mic]\non = "../x"', "actors.mic.on: '../x' is no name of a device"),
        ('[actors.console]\non = "pi"', "actors.console.on: a console cannot be on another machine"),
        ("[gate]\nmedia_port = 7341", "gate.media_port: must be another port"),
        ("[gate]\ncontrol_port = 0", "gate.control_port: expected int >= 1"),
        ('[host]\naddress = "1.2.3.4"\n[actors.mic]', "host.public_key: missing"),
        ('[host]\npublic_key = "x"', "host.public_key"),
        (HOST, "actors: nothing to lend"),
        (HOST + "[actors.keyboard]", "actors.keyboard: a device has only mic and speaker"),
        (HOST + '[actors.mic]\non = "pi"', "actors.mic.on: belongs into the host's configuration"),
        ('[model]\nca_file = "/nowhere.pem"', "model.ca_file: there is no file /nowhere.pem"),
        ('[model]\nprovider = "vertex"', "model.credentials_path: vertex needs the path"),
        (
            '[model]\ncredentials_path = "/nowhere.json"',
            "model.credentials_path: there is no file /nowhere.json",
        ),
        ('[model]\ntools = ["a b"]', "model.tools[0]: write"),
    ],
)
def test_a_problem_says_what_would_be_right(write, text, problem):
    (found,) = problems(write(text))
    assert found.startswith(problem)


def test_a_file_that_is_not_there_or_no_toml_is_told_so(write, tmp_path):
    with pytest.raises(ConfigError, match=r"nothing\.toml: there is no such file"):
        load(tmp_path / "nothing.toml")
    with pytest.raises(ConfigError, match=r"is not valid TOML: .*line 1"):
        load(write("[session\nname = 1"))
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)
    write("").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "c.toml")


# Secrets.


@pytest.mark.parametrize("key", ["api_key", "google_api_key", "access_token", "password", "client_secret"])
def test_a_secret_in_a_file_is_refused_and_not_repeated(write, key):
    (found,) = problems(write(f'[model]\n{key} = "AIzaSyCanary"'))
    assert found.startswith(f"model.{key}: secrets do not belong in a file")
    assert "model.api_key_env" in found
    assert "Canary" not in found


@pytest.mark.parametrize("key", ["AIzaSyA0123456789_0123456789_0123456789", "AIzaSy-Canary", "AQ.Ab-Canary"])
def test_a_key_where_the_name_of_its_variable_belongs_is_refused_and_not_repeated(write, key):
    assert problems(write(f'[model]\napi_key_env = "{key}"')) == [
        "model.api_key_env: must be the *name* of an environment variable, not the key itself"
    ]


# Overrides.


def test_overrides_are_toml_values_or_text_without_quotes(write):
    settings = load(
        write('[session]\nname = "x"'),
        [
            "session.name=other",
            "session.post_output_audio_delay = 2",
            "model.voice='Kore'",
            'model.tools=["a.b:c"]',
            "model.vad.interrupts=false",
            "model.base_url=https://host/?a=b",
            "actors.mic.enabled=false",
            "model.live.temperature=0.5",
        ],
    )
    assert (settings.session.name, settings.session.post_output_audio_delay) == ("other", 2.0)
    assert (settings.model.voice, settings.model.tools, settings.model.vad.interrupts) == (
        "Kore",
        ["a.b:c"],
        False,
    )
    assert settings.model.base_url == "https://host/?a=b"
    assert settings.model.live == {"temperature": 0.5}
    assert settings.actors == {"mic": {"enabled": False}}


def test_the_last_override_of_a_key_wins(write):
    assert load(write(""), ["session.name=a", "session.name=b"]).session.name == "b"


@pytest.mark.parametrize("override", ["session.name", "name=x", "=x", ".name=x", "session.=x", ""])
def test_an_override_that_is_none_is_told_how_to_write_it(write, override):
    assert problems(write(""), override) == [f"--set {override}: write it as table.key=value"]


def test_an_override_through_a_value_is_refused(write):
    assert problems(write('[session]\nname = "x"'), "session.name.first=y") == [
        "--set session.name.first=y: name is not a table"
    ]


def test_a_wrong_override_is_checked_like_the_file(write):
    assert problems(write(""), "session.nmae=x", "supervision.within_s=0") == [
        "session.nmae: unknown, did you mean name?",
        "supervision.within_s: expected float > 0.0, not 0",
    ]


VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-5, 5), st.text("ab", max_size=3), st.floats(allow_nan=False)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text("ab", max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)
KEYS = st.sampled_from(
    ["name", "kind", "enabled", "tools", "live", "vad", "device", "credentials_path", "on", "x"]
)


@given(
    st.dictionaries(
        st.sampled_from(["session", "model", "supervision", "actors", "other"]),
        st.one_of(
            VALUES,
            st.dictionaries(KEYS, VALUES, max_size=3),
            st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=3)),
        ),
    )
)
def test_whatever_the_file_says_it_is_a_configuration_or_a_list_of_problems(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("config") / "c.toml"
    path.write_text("")
    overrides = [
        f"{table}.{key}={as_toml(value)}"
        for table, keys in values.items()
        if isinstance(keys, dict)
        for key, value in keys.items()
        if key
    ]
    try:
        load(path, overrides)
    except ConfigError as error:
        assert all(problem.startswith(f"{path}:") for problem in error.problems)  # noqa: PT017 - either is right


def as_toml(value):
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case list():
            return f"[{', '.join(as_toml(one) for one in value)}]"
        case dict():
            return "{" + ", ".join(f'"{key}" = {as_toml(one)}' for key, one in value.items()) + "}"
        case _:
            return repr(value)


def test_what_needs_an_extra_says_which(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "zeroconf", None)  # as if it were not installed
    (gate,) = problems(write("[gate]\nannounce = true"))
    assert gate.startswith("gate.announce: finding each other in the network needs an extra: ")
    assert "pip install 'zeroconf>=" in gate
    (host,) = problems(write(HOST + "search = true\n[actors.mic]"))
    assert host.startswith("host.search: finding each other")
