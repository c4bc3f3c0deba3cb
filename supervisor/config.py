"""Reading a configuration: TOML -> `Settings`, with every problem found at once and named as `file:table.key`."""

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from actors.devices import echo, video
from actors.settings import (
    ACTOR_NAME,
    TABLE_OF_KIND,
    ActorTable,
    GateTable,
    HostTable,
    MicTable,
    ModelTable,
    SessionTable,
    Settings,
    SupervisionTable,
    Table,
    VideoTable,
    kind_of,
)
from supervisor import secrets_in_config
from supervisor.remote import extra
from supervisor.remote.check import problems as remote_problems
from supervisor.spec import KINDS

TABLES: dict[str, type[Table]] = {
    "session": SessionTable,
    "model": ModelTable,
    "supervision": SupervisionTable,
    "gate": GateTable,
    "host": HostTable,
}
_ACCOUNT_KEYS = ("client_email", "private_key", "token_uri")
_TOOLS = r"[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*)?"
_SECRETS = ("key", "token", "secret", "password", "credential")
_OTHER_WAYS = 'or let the sound server do it (module-echo-cancel as its default source and sink) and use "headset"; or use "half"'
_NO_KEY_HERE = "must be the *name* of an environment variable, not the key itself"


class ConfigError(ValueError):
    """The configuration cannot be used. `problems` has one line per problem."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(path: Path, overrides: Iterable[str] = ()) -> Settings:
    """Read a file and the `--set table.key=value` overrides. Raises `ConfigError` with everything that is wrong."""
    problems: list[str] = []
    values = _read(path)
    for override in overrides:
        _override(values, override, problems)
    settings = _check(values, problems)
    if problems:
        raise ConfigError([f"{path}:{problem}" for problem in problems])
    return settings


def check(values: dict[str, Any], source: str, *, has_account: bool = False) -> Settings:
    """Check tables that did not come from a file. Raises `ConfigError` with everything that is wrong.

    `has_account`: the service account for Vertex AI comes by another way than as a file.
    """
    problems: list[str] = []
    settings = _check(values, problems, has_account=has_account)
    if problems:
        raise ConfigError([f"{source}:{problem}" for problem in problems])
    return settings


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError([f"{path}: there is no such file"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: is not valid TOML: {error}"]) from error


def _override(values: dict[str, Any], override: str, problems: list[str]) -> None:
    dotted, equals, text = override.partition("=")
    keys = [key.strip() for key in dotted.split(".")]
    if not equals or len(keys) < 2 or not all(keys):
        problems.append(f"--set {override}: write it as table.key=value")
        return
    table: Any = values
    for key in keys[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            problems.append(f"--set {override}: {key} is not a table")
            return
    table[keys[-1]] = _toml_value(text.strip())


def _toml_value(text: str) -> Any:
    """A TOML value where it is one; otherwise the text itself, so that names need no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _check(values: dict[str, Any], problems: list[str], *, has_account: bool = False) -> Settings:
    _unknown(values, [*TABLES, "actors"], "", problems)
    tables: dict[str, Any] = {}
    for name, table_type in TABLES.items():
        tables[name] = _table(table_type, values.get(name, {}), name, problems)
    actors = values.get("actors", {})
    if not isinstance(actors, dict):
        problems.append("actors: must be a table of tables, such as [actors.mic]")
        actors = {}
    for name, table in actors.items():
        _actor(name, table, problems)
    if problems:
        return Settings()
    settings = Settings(**tables, actors=actors)
    problems += _together(settings, has_account=has_account)
    return settings


def _actor(name: str, table: Any, problems: list[str]) -> None:
    where = f"actors.{name}"
    if not isinstance(table, dict):
        problems.append(f"{where}: must be a table, [{where}]")
        return
    kind = table.get("kind", "") or name
    if not re.fullmatch(ACTOR_NAME, name):
        problems.append(f"{where}: a name has at most 32 letters, digits, '-', '_' and '.'")
        return
    if not isinstance(kind, str) or kind not in TABLE_OF_KIND:
        hint = _did_you_mean(str(kind), TABLE_OF_KIND)
        problems.append(
            f"{where}.kind: {kind!r} is not a kind of actor{hint}; there are {', '.join(TABLE_OF_KIND)}"
        )
        return
    if name in KINDS and name != kind:
        problems.append(f"{where}: {name} is the name of a kind; call a {kind} something else")
        return
    _table(TABLE_OF_KIND[kind], table, where, problems)


def _table(table_type: type[Table], values: Any, where: str, problems: list[str]) -> Table:
    """Check every key on its own, so that one mistake does not hide the next."""
    if not isinstance(values, dict):
        problems.append(f"{where}: must be a table, [{where}]")
        return table_type()
    types = {field.name: field.type for field in msgspec.structs.fields(table_type)}
    _unknown(values, types, f"{where}.", problems)
    good: dict[str, Any] = {}
    for key, value in values.items():
        if key not in types:
            continue
        if isinstance(types[key], type) and issubclass(types[key], Table):
            good[key] = _table(types[key], value, f"{where}.{key}", problems)
            continue
        try:
            good[key] = msgspec.convert(value, types[key])
        except msgspec.ValidationError as error:
            problem = _NO_KEY_HERE if key == "api_key_env" else _in_words(error, value, _choices(types[key]))
            problems.append(f"{where}.{key}: {problem}")
    return table_type(**good)


def _in_words(error: msgspec.ValidationError, value: Any, choices: tuple[Any, ...]) -> str:
    if choices and isinstance(value, str):
        there_are = ", ".join(map(repr, choices))
        return f"{value!r} is not known{_did_you_mean(value, map(str, choices))}; there are {there_are}"[:300]
    text = str(error).replace("`", "")
    return f"{text[0].lower()}{text[1:]}, not {value!r}"[:300]


def _choices(kind: Any) -> tuple[Any, ...]:
    """Return what a `Literal` allows, () for any other type."""
    return get_args(kind) if get_origin(kind) is Literal else ()


def _unknown(values: Mapping[str, Any], known: Iterable[str], where: str, problems: list[str]) -> None:
    names = list(known)
    for key in values:
        if key in names:
            continue
        if any(part in key.lower() for part in _SECRETS) and isinstance(values[key], str):
            problems.append(
                f"{where}{key}: secrets do not belong in a file; put the key into an environment variable "
                "and name that in model.api_key_env"
            )
        else:
            problems.append(f"{where}{key}: unknown{_did_you_mean(key, names)}")


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f", did you mean {close[0]}?" if close else ""


def _service_account_problems(path: Path, model: ModelTable) -> list[str]:
    where = "model.credentials_path"
    try:
        account = json.loads(path.read_bytes())
    except FileNotFoundError:
        return [f"{where}: there is no file {path}"]
    except (OSError, ValueError) as error:
        return [f"{where}: {path} cannot be read as JSON: {error}"]
    missing = [key for key in _ACCOUNT_KEYS if not (isinstance(account, dict) and account.get(key))]
    if missing:
        return [f"{where}: {path} is no service account file, it has no {', '.join(missing)}"]
    if not (model.project_id or account.get("project_id")):
        return [f"model.project_id: {path} names no project, so it has to be set here"]
    return []


def _together(settings: Settings, *, has_account: bool) -> list[str]:
    """Find what is wrong only in combination, and what this version cannot do yet."""
    found: list[str] = []
    model = settings.model
    if model.ca_file and not Path(model.ca_file).is_file():
        found.append(f"model.ca_file: there is no file {model.ca_file}")
    if model.credentials_path:
        found += _service_account_problems(Path(model.credentials_path), model)
    elif model.provider == "vertex" and not has_account:
        found.append("model.credentials_path: vertex needs the path of a service account's JSON file")
    found += [
        f'model.tools[{number}]: write "package.module:function" or "package.module", not {reference!r}'
        for number, reference in enumerate(model.tools)
        if not re.fullmatch(_TOOLS, reference)
    ]
    for is_wanted, key in ((settings.gate.announce, "gate.announce"), (settings.host.search, "host.search")):
        if is_wanted and not extra.is_installed():
            found.append(f"{key}: {extra.how_to_install('finding each other in the network')}")
    if settings.session.duplex == "full" and not echo.is_installed():
        found.append(f"session.duplex: {echo.how_to_install()}; {_OTHER_WAYS}")
    for name, table in settings.actors.items():
        actor = msgspec.convert(table, TABLE_OF_KIND.get(kind_of(name, table), ActorTable))
        if (
            isinstance(actor, MicTable)
            and settings.session.duplex == "full"
            and actor.frame_ms % echo.FRAME_MS
        ):
            found.append(
                f"actors.{name}.frame_ms: echo cancellation takes whole {echo.FRAME_MS} ms, not {actor.frame_ms}"
            )
        if isinstance(actor, VideoTable) and actor.enabled is not False:
            lacks = video.what_is_missing(kind_of(name, table), actor.device)
            found += [f"actors.{name}: {lacks}"] if lacks else []
    found += secrets_in_config.in_live(model.live) + secrets_in_config.in_tools_env(model)
    return found + remote_problems(settings)
