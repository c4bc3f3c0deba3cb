"""Acting on a running conversation from the command line: a short-lived ray of its stars."""

import os
import secrets
import socket
import time
from collections.abc import Callable

import msgspec

from actors import wire
from actors.runtime.bus import Identity, Link
from actors.runtime.inbox import Counters, Received
from actors.runtime.loop import PollLoop
from supervisor.instance import Instance, read_json
from supervisor.reload import Answer
from supervisor.report import RELOAD_ORDER, RESTART_ORDER, ActorReport, TreeReport

ANSWER_WITHIN_S = 5.0
SENT_WITHIN_S = 8.0
"""A line waits up to 5 s for the model's word on the one before, such as a function that runs."""
RESTART_WITHIN_S = 20.0
RELOAD_WITHIN_S = 30.0
MAX_ANSWER_BYTES = 65_536


class NoAnswerError(Exception):
    """The conversation did not answer, or refused; the message says which."""


def say(instance: Instance, text: str, picture: bytes = b"") -> None:
    """Send a user turn, with a JPEG, PNG or WebP if there is one; returns when it was handed to the model. Raises `NoAnswerError`."""
    line = wire.LineId(f"say-{secrets.token_hex(4)}", 1)

    def is_done(message: wire.Wire) -> bool:
        if isinstance(message, wire.LineRefused):
            raise NoAnswerError(message.reason)
        return isinstance(message, (wire.LineSent, wire.LineKept)) and message.line == line

    _ask(
        instance,
        "med.ipc",
        wire.TextLine(line, text, is_shown=False, picture=picture),
        is_done,
        "the session does not answer; nothing was sent",
        within_s=SENT_WITHIN_S,
        waits=f"not sent after {SENT_WITHIN_S:.0f} s; the session keeps the line and sends it when the model can be reached: "
        "see `supervisor status`",
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


def reload(instance: Instance) -> Answer:
    """Have the configuration read again; returns when what it changed is ready, or with its problems. Raises `NoAnswerError`."""
    before = {row.name: row.pid for row in _rows(instance)}
    answer = msgspec.json.decode(_order(instance, RELOAD_ORDER, RELOAD_WITHIN_S), type=Answer)
    give_up_s = time.monotonic() + RESTART_WITHIN_S
    waiting = set(answer.to_wait_for)
    while waiting and time.monotonic() < give_up_s:
        waiting -= {row.name for row in _rows(instance) if row.ready and row.pid != before.get(row.name)}
        time.sleep(0.05)
    if waiting:
        raise NoAnswerError(
            f"done, but not ready within {RESTART_WITHIN_S:.0f} s: {', '.join(sorted(waiting))}"
        )
    return answer


def _order(instance: Instance, order: bytes, within_s: float) -> bytes:
    """Send an order to the supervisor and return its answer. Raises `NoAnswerError`."""
    address = instance.directory / f"ask-{secrets.token_hex(4)}"
    asking = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        asking.bind(str(address))
        asking.settimeout(within_s)
        asking.sendto(order, instance.notify_address)
        return asking.recv(MAX_ANSWER_BYTES)
    except TimeoutError as error:
        raise NoAnswerError(f"the supervisor did not answer within {within_s:.0f} s") from error
    except OSError as error:
        raise NoAnswerError(f"the supervisor does not listen ({error})") from error
    finally:
        asking.close()
        address.unlink(missing_ok=True)


def _row(instance: Instance, actor: str) -> ActorReport | None:
    return next((row for row in _rows(instance) if row.name == actor), None)


def _rows(instance: Instance) -> list[ActorReport]:
    tree = read_json(instance.state_file, TreeReport)
    return [] if tree is None else tree.actors


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
    *,
    within_s: float = ANSWER_WITHIN_S,
    waits: str = "",
) -> None:
    """Ask until answered. Raises `NoAnswerError`: `otherwise`, or `waits` where the question was taken."""
    loop = PollLoop()
    answers: list[wire.Wire] = []
    me = Identity(f"cli-{secrets.token_hex(4)}", "cli")
    link = Link(loop, me, Counters(), lambda received: _take(link, received, question, answers))
    link.connect(f"ipc://{instance.directory}/{star}")
    give_up_s = time.monotonic() + within_s
    try:
        while time.monotonic() < give_up_s:
            loop.run_once(0.1)
            if is_done is None and link.hub_boot_id:
                return
            if is_done is not None and any(is_done(message) for message in answers):
                return
            answers.clear()
        was_taken = bool(link.hub_boot_id)
    finally:
        link.close(linger_ms=200)
        loop.close()
    raise NoAnswerError(waits if was_taken and waits else otherwise)


def _take(link: Link, received: Received, question: wire.Wire, answers: list[wire.Wire]) -> None:
    message = received.envelope.body
    if isinstance(message, wire.Welcome):
        link.send(wire.Hello("cli", os.getpid()))
        link.send(question)
    else:
        answers.append(message)
