"""`model.tools` -> functions and what the model is told about them. Imports the user's modules: only in a worker process."""

import importlib
import inspect
import re
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from actors import wire
from actors.model.tools.docstring import read_docstring
from actors.model.tools.mark import Mark, mark_of
from actors.model.tools.types import UnsupportedError, schema_of

MAX_TOOLS = 128
MAX_DECLARATION_BYTES = 16_384
MAX_OFFER_BYTES = 131_072
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")


class ToolsError(Exception):
    """`model.tools` cannot be used: which entry, what is wrong, what to do."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One function, ready to be called with JSON."""

    function: Callable[..., Any]
    types: dict[str, Any]
    """Parameter -> annotation."""
    offered: wire.OfferedTool
    is_async: bool


def load(references: list[str]) -> dict[str, Tool]:
    """Return the tools of `model.tools` by name. Raises `ToolsError`."""
    tools: dict[str, Tool] = {}
    for number, reference in enumerate(references):
        where = f"model.tools[{number}] ({reference})"
        for function in _functions(reference, where):
            tool = describe(function, where)
            name = tool.offered.name
            if name in tools:
                raise ToolsError(
                    f"{where}: there are two tools named {name}; the model needs different names"
                )
            tools[name] = tool
    size = sum(len(tool.offered.declaration.encode()) for tool in tools.values())
    if len(tools) > MAX_TOOLS or size > MAX_OFFER_BYTES:
        raise ToolsError(
            f"model.tools: {len(tools)} tools whose declarations have {size} bytes; "
            f"at most {MAX_TOOLS} with {MAX_OFFER_BYTES} bytes can be offered"
        )
    return tools


def describe(function: Callable[..., Any], where: str) -> Tool:
    """Return a function with its declaration. Raises `ToolsError` naming the parameter that cannot be declared."""
    name = getattr(function, "__name__", "")
    if not _NAME.match(name):
        raise ToolsError(
            f"{where}: the model takes names of at most 64 letters, digits and '_', not {name!r}"
        )
    where = f"{where}: {name}"
    mark = mark_of(function) or Mark()
    description, about = read_docstring(function.__doc__)
    types = _parameter_types(function, where)
    declaration: dict[str, Any] = {"name": name, "description": description or name.replace("_", " ")}
    if types:
        declaration["parameters"] = _parameters(function, types, about, where)
    if not mark.is_blocking:
        declaration["behavior"] = "NON_BLOCKING"
    text = msgspec.json.encode(declaration).decode()
    if len(text.encode()) > MAX_DECLARATION_BYTES:
        raise ToolsError(
            f"{where}: its declaration is over {MAX_DECLARATION_BYTES} bytes; shorten the docstring"
        )
    offered = wire.OfferedTool(name, text, mark.timeout_s, mark.is_blocking, mark.scheduling)
    return Tool(function, types, offered, inspect.iscoroutinefunction(function))


def _functions(reference: str, where: str) -> Iterator[Callable[..., Any]]:
    module_name, colon, name = reference.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise ToolsError(
            f"{where}: {module_name} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if not colon:
        found = _offered_by(module)
        if not found:
            raise ToolsError(f"{where}: {module_name} defines no public function")
        yield from found
        return
    function = getattr(module, name, None)
    if function is None:
        raise ToolsError(f"{where}: {module_name} has no function {name}")
    if not inspect.isroutine(function):
        raise ToolsError(f"{where}: {name} is not a function but {type(function).__name__}")
    yield function


def _offered_by(module: Any) -> list[Callable[..., Any]]:
    """Every function with `@tool`; without any, all public ones that are defined there."""
    functions: list[Callable[..., Any]] = [
        found for found in vars(module).values() if inspect.isfunction(found)
    ]
    marked = [function for function in functions if mark_of(function) is not None]
    own = [function for function in functions if function.__module__ == module.__name__]
    return marked or [function for function in own if not function.__name__.startswith("_")]


def _parameter_types(function: Callable[..., Any], where: str) -> dict[str, Any]:
    try:
        hints = typing.get_type_hints(function, include_extras=True)
        parameters = inspect.signature(function).parameters.values()
    except (NameError, TypeError, ValueError) as error:
        raise ToolsError(f"{where}: its annotations cannot be read: {error}") from error
    for parameter in parameters:
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise ToolsError(f"{where}: the parameter {parameter} cannot be given by its name")
        if parameter.name not in hints:
            raise ToolsError(
                f"{where}: the parameter {parameter.name} has no type; write {parameter.name}: str"
            )
    return {parameter.name: hints[parameter.name] for parameter in parameters}


def _parameters(
    function: Callable[..., Any], types: dict[str, Any], about: dict[str, str], where: str
) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name, annotation in types.items():
        try:
            schema = schema_of(annotation)
        except UnsupportedError as error:
            raise ToolsError(f"{where}: the parameter {name} {error}") from None
        texts = [text for text in (about.get(name), schema.get("description")) if text]
        properties[name] = schema | ({"description": " ".join(texts)} if texts else {})
    defaults = inspect.signature(function).parameters
    required = [name for name in types if defaults[name].default is inspect.Parameter.empty]
    return {"type": "OBJECT", "properties": properties} | ({"required": required} if required else {})
