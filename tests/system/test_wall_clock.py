"""Somebody sets the wall clock in mid-conversation: nobody notices, and new connections are still trusted."""

import datetime as dt
import shutil
import struct
import subprocess
import time
from pathlib import Path

import pytest
import virtual_audio
from trees import wait_for
from virtual_audio import SINK_RATE_HZ, VirtualAudio, speech_like, write_wav
from voices import MIC_HZ, REPLY_HZ, compare, config, says_wav, talking, tell, wait_played

pytestmark = pytest.mark.skipif(bool(virtual_audio.why_not()), reason=virtual_audio.why_not() or "it can run")

SOURCES = Path(__file__).parents[1] / "clock_shift"
HOUR_S = 3600
SHIFTS_S = (HOUR_S, -HOUR_S)
SPOKEN_S = 5
PIECE_S = 0.8


class WallClock:
    """The clock of all processes that find `folder` first in their PYTHONPATH."""

    def __init__(self, folder):
        self.folder, self._offset = folder, folder / "offset"
        self.set(0)
        shutil.copy(SOURCES / "sitecustomize.py", folder)
        options = ["-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f'-DOFFSET_FILE="{self._offset}"']
        subprocess.run(["gcc", *options, "-o", folder / "shim.so", SOURCES / "shim.c", "-ldl"], check=True)

    def set(self, shift_s):
        """So many seconds later than it is. In place: the file is mapped."""
        with self._offset.open("r+b" if self._offset.exists() else "wb") as file:
            file.write(struct.pack("q", shift_s))


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    if shutil.which("gcc") is None:
        pytest.skip("compiling the shim takes gcc (apt install gcc libc6-dev)")
    return WallClock(tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="module")
def talk(clock, tmp_path_factory):
    path = tmp_path_factory.mktemp("replies")
    rules = [
        says_wav(path, "go", speech_like(SPOKEN_S, REPLY_HZ)),
        *({"when": {"text": f"cut {shift_s}"}, "do": {"reset": True}, "times": 1} for shift_s in SHIFTS_S),
    ]
    search = {"PYTHONPATH": str(clock.folder)}
    with VirtualAudio() as sound, talking(sound.env | search, rules, config(is_deaf=True)) as talk:
        talk.sound = sound
        yield talk


def states(talk):
    return {row["name"]: (row["pid"], row["restarts"], row["state"]) for row in talk.tree.status()["actors"]}


def test_a_clock_that_is_set_forth_and_back_is_not_heard_in_a_reply_nor_in_what_the_user_says(talk, clock):
    before, wav = states(talk), talk.tree.directory / "said.wav"
    write_wav(wav, speech_like(SPOKEN_S, SINK_RATE_HZ), SINK_RATE_HZ)
    for pid, _, _ in before.values():
        assert str(clock.folder / "shim.so") in Path(f"/proc/{pid}/maps").read_text()
    underruns = talk.row("speaker")["underruns"]
    with talk.sound.listening(SINK_RATE_HZ) as recording:
        began_s = time.monotonic()
        talk.say("go")
        with talk.sound.speaking(wav):
            for shift_s in (*SHIFTS_S, 0, HOUR_S):
                time.sleep(PIECE_S)
                clock.set(shift_s)
        talk.wait_turn("go")
        wait_played(recording, began_s)
    wait_for(lambda: not talk.state("is_streaming_output"), "the reply is over")

    alike, broken = compare(recording.samples, speech_like(SPOKEN_S, SINK_RATE_HZ), SINK_RATE_HZ)
    heard_alike, heard_broken = compare(talk.at_model(), speech_like(SPOKEN_S, MIC_HZ), MIC_HZ)
    tell(played=alike, played_broken=broken, heard=heard_alike, heard_broken=heard_broken)
    assert (broken, heard_broken) == (0, 0)
    assert talk.row("speaker")["underruns"] == underruns
    assert states(talk) == before
    assert [event["connection"] for event in talk.tree.events("setup")] == [1], "nothing was disconnected"


@pytest.mark.parametrize("shift_s", SHIFTS_S)
def test_a_connection_that_is_made_at_another_time_is_trusted_like_the_first(talk, clock, shift_s):
    before, connections = states(talk), len(talk.tree.events("setup"))
    clock.set(shift_s)
    talk.say(f"cut {shift_s}")
    talk.wait_turn(f"cut {shift_s}")
    assert len(talk.tree.events("setup")) == connections + 1
    talk.tree.wait_ready()

    assert states(talk) == before
    told = (talk.tree.log_root / "test" / "session.log").read_text().splitlines()
    stamps = [line[:19] for line in told if line[:2] == "20"]
    at = dt.datetime.now() + dt.timedelta(seconds=shift_s)  # noqa: DTZ005 - logs are in local time
    assert abs(dt.datetime.fromisoformat(stamps[-1]) - at) < dt.timedelta(minutes=10), "it was another time"
