"""One call: JSON in, JSON or an error in words out. Whatever the function raises ends here, as a result."""

import logging
from typing import Any

import msgspec

from actors import wire
from actors.model.tools.schema import Tool

MAX_OUTPUT_BYTES = 65_536
MAX_ERROR_CHARS = 2000

log = logging.getLogger("tools")


class BadArgumentsError(ValueError):
    """The model gave arguments the function does not take."""


def arguments(tool: Tool, args: str) -> dict[str, Any]:
    """Return what to call the function with, as its annotations want it. Raises `BadArgumentsError`."""
    given = msgspec.json.decode(args, type=dict[str, Any])
    if unknown := sorted(given.keys() - tool.types.keys()):
        raise BadArgumentsError(f"there is no parameter {', '.join(unknown)}")
    converted: dict[str, Any] = {}
    for name, value in given.items():
        try:
            converted[name] = msgspec.convert(value, tool.types[name], strict=False)
        except (msgspec.ValidationError, TypeError) as error:
            raise BadArgumentsError(f"{name}: {error}") from None
    return converted


def output(call: str, name: str, value: Any) -> wire.ToolResult:
    """Return the result to send for what a function returned."""
    try:
        text = msgspec.json.encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        return wire.ToolResult(call, error=f"{name} returned what cannot be written as JSON: {error}")
    size = len(text.encode())
    if size > MAX_OUTPUT_BYTES:
        return wire.ToolResult(
            call, error=f"{name} returned {size} bytes, at most {MAX_OUTPUT_BYTES} can be taken"
        )
    return wire.ToolResult(call, output=text)


def failure(call: str, name: str, error: BaseException) -> wire.ToolResult:
    """Return the result to send for what a function raised; the log has the traceback."""
    log.error("%s failed", name, exc_info=error)
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return wire.ToolResult(call, error=text.encode(errors="replace").decode()[:MAX_ERROR_CHARS])


def run(tool: Tool, call: wire.CallTool) -> wire.ToolResult:
    """Call a function to its end."""
    try:
        returned = tool.function(**arguments(tool, call.args))
    except BadArgumentsError as error:
        return wire.ToolResult(call.call, error=str(error))
    except (Exception, SystemExit) as error:
        return failure(call.call, call.name, error)
    return output(call.call, call.name, returned)


async def run_async(tool: Tool, call: wire.CallTool) -> wire.ToolResult:
    """Await a function to its end."""
    try:
        returned = await tool.function(**arguments(tool, call.args))
    except BadArgumentsError as error:
        return wire.ToolResult(call.call, error=str(error))
    except (Exception, SystemExit) as error:
        return failure(call.call, call.name, error)
    return output(call.call, call.name, returned)
