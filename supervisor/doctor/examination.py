"""The whole examination, in the order in which a user would look."""

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from actors.settings import Settings
from supervisor import codes
from supervisor.config import ConfigError, load
from supervisor.doctor.finding import Finding, line, ok, wrong
from supervisor.doctor.machine import limits, terminal, versions
from supervisor.doctor.model import model
from supervisor.doctor.places import places
from supervisor.doctor.remote import remote
from supervisor.doctor.sight import eyes
from supervisor.doctor.sound import devices, server
from supervisor.status import look

USUAL = Settings(actors={"mic": {}, "speaker": {}, "keyboard": {}, "console": {}})


def examine(config: Path | None, overrides: list[str]) -> Iterator[Finding]:
    """Yield one finding after the other; a configuration that cannot be used is one, and the defaults are examined."""
    settings = USUAL
    if config is not None:
        try:
            settings = load(config, overrides)
        except ConfigError as error:
            yield from (wrong("config", problem, "correct it") for problem in error.problems)
        else:
            yield _beyond_types(config, settings)
    yield from versions()
    yield from limits()
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    yield terminal(os.environ, sys.stdout.encoding if is_terminal else None)
    yield from places(settings.session.name)
    yield server(os.environ)
    yield from devices(settings)
    yield from eyes(settings)
    yield from remote(settings, is_running=look(settings.session.name).is_running)
    if not settings.host.address:  # a device talks to its host only
        yield from model(settings.model, os.environ)


def show(config: Path | None, overrides: list[str], *, as_json: bool) -> int:
    """Print the findings as they come. Returns 0 when a conversation should work, else 1."""
    found: list[Finding] = []
    for finding in examine(config, overrides):
        found.append(finding)
        if not as_json:
            print(line(finding), flush=True)
    bad = sum(finding.verdict == "wrong" for finding in found)
    if as_json:
        print(msgspec.json.encode({"schema": 1, "ok": bad == 0, "findings": found}).decode())
    elif bad:
        print(f"\n{bad} thing{'s' * (bad > 1)} to mend before a conversation works")
    else:
        print("\na conversation should work")
    return codes.FAILED if bad else codes.DONE


def _beyond_types(config: Path, settings: Settings) -> Finding:
    """Ask the SDK's own types, and look for the user's tools."""
    problems = importlib.import_module("actors.model.check").problems(settings.model)
    if problems:
        return wrong("config", f"{config}:{problems[0]}", "`supervisor check` names them all")
    return ok("config", f"{config} is right")
