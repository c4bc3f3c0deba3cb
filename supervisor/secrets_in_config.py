"""Finds what must not stand in a configuration: keys, tokens, headers that carry them. It never repeats what it found. Pure."""

import re
from typing import Any

from actors.settings import ModelTable

KEY_NAMES = re.compile(r"(^|_|-)(api_?-?key|authorization|password|secret|token|credentials?)(_string)?$")
KEY_VALUES = re.compile(r"AIza[\w-]{10,}|ya29\.|auth_tokens/|Bearer\s|-----BEGIN [A-Z ]*PRIVATE KEY")
MODEL_KEYS = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
ADVICE = (
    "secrets do not belong in a file; put it into an environment variable and name that in model.api_key_env"
)


def in_live(live: dict[str, Any]) -> list[str]:
    """Return every secret in `[model.live]` as `model.live.path: advice`."""
    return _search(live, "model.live")


def in_tools_env(model: ModelTable) -> list[str]:
    """Return every variable that holds the model's key: no function of the user's may see that."""
    return [
        f"model.tools_env[{number}]: {name} holds the model's key, which tools never get"
        for number, name in enumerate(model.tools_env)
        if name in {*MODEL_KEYS, model.api_key_env}
    ]


def _search(value: Any, where: str) -> list[str]:
    match value:
        case dict():
            return [found for key, inner in value.items() for found in _entry(str(key), inner, where)]
        case list():
            return [
                found for number, inner in enumerate(value) for found in _search(inner, f"{where}[{number}]")
            ]
        case str() if KEY_VALUES.search(value):
            return [f"{where}: {ADVICE}"]
        case _:
            return []


def _entry(key: str, value: Any, where: str) -> list[str]:
    if KEY_VALUES.search(key):
        return [f"{where}: {ADVICE}"]
    if isinstance(value, str) and value and KEY_NAMES.search(key.lower()):
        return [f"{where}.{key}: {ADVICE}"]
    return _search(value, f"{where}.{key}")
