"""What a docstring tells the model: the first paragraph, and the lines of `Args:` (Google style). Pure."""

import inspect
import re

_SECTION = re.compile(
    r"(Args|Arguments|Parameters|Returns?|Raises|Yields?|Examples?|Notes?|Attributes|See Also|Warns?):\s*$"
)
_ARGUMENT = re.compile(r"(?P<name>\w+)\s*(\([^)]*\))?:\s*(?P<text>.*)$")


def read_docstring(docstring: str | None) -> tuple[str, dict[str, str]]:
    """Return (description, description per parameter), each on one line."""
    lines = inspect.cleandoc(docstring or "").splitlines()
    first: list[str] = []
    for line in lines:
        if _SECTION.match(line) or (first and not line.strip()):
            break
        first.append(line.strip())
    return " ".join(first).strip(), _arguments(lines)


def _arguments(lines: list[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    indent: int | None = None
    current: list[str] | None = None
    is_inside = False
    for line in lines:
        if not line.startswith(" ") and line.strip():
            is_inside = line.startswith(("Args:", "Arguments:", "Parameters:"))
            continue
        if not is_inside or not line.strip():
            continue
        depth = len(line) - len(line.lstrip())
        indent = depth if indent is None else indent
        match = _ARGUMENT.match(line.strip()) if depth == indent else None
        if match is not None:
            current = found.setdefault(match["name"], [])
            current.append(match["text"])
        elif current is not None:
            current.append(line.strip())
    return {name: " ".join(texts).strip() for name, texts in found.items()}
