"""`status` and `logs`: how a conversation is, and what its processes say."""

import argparse
import sys
import time

import msgspec

from supervisor import codes
from supervisor.commands.which import Commands, name_of, on_running
from supervisor.instance import log_root

LIVE_EVERY_S = 1.0
EVERY_S = 2.0


def add(commands: Commands) -> None:
    """Put them onto the command line."""
    status = on_running(commands, "status", "show the health of every process", _status)
    form = status.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object, schema 1")
    form.add_argument("--prometheus", action="store_true", help="metrics in Prometheus' text format")
    form.add_argument(
        "--otlp", metavar="URL", help="push metrics to an OpenTelemetry collector (extra: otel)"
    )
    status.add_argument(
        "--watch",
        nargs="?",
        type=_seconds,
        const=0.0,
        metavar="S",
        help="again every S seconds: at a terminal a live view (1), otherwise one document after the other (2)",
    )
    status.add_argument("--wait", choices=["ready", "stopped"], help="return when it is so")
    status.add_argument("--timeout", type=float, default=30.0, metavar="S", help="for --wait; default 30")

    logs = commands.add_parser("logs", help="show what the processes logged")
    logs.add_argument("actor", nargs="?")
    logs.add_argument("-f", "--follow", action="store_true")
    logs.add_argument("--name", default="")
    logs.set_defaults(command=_logs)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 3600:
        raise ValueError(text)
    return seconds


def _status(arguments: argparse.Namespace, _: list[str]) -> int:
    name = name_of(arguments)
    if arguments.wait:
        return _wait(name, arguments)
    if arguments.otlp:
        return _push(name, arguments.otlp, arguments.watch)
    if arguments.watch is None:
        return _print_status(name, arguments)
    is_for_a_program = arguments.json or arguments.prometheus
    if not is_for_a_program and sys.stdout.isatty() and sys.stdin.isatty():
        from supervisor.live.terminal import watch

        return watch(name, arguments.watch or LIVE_EVERY_S)
    while True:
        _print_status(name, arguments)
        time.sleep(arguments.watch or EVERY_S)


def _push(name: str, endpoint: str, every_s: float | None) -> int:
    from supervisor import status

    try:
        from supervisor.metrics import otel
    except ImportError as error:
        print(f"supervisor: {error}", file=sys.stderr)
        return codes.FAILED
    arrived = otel.push(
        lambda: status.look(name).document, endpoint, None if every_s is None else every_s or EVERY_S
    )
    if not arrived:
        print(f"supervisor: {endpoint} did not take the metrics", file=sys.stderr)
    return codes.DONE if arrived else codes.FAILED


def _wait(name: str, arguments: argparse.Namespace) -> int:
    from supervisor import status

    give_up_s = time.monotonic() + arguments.timeout
    while True:
        found = status.look(name)
        is_so = found.code == status.READY if arguments.wait == "ready" else found.code == status.NOT_RUNNING
        if is_so:
            return codes.DONE
        if time.monotonic() > give_up_s:
            what = f"{found.document['state']} {found.document['why']}".strip()
            print(f"{name}: not {arguments.wait} after {arguments.timeout:g} s: {what}", file=sys.stderr)
            return found.code or codes.FAILED
        time.sleep(0.05)


def _print_status(name: str, arguments: argparse.Namespace) -> int:
    from supervisor import show, status
    from supervisor.metrics import prometheus

    found = status.look(name)
    if arguments.json:
        print(msgspec.json.encode(found.document).decode(), flush=True)
    elif arguments.prometheus:
        print(prometheus.exposition(found.document), end="", flush=True)
    else:
        print(show.table(found.document), flush=True)
    return found.code


def _logs(arguments: argparse.Namespace, _: list[str]) -> int:
    from supervisor import logs

    return logs.show(log_root() / name_of(arguments), arguments.actor, follow=arguments.follow)
