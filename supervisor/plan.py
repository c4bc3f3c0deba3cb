"""From a configuration to what has to run: the settings with the model chosen, the children, and what the user should know."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from actors.settings import Settings
from supervisor import provider
from supervisor.config import load
from supervisor.spec import ChildSpec, Stdio, children


@dataclass(frozen=True, slots=True)
class Plan:
    """What a tree runs. `settings.model.provider` is never "auto" here."""

    settings: Settings
    secrets: tuple[str, ...]
    """Variables that only the session gets."""
    specs: list[ChildSpec]
    said: list[str]
    """One line each, for the user."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the settings came from, to read them again."""

    config: Path
    overrides: tuple[str, ...]

    def read(self) -> Settings:
        """Read them. Raises `ConfigError`."""
        return load(self.config, self.overrides)


def make_plan(settings: Settings, environment: Mapping[str, str], stdio: Stdio) -> Plan:
    """Choose the model and list the children. Raises `NoCredentialsError`."""
    choice = model_of(settings, environment)
    settings = msgspec.structs.replace(settings, model=choice.model)
    specs, left_out = children(settings, stdio)
    return Plan(settings, choice.secrets, specs, [said for said in (choice.said, *left_out) if said])


def model_of(settings: Settings, environment: Mapping[str, str]) -> provider.Choice:
    """Choose the model; on a device, none answers. Raises `NoCredentialsError`."""
    if settings.host.address:
        return provider.Choice(settings.model, "", ())
    return provider.choose(settings.model, environment)
