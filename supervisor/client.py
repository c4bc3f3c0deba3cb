"""Acting on a running conversation from the command line: a short-lived ray of its stars."""

import os
import secrets
import socket
import time
from collections.abc import Callable

from actors import wire
from actors.runtime.bus import Identity, Link
from actors.runtime.inbox import Counters, Received
from actors.runtime.loop import PollLoop
from supervisor.instance import Instance, read_json
from supervisor.report import RESTART_ORDER, ActorReport, TreeReport

ANSWER_WITHIN_S = 5.0
RESTART_WITHIN_S = 20.0


class NoAnswerError(Exception):
    """The conversation did not answer, or refused; the message says which."""


def say(instance: Instance, text: str) -> None:
    """Send a user turn; returns when it was handed to the model. Raises `NoAnswerError`."""
    line = wire.LineId(f"say-{secrets.token_hex(4)}", 1)

    def is_done(message: wire.Wire) -> bool:
        if isinstance(message, wire.LineRefused):
            raise NoAnswerError(message.reason)
        return isinstance(message, (wire.LineSent, wire.LineKept)) and message.line == line

    _ask(
        instance,
        "med.ipc",
        wire.TextLine(line, text, is_shown=False),
        is_done,
        "the model is not reachable now; nothing was sent",
    )


def interrupt(instance: Instance) -> None:
    """Cut the reply short. Raises `NoAnswerError`."""
    _ask(instance, "med.ipc", wire.Interrupt(), None, "the session does not answer")


def restart(instance: Instance, actor: str) -> None:
    """Ask the supervisor for it; returns when the new process is ready. Raises `NoAnswerError`."""
    before = _row(instance, actor)
    if before is None:
        raise NoAnswerError(f"there is no actor named {actor}")
    order = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        order.sendto(RESTART_ORDER + actor.encode(), instance.notify_address)
    except OSError as error:
        raise NoAnswerError(f"the supervisor does not listen ({error})") from error
    finally:
        order.close()
    give_up_s = time.monotonic() + RESTART_WITHIN_S
    while time.monotonic() < give_up_s:
        now = _row(instance, actor)
        if now is not None and now.pid != before.pid and now.ready:
            return
        time.sleep(0.05)
    raise NoAnswerError(
        f"{actor} was not ready again within {RESTART_WITHIN_S:.0f} s; see `supervisor logs {actor}`"
    )


def _row(instance: Instance, actor: str) -> ActorReport | None:
    tree = read_json(instance.state_file, TreeReport)
    return next((row for row in tree.actors if row.name == actor), None) if tree is not None else None


def set_state(instance: Instance, key: wire.StateKey, value: wire.Value) -> None:
    """Set a shared value. Raises `NoAnswerError`."""

    def is_done(message: wire.Wire) -> bool:
        if isinstance(message, wire.Refused):
            raise NoAnswerError(message.reason)
        return isinstance(message, wire.StateValue)

    _ask(instance, "ctl.ipc", wire.SetState(1, key, value), is_done, "the coordinator does not answer")


def _ask(
    instance: Instance,
    star: str,
    question: wire.Wire,
    is_done: Callable[[wire.Wire], bool] | None,
    otherwise: str,
) -> None:
    loop = PollLoop()
    answers: list[wire.Wire] = []
    me = Identity(f"cli-{secrets.token_hex(4)}", "cli")
    link = Link(loop, me, Counters(), lambda received: _take(link, received, question, answers))
    link.connect(f"ipc://{instance.directory}/{star}")
    give_up_s = time.monotonic() + ANSWER_WITHIN_S
    try:
        while time.monotonic() < give_up_s:
            loop.run_once(0.1)
            if is_done is None and link.hub_boot_id:
                return
            if is_done is not None and any(is_done(message) for message in answers):
                return
            answers.clear()
    finally:
        link.close(linger_ms=200)
        loop.close()
    raise NoAnswerError(otherwise)


def _take(link: Link, received: Received, question: wire.Wire, answers: list[wire.Wire]) -> None:
    message = received.envelope.body
    if isinstance(message, wire.Welcome):
        link.send(wire.Hello("cli", os.getpid()))
        link.send(question)
    else:
        answers.append(message)
