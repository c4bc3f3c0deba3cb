"""Which model a conversation talks to, said in one sentence before it starts. Pure: the environment is an argument."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from actors.settings import ModelTable

TOKEN_PREFIX = "auth_tokens/"  # noqa: S105 - how ephemeral tokens begin, none itself


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
    """Resolve `provider = "auto"`, the key's variable and the API version. Raises `NoCredentialsError`."""
    variable, note = _key_variable(model.api_key_env, environment)
    if model.provider == "parrot":
        return Choice(model, _parrot_words(model, "as configured"), ())
    if model.provider == "vertex" or (model.provider == "auto" and model.credentials_path):
        if model.provider == "auto" and variable:
            raise NoCredentialsError(
                f"model.credentials_path is set, and so is the variable {variable}: "
                'say which one to use with model.provider = "vertex" or "gemini"'
            )
        return _vertex(model)
    if variable:
        return _gemini(model, variable, note, is_token=environment[variable].startswith(TOKEN_PREFIX))
    if model.provider == "gemini":
        raise NoCredentialsError(
            f"model.provider is gemini, but the variable {model.api_key_env} (model.api_key_env) is not set; "
            f'export {model.api_key_env}=<your key>, or use model.provider = "parrot"'
        )
    return Choice(
        _with(model, provider="parrot"), _parrot_words(model, f"{model.api_key_env} is not set"), ()
    )


def _gemini(model: ModelTable, variable: str, note: str, *, is_token: bool) -> Choice:
    version = "v1alpha" if is_token else model.api_version
    what = "ephemeral token" if is_token else "key"
    if version != model.api_version:
        note += f"; such tokens need api_version {version}, so that is used"
    resolved = _with(model, provider="gemini", api_key_env=variable, api_version=version)
    said = f"Talking to {model.name} ({what} from {variable}{note}). For the embedded parrot: --set model.provider=parrot"
    return Choice(resolved, said, (variable,))


def _vertex(model: ModelTable) -> Choice:
    account = json.loads(Path(model.credentials_path).read_bytes())
    project = model.project_id or account["project_id"]
    version = (
        "v1beta1" if model.api_version == "v1beta" else model.api_version
    )  # the same version by its Vertex name
    resolved = _with(model, provider="vertex", project_id=project, api_version=version)
    return Choice(
        resolved, f"Talking to {model.name} on Vertex AI (project {project}, {model.location}).", ()
    )


def _with(model: ModelTable, **changes: Any) -> ModelTable:
    return msgspec.structs.replace(model, **changes)


def _key_variable(wanted: str, environment: Mapping[str, str]) -> tuple[str, str]:
    if environment.get(wanted):
        return wanted, ""
    if wanted == "GOOGLE_API_KEY" and environment.get("GEMINI_API_KEY"):
        return "GEMINI_API_KEY", ", as GOOGLE_API_KEY is not set"
    return "", ""


def _parrot_words(model: ModelTable, why: str) -> str:
    return f"Talking to the embedded parrot ({why}). For Gemini: export {model.api_key_env}=<your key>"
