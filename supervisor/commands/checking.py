"""`check`, `doctor`, `selftest` and `devices`: what can be found out before a conversation."""

import argparse
import importlib
from pathlib import Path

from supervisor import codes
from supervisor.commands.which import Commands
from supervisor.config import ConfigError, load


def add(commands: Commands) -> None:
    """Put them onto the command line."""
    check = commands.add_parser("check", help="validate a configuration and print every problem")
    check.add_argument("config", type=Path, metavar="CONFIG")
    check.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", dest="overrides")
    check.set_defaults(command=_check)

    doctor = commands.add_parser(
        "doctor", help="say what keeps a conversation from working here, and what to do"
    )
    doctor.add_argument("config", type=Path, nargs="?", metavar="CONFIG")
    doctor.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", dest="overrides")
    doctor.add_argument("--json", action="store_true", help="one JSON object, schema 1")
    doctor.set_defaults(command=_doctor)

    selftest = commands.add_parser(
        "selftest", help="try a whole conversation with faults: no key, no sound card"
    )
    selftest.set_defaults(command=_selftest)

    devices = commands.add_parser("devices", help="list microphones, loudspeakers, cameras and screens")
    devices.add_argument("--json", action="store_true", help="one JSON object, schema 1")
    devices.set_defaults(command=_devices)


def _check(arguments: argparse.Namespace, _: list[str]) -> int:
    from supervisor import families

    settings = load(arguments.config, arguments.overrides)
    checker = importlib.import_module("actors.model.check")  # the SDK: half a second, and only here
    problems = checker.problems(settings.model)
    if problems:
        raise ConfigError([f"{arguments.config}:{problem}" for problem in problems])
    for warning in families.warnings(settings.model):
        print(f"{arguments.config}:{warning} (warning)")
    print(f"{arguments.config}: right")
    return codes.DONE


def _doctor(arguments: argparse.Namespace, _: list[str]) -> int:
    from supervisor.doctor import examination

    return examination.show(arguments.config, arguments.overrides, as_json=arguments.json)


def _selftest(_: argparse.Namespace, __: list[str]) -> int:
    from supervisor.selftest import run

    return run.run()


def _devices(arguments: argparse.Namespace, _: list[str]) -> int:
    from supervisor import devices

    return devices.show(as_json=arguments.json)
