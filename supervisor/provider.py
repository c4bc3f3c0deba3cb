"""Which model a conversation talks to, said in one sentence before it starts. Pure: the environment is an argument."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from actors.settings import ModelTable


@dataclass(frozen=True, slots=True)
class Choice:
    """The resolved model table (never "auto"), and what to tell the user about it."""

    model: ModelTable
    said: str
    secrets: tuple[str, ...]
    """Names of the variables that only the session gets."""


class NoCredentialsError(Exception):
    """The provider that was asked for cannot be used; the message says what is missing."""


def choose(model: ModelTable, environment: Mapping[str, str]) -> Choice:
    """Resolve `provider = "auto"` and the key's variable. Raises `NoCredentialsError`."""
    variable, note = _key_variable(model.api_key_env, environment)
    if model.provider == "parrot" or (model.provider == "auto" and not variable):
        return Choice(_with(model, "parrot"), _parrot_words(model), ())
    if not variable:
        raise NoCredentialsError(
            f"model.provider is gemini, but the variable {model.api_key_env} (model.api_key_env) is not set; "
            f'export {model.api_key_env}=… or use provider = "parrot"'
        )
    resolved = msgspec.structs.replace(_with(model, "gemini"), api_key_env=variable)
    said = f"Talking to {model.name} (key from {variable}{note}). For the embedded parrot: --set model.provider=parrot"
    return Choice(resolved, said, (variable,))


def _with(model: ModelTable, provider: str) -> ModelTable:
    return msgspec.convert(msgspec.to_builtins(model) | {"provider": provider}, ModelTable)


def _key_variable(wanted: str, environment: Mapping[str, str]) -> tuple[str, str]:
    if environment.get(wanted):
        return wanted, ""
    if wanted == "GOOGLE_API_KEY" and environment.get("GEMINI_API_KEY"):
        return "GEMINI_API_KEY", ", as GOOGLE_API_KEY is not set"
    return "", ""


def _parrot_words(model: ModelTable) -> str:
    why = "as configured" if model.provider == "parrot" else f"{model.api_key_env} is not set"
    return f"Talking to the embedded parrot ({why}). For Gemini: export {model.api_key_env}=<your key>"
