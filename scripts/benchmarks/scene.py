"""One cell of the measurement: a rival, a load, a scripted conversation, and everything that was recorded of it.

The user says one loud syllable and then whispers on, too softly for the model to take it for speech: the model's reply and the
microphone run at the same time. When the reply has ended, more syllables follow, each of which cuts the reply to the one before; a rival that is deaf while it speaks is typed to instead.
Replies are tones, in turn low and high, so that each can be told from the one before it.
"""

import secrets
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from scripts.benchmarks.arms import DEAF_WHILE_SPEAKING, FILTERS_VOICE, plain_environment, running
from scripts.benchmarks.instruments import SINK_BLOCK_MS, Server, put_first, recording, serving
from scripts.benchmarks.loads import evenly
from scripts.benchmarks.rival import Rival
from scripts.benchmarks.server import ServerSound
from scripts.benchmarks.sound import LETTER_S, MIC_RATE_HZ, SINK_RATE_HZ, letter_of
from tests.virtual_audio import SINK_RATE_HZ as FEED_RATE_HZ
from tests.virtual_audio import Recording, VirtualAudio, speech_like, write_wav

SYLLABLE_S = 0.3
WHISPER = 0.02
"""About 120 RMS: a twentieth of what the parrot's ear takes for speech at most, and far above rounding."""
CHUNK_BYTES = 9600
"""200 ms: what Gemini sends, within a fifth."""
STARTED_WITHIN_S = 30.0
REPLY_WITHIN_S = 20.0
SPEAK_BEFORE_CUT_S = 0.8
PHASES_S = 0.2
"""Over so much the beginnings of the replies are spread: speech is noticed at the end of a block of the microphone's, so that
each would otherwise be cut at the same place of the blocks that the rival plays."""
SETTLE_S = 0.5
TURNS = 64
CUTS_UNDER_LOAD = {"antiphon": 4, "inside": 4, "cookbook": 5, "pipecat": 4}
"""So many times as many cuts in a session under a load, the more the more is chance in each: who plays 200 ms at once is silent
after anything between nothing and that. Ours hardly vary; there are many all the same, so that the worst of them is seen."""
SESSIONS_UNDER_LOAD = {"cookbook": 2, "original": 3, "livekit": 3}
"""So many whole sessions of those whose microphone's delay is settled by how its blocks and the load fall together at the start."""
SESSIONS_ALONE = {"pipecat": 2}
"""So many times as many sessions without a load of one whose silence drifts while it talks."""
SESSIONS_A_ROUND = 8
"""At most, of one rival under one load: each has its own number."""
CUTS_BY_TYPING = 2
"""Each has to be heard to its end before the next."""
DEAF_AFTER = 3
"""Interruptions in a row that were not heard: more of them would tell nothing new."""


@dataclass(frozen=True)
class Plan:
    """How much is done per cell."""

    reply_s: float = 6.0
    interruptions: int = 4
    sessions: int = 4
    """Without a load: what falls together when a rival starts (its loop, its devices' periods) stays so until it ends."""

    def cuts(self, arm: str, load: str, whole: int = 0) -> int:
        """Return how many interruptions of a rival are tried in a session, given how many whole ones were before."""
        if arm in DEAF_WHILE_SPEAKING:
            return 0 if whole else min(CUTS_BY_TYPING, self.interruptions)
        return self.interruptions * (1 if load == "none" else CUTS_UNDER_LOAD.get(arm, 1))

    def whole_sessions(self, arm: str, load: str) -> int:
        """Return in how many sessions a rival is heard out before it is interrupted."""
        return 1 if load == "none" else min(self.sessions, SESSIONS_UNDER_LOAD.get(arm, 1))

    def more_sessions(self, arm: str, load: str) -> int:
        """Return in how many sessions after those a rival is only interrupted."""
        if load != "none" or arm in DEAF_WHILE_SPEAKING:
            return 0
        return self.sessions * (SESSIONS_ALONE.get(arm, 1) if self.sessions > 1 else 1) - 1


@dataclass(frozen=True)
class Taken:
    """What was recorded of one cell. Times are monotonic."""

    reply_s: float
    cuts_tried: int
    events: list[dict[str, Any]]
    heard: ServerSound
    sink: list[tuple[float, bytes]]
    """Blocks of the loudspeaker's monitor: when each came, and its samples at `SINK_RATE_HZ`."""
    microphone: list[tuple[float, bytes]]
    """The same of what the microphone gave, at `MIC_RATE_HZ`."""
    is_prioritised: bool
    filters_voice: bool = False
    """The rival changes the microphone's sound, so that it cannot be told what of it arrived."""


def take(
    arm: str,
    load: str,
    reply_s: float,
    cuts: int,
    json_bytes: int,
    session: int = 0,
    *,
    only_cuts: bool = False,
) -> Taken:
    """Run one session. Raises RuntimeError or AssertionError when the rival does not come up."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ab-", dir="/tmp")))
        sound = stack.enter_context(VirtualAudio())
        environment = plain_environment(sound.env, secrets.token_urlsafe(16))
        server = stack.enter_context(serving(directory, script(reply_s, session), environment))
        sink = stack.enter_context(recording(sound, "speaker.monitor", SINK_RATE_HZ, SINK_BLOCK_MS))
        microphone = stack.enter_context(recording(sound, "micfeed.monitor", MIC_RATE_HZ))
        with running(arm, server, environment, directory) as rival:
            await_connection(arm, server, directory)
            is_prioritised = put_first(server)
            rival.load(load, json_bytes)
            time.sleep(SETTLE_S)
            cutter = rival if arm in DEAF_WHILE_SPEAKING else None
            voice = Voice(reply_s, sound, directory)
            if not only_cuts:
                _hear_out(voice, server, sink)
            if cutter is None:
                _cut(cuts, voice, server)
            else:
                _cut_by_typing(cuts, reply_s, cutter, server, sink)
        events, heard = server.events(), server.finish()
    return Taken(
        reply_s,
        cuts,
        events,
        heard,
        list(sink.blocks),
        list(microphone.blocks),
        is_prioritised,
        arm in FILTERS_VOICE,
    )


def await_connection(arm: str, server: Server, directory: Path) -> None:
    """Wait until a rival has connected and opened its microphone. Raises RuntimeError with its last words."""
    if not wait(lambda: server.events("setup"), STARTED_WITHIN_S):
        said = "\n".join(log.read_text()[-2000:] for log in directory.glob("*.log"))
        raise RuntimeError(f"{arm} did not connect within {STARTED_WITHIN_S:.0f} s\n{said}")
    time.sleep(2 * SETTLE_S)  # its microphone opens right after


def script(reply_s: float, session: int = 0) -> list[dict[str, Any]]:
    """Make the parrot's rules: each turn is answered by a tone of that length, low and high in turn, a little sooner or later."""
    letters = round(reply_s / LETTER_S)
    return [
        {
            "when": {"turn": turn},
            "do": {
                "reply": {
                    "text": letter_of(turn) * letters,
                    "chunk_bytes": CHUNK_BYTES,
                    "wait_s": waits_s(turn + TURNS * session),
                }
            },
        }
        for turn in range(1, TURNS + 1)
    ]


def waits_s(turn: int) -> float:
    """Return how long the model waits before its reply to a turn: as evenly spread, over any turns in a row, as can be."""
    return round(PHASES_S * evenly(turn), 3)


class Voice:
    """What the user says: a syllable and a whisper that is longer than a reply, or a syllable."""

    def __init__(self, reply_s: float, sound: VirtualAudio, directory: Path) -> None:
        syllable = speech_like(SYLLABLE_S, FEED_RATE_HZ)
        whisper = (speech_like(reply_s + 2, FEED_RATE_HZ) * WHISPER).astype(np.int16)
        pause = np.zeros(FEED_RATE_HZ // 5, np.int16)
        self._sound = sound
        self._long = write_wav(
            directory / "long.wav", np.concatenate([pause, syllable, whisper]), FEED_RATE_HZ
        )
        self._short = write_wav(
            directory / "short.wav", np.concatenate([pause, syllable, pause]), FEED_RATE_HZ
        )

    def ask(self) -> None:
        """Say a syllable."""
        with self._sound.speaking(self._short):
            pass

    def ask_and_whisper(self) -> None:
        """Say a syllable, and whisper while it is answered."""
        with self._sound.speaking(self._long):
            pass


def _hear_out(voice: Voice, server: Server, sink: Recording) -> None:
    voice.ask_and_whisper()
    wait(lambda: server.events("turn_complete"), REPLY_WITHIN_S)
    wait(lambda: is_quiet(sink), REPLY_WITHIN_S)


def _cut(cuts: int, voice: Voice, server: Server) -> None:
    unheard = 0
    for _ in range(cuts + 1):
        turns = len(asked(server.events()))
        voice.ask()
        is_heard = wait(partial(_has_more, server, turns), 5.0)
        unheard = 0 if is_heard else unheard + 1
        if unheard == DEAF_AFTER:
            return
        began_s = asked(server.events())[-1]["at_ns"] / 1e9 if is_heard else time.monotonic()
        time.sleep(max(0.0, began_s + SPEAK_BEFORE_CUT_S - time.monotonic()))


def _cut_by_typing(cuts: int, reply_s: float, cutter: Rival, server: Server, sink: Recording) -> None:
    """Begin and cut replies by typing; what is not dropped is heard to its end before the next."""
    for _ in range(cuts):
        for _ in ("ask", "cut"):
            turns = len(asked(server.events()))
            cutter.say("go on")
            wait(partial(_has_more, server, turns), 5.0)
            time.sleep(SPEAK_BEFORE_CUT_S)
        wait(lambda: is_quiet(sink), 3 * reply_s)


def _has_more(server: Server, turns: int) -> bool:
    return len(asked(server.events())) > turns


def asked(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the turns of the user, spoken or typed."""
    return [event for event in events if event["event"] in {"speech", "text"}]


def is_quiet(sink: Recording) -> bool:
    """Say whether nothing sounded for a second."""
    now = time.monotonic()
    recent = [block for came, block in sink.blocks[-200:] if came > now - 1]
    return not any(any(block) for block in recent)


def wait(condition: Callable[[], object], within_s: float) -> bool:
    """Return whether it came true in time: what does not come is a measurement here."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
