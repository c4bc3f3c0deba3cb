"""Proof, at the start and every 30 s, that a key nobody knows is refused at both doors. Only an open refusal is one."""

import logging
from collections.abc import Callable

from actors.gate.roles import Star
from actors.runtime import exits
from actors.runtime.bus.curve import new_keys
from actors.runtime.bus.door import Door
from actors.runtime.bus.knock import Answer, Knock
from actors.runtime.loop import Loop

EVERY_S = 30.0
WITHIN_S = 5.0

log = logging.getLogger("gate")


class SelfTest:
    """Knocks at every door. An open one ends the gate at once; one where nobody answers, before it ever was ready."""

    def __init__(
        self, loop: Loop, doors: dict[Star, Door], host_key: str, on_locked: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._doors = doors
        self._host_key = host_key
        self._on_locked = on_locked
        self._strangers: list[Knock] = []
        self._answers: dict[Star, Answer] = {}
        self._was_locked = False

    def begin(self) -> None:
        """Knock at every door."""
        self._answers = {}
        self._strangers = []
        for star, door in self._doors.items():
            stranger = Knock(self._loop, new_keys(), lambda answer, star=star: self._told(star, answer))  # type: ignore[misc]
            self._strangers.append(stranger)
            stranger.begin(_from_inside(door.address), self._host_key, WITHIN_S)

    def is_ours(self, key: str) -> bool:
        """Whether it is one of ours that was refused: no intruder."""
        return any(stranger.key == key for stranger in self._strangers)

    def close(self) -> None:
        """Give up."""
        for stranger in self._strangers:
            stranger.close()

    def _told(self, star: Star, answer: Answer) -> None:
        if answer == "admitted":
            raise exits.ActorExit(exits.CRASH, f"a key that nobody knows was let in at the {star} door")
        self._answers[star] = answer
        if len(self._answers) < len(self._doors):
            return
        if "no answer" not in self._answers.values():
            if not self._was_locked:
                self._was_locked = True
                self._on_locked()
        elif not self._was_locked:
            raise exits.ActorExit(
                exits.TEMPORARY, "the doors could not be tried with a wrong key: nobody answers"
            )
        else:  # under attack, perhaps; locked they are
            log.warning(
                "the doors could not be tried with a wrong key: nobody answered within %g s", WITHIN_S
            )
        self._loop.call_later(EVERY_S, self.begin)


def _from_inside(address: str) -> str:
    return address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
