"""A Python annotation -> the Live API's `Schema` (its subset of OpenAPI; JSON Schema's own field is not taken by 2.5). Pure."""

import dataclasses
import enum
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

SUPPORTED = (
    "str, int, float, bool, list[T], dict, Literal, Enum, Optional, unions, dataclasses and TypedDicts are"
)
_SIMPLE: dict[Any, str] = {str: "STRING", int: "INTEGER", float: "NUMBER", bool: "BOOLEAN", dict: "OBJECT"}
MAX_DEPTH = 8


class UnsupportedError(TypeError):
    """An annotation the model cannot be told about, as a phrase."""


def schema_of(annotation: Any, depth: int = 0) -> dict[str, Any]:
    """Return the schema of a value of this type. Raises `UnsupportedError` saying which part of it cannot be."""
    if depth > MAX_DEPTH:
        raise UnsupportedError(f"nests more than {MAX_DEPTH} types")
    if annotation in _SIMPLE:
        return {"type": _SIMPLE[annotation]}
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _described(schema_of(inner[0], depth), inner[1:])
    if origin is Literal:
        return _choice(list(inner))
    if origin in {Union, types.UnionType}:
        return _union(inner, depth)
    if origin is list:
        return {"type": "ARRAY", "items": schema_of(inner[0], depth + 1)}
    if origin is dict and inner[0] is str:
        return {"type": "OBJECT"}
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _choice([member.value for member in annotation])
    if is_typeddict(annotation):
        return _object(annotation, annotation.__required_keys__, depth)
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return _object(annotation, _required(annotation), depth)
    shown = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    raise UnsupportedError(f"is {shown}, which the model cannot be told about; {SUPPORTED} understood")


def _described(schema: dict[str, Any], notes: tuple[Any, ...]) -> dict[str, Any]:
    text = next((note for note in notes if isinstance(note, str)), None)
    return schema if text is None else schema | {"description": text}


def _choice(values: list[Any]) -> dict[str, Any]:
    """The API takes `enum` for strings only; other choices are put into words."""
    if all(isinstance(value, str) for value in values):
        return {"type": "STRING", "enum": values}
    kinds = {type(value) for value in values}
    if len(kinds) != 1 or not kinds <= {int, float, bool}:
        raise UnsupportedError("chooses between values that are not all strings or all numbers")
    return {"type": _SIMPLE[kinds.pop()], "description": f"One of {', '.join(map(str, values))}."}


def _union(members: tuple[Any, ...], depth: int) -> dict[str, Any]:
    schemas = [schema_of(member, depth + 1) for member in members if member is not type(None)]
    schema = schemas[0] if len(schemas) == 1 else {"any_of": schemas}
    return schema | {"nullable": True} if type(None) in members else schema


def _object(annotation: Any, required: frozenset[str], depth: int) -> dict[str, Any]:
    hints = get_type_hints(annotation, include_extras=True)
    properties = {name: schema_of(_bare(hint), depth + 1) for name, hint in hints.items()}
    return {
        "type": "OBJECT",
        "properties": properties,
        "required": [name for name in hints if name in required],
    }


def _bare(hint: Any) -> Any:
    """Without `Required[...]` and `NotRequired[...]`, which say nothing about the value."""
    return get_args(hint)[0] if str(get_origin(hint)).endswith("Required") else hint


def _required(annotation: Any) -> frozenset[str]:
    missing = dataclasses.MISSING
    fields = dataclasses.fields(annotation)
    return frozenset(
        field.name for field in fields if field.default is missing and field.default_factory is missing
    )
