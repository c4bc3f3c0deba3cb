"""One cell of `life`: a rival is started, something happens to it, and what becomes of the conversation is recorded.

`kill`: whatever process plays is killed while a reply sounds, then whatever process records while the user whispers. They are
found by asking the sound server, so it does not matter how a rival is built. `goaway` and `reset`: the model announces that it
will close the connection, or cuts it, while the user whispers; a line is typed a moment later.
"""

import contextlib
import json
import os
import secrets
import signal
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scripts.benchmarks.arms import plain_environment, running
from scripts.benchmarks.instruments import Server, put_first, recording, serving
from scripts.benchmarks.rival import Rival
from scripts.benchmarks.scene import CHUNK_BYTES, SYLLABLE_S, WHISPER, await_connection, is_quiet, wait
from scripts.benchmarks.server import ServerSound
from scripts.benchmarks.sound import LETTER_S, MIC_RATE_HZ, SINK_RATE_HZ
from tests.virtual_audio import SINK_RATE_HZ as FEED_RATE_HZ
from tests.virtual_audio import Recording, VirtualAudio, speech_like, write_wav

HAPPENINGS = ("kill", "goaway", "reset")
REPLY_S = {"kill": 5.0, "goaway": 1.0, "reset": 1.0}
WHISPER_S = {"kill": 6.0, "goaway": 13.0, "reset": 11.0}
FAULT_AFTER_S = 6.0
"""After setup: the first turn is over, and its resumption handle has been issued."""
TIME_LEFT_S = 3.0
BACK_WITHIN_S = 8.0
TYPED = "still there"
INSTRUMENTS = {"pacat"}
"""What parec and paplay are names of."""


@dataclass(frozen=True)
class Lived:
    """What was recorded of one cell. Times are monotonic."""

    happening: str
    began_s: float
    events: list[dict[str, Any]]
    heard: ServerSound
    microphone: list[tuple[float, bytes]]
    whispered_until_s: float
    player_killed_s: float | None = None
    player_back_s: float | None = None
    recorder_killed_s: float | None = None
    is_heard_again: bool = False
    """A later reply sounded."""
    has_ended: bool = False
    """Nothing was left of the rival after the kill."""


def live(arm: str, happening: str) -> Lived:
    """Run one cell. Raises CannotError, RuntimeError or AssertionError when the rival does not come up."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ab-", dir="/tmp")))
        sound = stack.enter_context(VirtualAudio())
        environment = plain_environment(sound.env, secrets.token_urlsafe(16))
        server = stack.enter_context(serving(directory, script(happening), environment))
        sink = stack.enter_context(recording(sound, "speaker.monitor", SINK_RATE_HZ))
        microphone = stack.enter_context(recording(sound, "micfeed.monitor", MIC_RATE_HZ))
        with running(arm, server, environment, directory) as rival:
            await_connection(arm, server, directory)
            put_first(server)
            scene = Scene(happening, rival, sound, server, sink, directory)
            seen = scene.kill() if happening == "kill" else scene.lose_connection()
        events, heard = server.events(), server.finish()
    return Lived(happening, rival.began_s, events, heard, list(microphone.blocks), **seen)


def script(happening: str) -> list[dict[str, Any]]:
    """Make the parrot's rules."""
    text = "i" * round(REPLY_S[happening] / LETTER_S)
    reply = {"do": {"reply": {"text": text, "chunk_bytes": CHUNK_BYTES}}, "when": {"contains": ""}}
    faults = {"goaway": {"go_away": {"time_left_s": TIME_LEFT_S}}, "reset": {"reset": True}}
    if happening not in faults:
        return [reply]
    return [reply, {"when": {"after_s": FAULT_AFTER_S, "connection": 1}, "do": faults[happening]}]


def losses(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return where the script took, or announced to take, the connection away."""
    return [
        event for event in events if event["event"] == "fault" and {"go_away", "reset"} & event["do"].keys()
    ]


class Scene:
    """What the user does, and what happens."""

    def __init__(
        self,
        happening: str,
        rival: Rival,
        sound: VirtualAudio,
        server: Server,
        sink: Recording,
        directory: Path,
    ) -> None:
        self._rival, self._sound, self._server, self._sink = rival, sound, server, sink
        syllable = speech_like(SYLLABLE_S, FEED_RATE_HZ)
        pause = np.zeros(FEED_RATE_HZ // 5, np.int16)
        whisper = (speech_like(WHISPER_S[happening], FEED_RATE_HZ) * WHISPER).astype(np.int16)
        self._syllable = write_wav(
            directory / "syllable.wav", np.concatenate([pause, syllable, pause]), FEED_RATE_HZ
        )
        self._whisper = write_wav(directory / "whisper.wav", whisper, FEED_RATE_HZ)

    def kill(self) -> dict[str, Any]:
        """Kill what plays, and then what records."""
        self._speak()
        wait(lambda: not is_quiet(self._sink), BACK_WITHIN_S)
        time.sleep(0.7)
        killed_s, player = self._kill_user_of("sink-inputs")
        is_back = wait(lambda: self._user_of("sink-inputs") not in {None, player}, BACK_WITHIN_S)
        seen = {"player_killed_s": killed_s, "player_back_s": time.monotonic() if is_back else None}
        if not self._rival.processes():
            return {**seen, "has_ended": True, "whispered_until_s": time.monotonic()}
        wait(lambda: is_quiet(self._sink), BACK_WITHIN_S)
        is_heard = self._is_answered(self._speak)
        wait(lambda: is_quiet(self._sink), 2 * BACK_WITHIN_S)
        with self._sound.speaking(self._whisper):
            time.sleep(1.5)
            killed_s, _ = self._kill_user_of("source-outputs")
        has_ended = not self._rival.processes()
        return {
            **seen,
            "recorder_killed_s": killed_s,
            "is_heard_again": is_heard,
            "has_ended": has_ended,
            "whispered_until_s": time.monotonic(),
        }

    def lose_connection(self) -> dict[str, Any]:
        """Whisper while the connection is lost, type a line into it, and speak again afterwards."""
        self._speak()
        with self._sound.speaking(self._whisper):
            wait(lambda: losses(self._server.events()), 2 * FAULT_AFTER_S)
            time.sleep(0.1)
            with contextlib.suppress(Exception):  # what cannot be typed now is lost, and measured so
                self._rival.say(TYPED)
        until_s = time.monotonic()
        wait(lambda: is_quiet(self._sink), BACK_WITHIN_S)
        return {
            "is_heard_again": self._is_answered(self._speak),
            "has_ended": not self._rival.processes(),
            "whispered_until_s": until_s,
        }

    def _speak(self) -> None:
        with self._sound.speaking(self._syllable):
            pass

    def _is_answered(self, ask: Any) -> bool:
        ask()
        return wait(lambda: not is_quiet(self._sink), BACK_WITHIN_S / 2)

    def _user_of(self, what: str) -> int | None:
        """Return which process plays or records, our own instruments aside."""
        listed = [each["properties"] for each in json.loads(self._sound.pactl("--format=json", "list", what))]
        users = [each for each in listed if each.get("application.process.binary") not in INSTRUMENTS]
        return next(
            (int(each["application.process.id"]) for each in users if "application.process.id" in each), None
        )

    def _kill_user_of(self, what: str) -> tuple[float, int | None]:
        pid = self._user_of(what)
        now_s = time.monotonic()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return now_s, pid
