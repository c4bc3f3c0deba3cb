"""What the trial conversation is made of: its configuration, the parrot's script, and the voice that its microphone hears."""

import math
import wave
from array import array
from pathlib import Path

import msgspec

NAME = "selftest"
VOICE_RATE_HZ = 16_000
QUIET_S, VOICE_S = 0.3, 1.0
LONG_REPLY_S = 60

CONFIG = """\
[session]
name = "{name}"
duplex = "headset"
[model]
provider = "parrot"
[actors.keyboard]
[actors.console]
[actors.mic]
enabled = true
device = "file:{directory}/voice.wav"
[actors.speaker]
enabled = true
device = "file:{directory}/heard.wav"
[actors.parrot]
voice = "tones"
journal = "{directory}/journal.jsonl"
script = "{directory}/script.json"
[supervision]
max_restarts = 100
"""

SHORTLY = {"reply": {"seconds": 0.2}}
RULES = [
    {"when": {"text": "cut me off"}, "do": {"reset": True} | SHORTLY, "times": 1},
    {"when": {"connection": 2}, "do": {"refuse": {"status": 503}}},
    {"when": {"text": "go away"}, "do": {"go_away": {"time_left_s": 3}} | SHORTLY, "times": 1},
    {"when": {"text": "close with an error"}, "do": {"close": {"code": 1011}} | SHORTLY, "times": 1},
    {"when": {"text": "wait a second"}, "do": {"stall": {"for_s": 1}} | SHORTLY, "times": 1},
    {"when": {"text": "talk nonsense"}, "do": {"raw": {"text": "{nonsense"}} | SHORTLY, "times": 1},
    {"when": {"contains": "after the"}, "do": SHORTLY},
    {"when": {"text": "talk at length"}, "do": {"reply": {"seconds": LONG_REPLY_S, "delay_s": 0.1}}},
]
"""Connection 2 is the one after `cut me off`: the model cannot be reached at once."""


def build(directory: Path) -> Path:
    """Write everything into the directory and return the configuration."""
    (directory / "script.json").write_bytes(msgspec.json.encode(RULES))
    write_voice(directory / "voice.wav")
    config = directory / "selftest.toml"
    config.write_text(CONFIG.format(name=NAME, directory=directory))
    return config


def is_loud(path: Path, from_byte: int = 0) -> bool:
    """Whether the recording has more than silence behind that byte."""
    with path.open("rb") as file:
        file.seek(max(44, from_byte))
        sound = file.read()
    return any(abs(sample) > 100 for sample in array("h", sound[: len(sound) & ~1]))


def write_voice(path: Path) -> None:
    """A quiet moment, then a tone that comes and goes four times a second."""
    steps = range(int(VOICE_S * VOICE_RATE_HZ))
    voice = [_sample(step / VOICE_RATE_HZ) for step in steps]
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, VOICE_RATE_HZ, 0, "NONE", ""))
        file.writeframes(bytes(2 * int(QUIET_S * VOICE_RATE_HZ)) + array("h", voice).tobytes())


def _sample(at_s: float) -> int:
    loudness = 0.4 + 0.6 * abs(math.sin(2 * math.pi * 2 * at_s))
    return int(6000 * loudness * math.sin(2 * math.pi * 220 * at_s))
