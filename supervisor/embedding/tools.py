"""Functions given as objects, as the references by which a process of its own finds them again."""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

Tool = str | Callable[..., Any]


def references(tools: Iterable[Tool]) -> list[str]:
    """Return each tool as "module:function". Raises `ValueError` for one that no other process could import."""
    return [tool if isinstance(tool, str) else _reference(tool) for tool in tools]


def search_path(tools: Iterable[Tool]) -> list[str]:
    """Return the folders in which the modules of these tools are found."""
    folders = [_folder(sys.modules["__main__"], 0)]
    for tool in tools:
        if not isinstance(tool, str):
            module = sys.modules[tool.__module__]
            folders.append(_folder(module, _name(module).count(".")))
    found = dict.fromkeys(folder for folder in folders if folder)
    return list(found)


def _reference(tool: Callable[..., Any]) -> str:
    name = getattr(tool, "__qualname__", "")
    module = sys.modules.get(getattr(tool, "__module__", ""))
    if module is None or not name.isidentifier() or getattr(module, name, None) is not tool:
        raise ValueError(
            f"the tool {name or tool!r} cannot be found by another process: tools run in processes of their own, "
            "so each must be a function at the top of a module"
        )
    return f"{_name(module)}:{name}"


def _name(module: ModuleType) -> str:
    """Name a module as another process would import it; a script has another name there than here."""
    if module.__name__ != "__main__":
        return module.__name__
    if module.__spec__ is not None:
        return module.__spec__.name
    if getattr(module, "__file__", None) is None:
        raise ValueError("tools cannot be defined at the prompt: put them into a file and import them")
    return Path(str(module.__file__)).stem


def _folder(module: ModuleType, depth: int) -> str:
    """Return the folder from which the module's name leads to its file; "" when every process knows it."""
    file = getattr(module, "__file__", None)
    if file is None:
        return ""
    path = Path(file).absolute()
    if path.name == "__init__.py":
        path = path.parent
    folder = path.parents[depth]
    return "" if folder.name in {"site-packages", "dist-packages"} else os.fspath(folder)
