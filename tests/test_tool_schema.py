"""What the model is told about a function, and which functions it cannot be told about."""

import enum
import json
import sys
from dataclasses import dataclass
from typing import Annotated, Literal, NotRequired, Optional, TypedDict

import pytest
from google.genai import types as sdk

from actors.model.live_config import live_fields, takes_asynchronous_tools
from actors.model.tools import tool
from actors.model.tools.docstring import read_docstring
from actors.model.tools.invoke import run
from actors.model.tools.schema import ToolsError, describe, load
from actors.model.tools.types import UnsupportedError, schema_of
from actors.settings import ModelTable
from actors.wire import CallTool
from supervisor.families import warnings


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: float
    y: float = 0.0


class Place(TypedDict):
    city: str
    street: NotRequired[str]


def declaration_of(function):
    return json.loads(describe(function, "model.tools[0] (m)").offered.declaration)


def called(function, **args):
    return run(describe(function, "here"), CallTool("1", function.__name__, json.dumps(args), 1.0))


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (str, {"type": "STRING"}),
        (int, {"type": "INTEGER"}),
        (float, {"type": "NUMBER"}),
        (bool, {"type": "BOOLEAN"}),
        (dict, {"type": "OBJECT"}),
        (dict[str, int], {"type": "OBJECT"}),
        (list[int], {"type": "ARRAY", "items": {"type": "INTEGER"}}),
        (list[list[str]], {"type": "ARRAY", "items": {"type": "ARRAY", "items": {"type": "STRING"}}}),
        (Literal["a", "b"], {"type": "STRING", "enum": ["a", "b"]}),
        (Literal[1, 2], {"type": "INTEGER", "description": "One of 1, 2."}),
        (Color, {"type": "STRING", "enum": ["red", "blue"]}),
        (Optional[int], {"type": "INTEGER", "nullable": True}),  # noqa: UP045 - both spellings are the users'
        (int | None, {"type": "INTEGER", "nullable": True}),
        (int | str, {"any_of": [{"type": "INTEGER"}, {"type": "STRING"}]}),
        (Annotated[int, "in cm"], {"type": "INTEGER", "description": "in cm"}),
        (
            Point,
            {
                "type": "OBJECT",
                "properties": {"x": {"type": "NUMBER"}, "y": {"type": "NUMBER"}},
                "required": ["x"],
            },
        ),
        (
            Place,
            {
                "type": "OBJECT",
                "properties": {"city": {"type": "STRING"}, "street": {"type": "STRING"}},
                "required": ["city"],
            },
        ),
    ],
)
def test_an_annotation_becomes_a_schema_that_the_sdk_takes(annotation, schema):
    assert schema_of(annotation) == schema
    sdk.Schema.model_validate(schema)


@pytest.mark.parametrize(
    "annotation", [object, bytes, list, set[int], dict[int, str], Literal[1, "a"], None, print]
)
def test_an_annotation_without_a_schema_is_refused(annotation):
    with pytest.raises(UnsupportedError):
        schema_of(annotation)


def test_a_docstring_gives_the_first_paragraph_and_the_parameters():
    described, parameters = read_docstring(
        """Say where
        somebody is.

        This is for the reader of the code.

        Args:
            name (str): who,
                by first name
            exact: whether: yes or no

        Returns:
            city: not a parameter
        """
    )
    assert described == "Say where somebody is."
    assert parameters == {"name": "who, by first name", "exact": "whether: yes or no"}


@pytest.mark.parametrize("docstring", [None, "", "\n\n", "Args:\n    a: b"])
def test_a_function_without_a_description_is_described_by_its_name(docstring):
    def find_it(a: str):
        return a

    find_it.__doc__ = docstring
    assert declaration_of(find_it)["description"] == "find it"


def test_a_function_is_declared_by_its_signature_and_its_docstring():
    def weather(city: str, days: Annotated[int, "1 to 9"] = 1):
        """Say the weather.

        Args:
            city: where
            days: how many
        """

    assert declaration_of(weather) == {
        "name": "weather",
        "description": "Say the weather.",
        "parameters": {
            "type": "OBJECT",
            "properties": {
                "city": {"type": "STRING", "description": "where"},
                "days": {"type": "INTEGER", "description": "how many 1 to 9"},
            },
            "required": ["city"],
        },
    }


def test_a_function_without_parameters_is_declared_without_any():
    def now():
        """Say the time."""

    assert declaration_of(now) == {"name": "now", "description": "Say the time."}


def test_a_mark_says_how_the_model_waits():
    @tool(blocking=False, scheduling="INTERRUPT", timeout_s=3)
    def look():
        """Look."""

    offered = describe(look, "here").offered
    assert json.loads(offered.declaration)["behavior"] == "NON_BLOCKING"
    assert (offered.is_blocking, offered.scheduling, offered.timeout_s) == (False, "INTERRUPT", 3.0)


@pytest.mark.parametrize("bad", [{"scheduling": "LATER"}, {"timeout_s": 0}, {"timeout_s": 1e9}])
def test_a_mark_that_means_nothing_is_refused_where_it_is_written(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        tool(**bad)


def test_the_declarations_are_a_configuration_that_the_sdk_takes_beside_a_search():
    def add(a: int, b: int | str = 2):
        """Add."""

    fields = live_fields(ModelTable(google_search=True), "", [declaration_of(add)])
    config = sdk.LiveConnectConfig.model_validate(fields)
    assert config.tools[0].google_search is not None
    assert config.tools[1].function_declarations[0].parameters.required == ["a"]


def test_a_model_that_always_waits_is_known_and_its_user_is_warned():
    waits = ModelTable(name="gemini-3.1-flash-live-preview", tools=["m"])
    assert not takes_asynchronous_tools(waits.name)
    assert any(warning.startswith("model.tools") for warning in warnings(waits))
    assert takes_asynchronous_tools(ModelTable().name)
    assert not any(warning.startswith("model.tools") for warning in warnings(ModelTable(tools=["m"])))


# Which functions a reference stands for.


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module that can be imported as `written`."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(text):
        (tmp_path / "written.py").write_text(text)
        sys.modules.pop("written", None)

    yield write
    sys.modules.pop("written", None)


def test_a_module_offers_its_public_functions(module):
    module("from os.path import join\ndef one(): ...\ndef _two(): ...\ndef three(): ...\nx = len")
    assert list(load(["written"])) == ["one", "three"]


def test_a_module_with_marks_offers_what_is_marked(module):
    module("from actors.model.tools import tool\n@tool\ndef one(): ...\ndef two(): ...")
    assert list(load(["written"])) == ["one"]


def test_a_function_is_offered_by_name_marked_or_not(module):
    module("from actors.model.tools import tool\n@tool\ndef one(): ...\nasync def two(): ...")
    tools = load(["written:two"])
    assert [(name, found.is_async) for name, found in tools.items()] == [("two", True)]


@pytest.mark.parametrize(
    ("text", "reference", "said"),
    [
        ("", "not_there_at_all", "not_there_at_all cannot be imported: ModuleNotFoundError"),
        ("def f(:", "written", "written cannot be imported: SyntaxError"),
        ("1/0", "written", "ZeroDivisionError"),
        ("raise SystemExit(2)", "written", "SystemExit"),
        ("", "written", "written defines no public function"),
        ("", "written:f", "written has no function f"),
        ("f = 3", "written:f", "f is not a function but int"),
        ("def f(a): ...", "written:f", "the parameter a has no type"),
        ("def f(*a: int): ...", "written:f", "cannot be given by its name"),
        ("def f(a: int, /): ...", "written:f", "cannot be given by its name"),
        ("def f(a: bytes): ...", "written:f", "the parameter a is bytes"),
        ("def f(a: 'Nowhere'): ...", "written:f", "annotations cannot be read"),
        ("def f\u00fc(): ...", "written", "names of at most 64 letters"),
        ("def f():\n    '''" + "x" * 20_000 + "'''", "written", "its declaration is over"),
    ],
)
def test_what_cannot_be_offered_is_named_by_its_place(module, text, reference, said):
    module(text)
    with pytest.raises(ToolsError, match=rf"model\.tools\[0\] \({reference}\)") as refusal:
        load([reference])
    assert said in str(refusal.value)


def test_two_tools_of_one_name_are_refused(module):
    module("def f(): ...")
    with pytest.raises(ToolsError, match=r"model\.tools\[1\].*two tools named f"):
        load(["written", "written:f"])


# Calls.


def test_arguments_come_as_the_annotations_say():
    def draw(at: Point, color: Color, places: list[Place], width: float = 1):
        return [at.x, color.name, places[0]["city"], width]

    result = called(draw, at={"x": 2}, color="blue", places=[{"city": "Rome"}], width=3)
    assert json.loads(result.output) == [2.0, "BLUE", "Rome", 3.0]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"a": "x"}, "a: Expected `int`, got `str`"),
        ({"a": 1, "z": 1}, "there is no parameter z"),
        ({}, "missing 1 required"),
    ],
)
def test_arguments_that_do_not_fit_are_an_error_for_the_model(args, said):
    def f(a: int):
        return a

    assert said in called(f, **args).error


def test_a_function_that_returns_nothing_has_a_result_all_the_same():
    def f():
        pass

    assert called(f).output == "null"


@pytest.mark.parametrize(
    ("value", "said"), [(object(), "cannot be written as JSON"), ("x" * 70_000, "70002 bytes, at most 65536")]
)
def test_a_result_that_cannot_be_sent_is_an_error_that_says_so(value, said):
    def f():
        return value

    assert said in called(f).error


def test_half_a_character_in_a_result_or_an_error_ends_nothing():
    def returned():
        return "\ud800"

    def raised():
        raise ValueError("\ud800")

    assert "cannot be written" in called(returned).error
    assert called(raised).error == "ValueError: ?"
