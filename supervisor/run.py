"""`supervisor run`: one actor in the foreground, without a supervisor. Somebody else (systemd, Kubernetes, a debugger) watches it."""

import os
import sys
from typing import NoReturn

from actors.settings import Settings
from supervisor.inheritance import boot_command, environment_of
from supervisor.instance import Instance, private_directory, runtime_root
from supervisor.plan import Plan, make_plan
from supervisor.spec import ChildSpec, Stdio, children


class NoSuchActorError(Exception):
    """The configuration has no such actor; the message lists those it has."""


def become(actor: str, settings: Settings) -> NoReturn:
    """Become this actor: the process, its streams and its exit code are the actor's own.

    Raises `NoSuchActorError`, `NoCredentialsError`, and `OSError` when its directory cannot be used.
    """
    plan = _plan(actor, settings)
    spec = _spec_of(actor, plan.specs)
    for line in plan.said:
        print(line, file=sys.stderr, flush=True)
    runtime_root().mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = private_directory(Instance(plan.settings.session.name).directory)
    environment = environment_of(spec, plan.settings, directory, plan.secrets)
    if outer := os.environ.get("NOTIFY_SOCKET"):
        environment["NOTIFY_SOCKET"] = outer
    command = boot_command(spec, plan.settings)
    os.execve(command[0], command, environment)  # noqa: S606 - by argument vector, on purpose


def _plan(actor: str, settings: Settings) -> Plan:
    """Only the session needs the key of a model that is named; what "auto" means, everybody has to find out alike."""
    stdio = Stdio(has_input=True, is_input_terminal=sys.stdin.isatty())
    if actor == "session" or settings.model.provider == "auto":
        return make_plan(settings, os.environ, stdio)
    specs, left_out = children(settings, stdio)
    return Plan(settings, (), specs, left_out)


def _spec_of(actor: str, specs: list[ChildSpec]) -> ChildSpec:
    for spec in specs:
        if spec.name == actor:
            return spec
    names = ", ".join(spec.name for spec in specs)
    raise NoSuchActorError(f"this configuration has no actor {actor!r} to run here; it has {names}")
