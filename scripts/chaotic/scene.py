"""The conversation that is broken: a real tree at a real terminal, on file devices, with the parrot and a tool."""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ptys import Terminal
from trees import CONFIG, Tree, environment, tree, wait_for

from scripts.chaotic.books import Books
from scripts.chaotic.plan import Fault
from scripts.chaotic.sound import MAKERS, WAV_HEADER_BYTES, Sound
from supervisor import client
from supervisor.instance import Instance

ROOT = Path(__file__).resolve().parents[2]
TYPED_WITHIN_S = 0.15
"""A keyboard that lives has taken a line by then."""
DEVICES = """
[actors.mic]
enabled = true
device = "MIC"
[actors.speaker]
enabled = true
device = "SPEAKER"
[actors.parrot]
keep_audio = "{directory}/ear"
handle_lifetime_s = 100000
"""
TABLE = (
    CONFIG.replace('[session]\nname = "test"', '[session]\nname = "test"\nduplex = "headset"')
    .replace('provider = "parrot"', 'provider = "parrot"\ntools = ["sample_tools:note"]')
    .replace("audio_speed = 0\n", "")
    .replace("[actors.parrot]\n", DEVICES.lstrip())
)
CUT_HOW: dict[str, dict[str, Any]] = {
    "reset": {"reset": True},
    "close": {"close": {"code": 1011}},
    "go away": {"go_away": {"time_left_s": 3}},
    "stall": {"stall": {"for_s": 1}},
    "nonsense": {"raw": {"text": "{nonsense"}},
    "half open": {"half_open": True},
}
SHORTLY = {"reply": {"seconds": 0.3}}


def rules(faults: list[Fault], noted: Path) -> list[dict[str, Any]]:
    """Make the parrot's script: each call and each cut happens at a line of its own."""
    made: list[dict[str, Any]] = []
    for fault in faults:
        call = f"call {fault.number}"
        args = {"path": str(noted), "word": call}
        made.append({"when": {"text": call}, "do": {"tool_call": {"name": "note", "args": args}}})
        if fault.kind == "cut":
            how = CUT_HOW[fault.targets[0]]
            made.append({"when": {"text": f"cut {fault.number}"}, "do": how | SHORTLY, "times": 1})
    made.append({"when": {"contains": "at length"}, "do": {"reply": {"seconds": 60, "delay_s": 0.1}}})
    made.append({"when": {"contains": "line"}, "do": SHORTLY})
    return made


class Scene:
    """What a user does, and what can be seen of it."""

    def __init__(self, running: Tree, screen: Terminal, sound: Sound) -> None:
        self.tree = running
        self.screen = screen
        self.sound = sound
        self.books = Books()
        self.noted = running.directory / "noted"

    def type(self, line: str, *, is_sure: bool = True) -> None:
        """Type a line; whether it was surely taken shows in the keyboard's pid. `is_sure=False` if its work may be killed."""
        before = self.tree.row("keyboard")
        self.screen.type(f"{line}\r")
        time.sleep(TYPED_WITHIN_S)
        after = self.tree.row("keyboard")
        lives = bool(before.get("ready") and before.get("pid") == after.get("pid") and after.get("ready"))
        self.books.typed(line, is_sure=is_sure and lives)

    def order(self, act: Callable[[Instance], None]) -> None:
        """Do what the command line can. Raises `NoAnswerError`."""
        with environment(self.tree.environment):
            act(Instance("test"))

    def mute(self, *, is_muted: bool) -> None:
        """Set it, as `supervisor mute` does."""
        self.order(lambda instance: client.set_state(instance, "muted", is_muted))

    def context(self) -> dict[str, int]:
        """Return what the model's context holds; {} before the first turn is over."""
        return self.tree.context() if self.tree.events("turn_complete") else {}

    def ran(self) -> list[str]:
        """Return the calls that ran."""
        return self.noted.read_text().splitlines() if self.noted.exists() else []

    def told(self) -> list[str]:
        """Return the results that the model was told."""
        responses = [event.get("response") or {} for event in self.tree.events("tool_response")]
        return [str(one["output"]) for one in responses if "output" in one]

    def taken_back(self) -> list[str]:
        """Return the lines whose turns were interrupted: the model does not wait for their calls any more."""
        return [str(event["text"]) for event in self.tree.events("turn_complete") if event["interrupted"]]

    def heard_by_model(self) -> int:
        """Return how many bytes of voice have arrived at the model, over all connections."""
        ear = self.tree.directory / "ear"
        return sum(max(0, path.stat().st_size - WAV_HEADER_BYTES) for path in ear.iterdir())

    def is_talking(self) -> bool:
        """Whether a reply is being heard."""
        return bool(self.tree.status()["conversation"]["is_streaming_output"])


@contextlib.contextmanager
def staged(faults: list[Fault], devices: str) -> Iterator[Scene]:
    """Run the conversation, on `files` or sound `servers`, until the block is left."""
    with tree() as running, MAKERS[devices](running.directory) as sound:
        (running.directory / "ear").mkdir()
        table = TABLE.replace("MIC", sound.devices["mic"]).replace("SPEAKER", sound.devices["speaker"])
        script = running.directory / "script.json"
        running.config.write_text(
            table.format(directory=running.directory, journal=running.journal, script=script)
        )
        script.write_text(json.dumps(rules(faults, running.directory / "noted")))
        running.environment |= sound.environment | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
        command = [sys.executable, "-m", "supervisor", "start", str(running.config)]
        screen = Terminal(command, running.environment, width=100)
        try:
            running.wait_ready()
            wait_for(lambda: "You:" in screen.text, "the prompt")
            yield Scene(running, screen, sound)
        finally:
            screen.close()
