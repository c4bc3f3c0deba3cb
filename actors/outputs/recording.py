"""A conversation on disk: what was said to the model, what was heard of its replies, and the words of both."""

import os
import time
from pathlib import Path

import msgspec

from actors.devices.wavfile import SAMPLE_BYTES, WavWriter

INPUT_RATE_HZ = 16_000
OUTPUT_RATE_HZ = 24_000


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of `transcript.jsonl`. Times are seconds since the recording began."""

    at_s: float
    who: str
    """user | assistant | notice"""
    text: str = ""
    typed: bool = False
    wav: str = ""
    """The file that holds it as sound, from `start_s` to `end_s` of that file."""
    start_s: float = 0.0
    end_s: float = 0.0
    interrupted: bool = False
    """The user cut it; the sound stops where it was cut, the text may go on."""


class Recording:
    """`input.wav` (16 kHz), `output.wav` (24 kHz) and `transcript.jsonl` in a directory of their own."""

    def __init__(self, directory: Path) -> None:
        """Make the directory. Raises `OSError`."""
        directory.mkdir(mode=0o700, parents=True)
        self._began_s = time.monotonic()
        self._input = WavWriter(directory / "input.wav", INPUT_RATE_HZ)
        self._output = WavWriter(directory / "output.wav", OUTPUT_RATE_HZ)
        self._log = os.open(
            directory / "transcript.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        self._half = b""
        self._user_text = self._reply_text = ""
        self._user_start = 0
        self._reply_start = 0
        self._reply_at_s: float | None = None

    def voice(self, pcm_16k: bytes) -> None:
        """The user's voice, as it went to the model."""
        self._input.write(pcm_16k)

    def understood(self, text: str) -> None:
        """A piece of what the model understood."""
        self._user_text += text

    def typed(self, text: str) -> None:
        """A line the user typed."""
        self._write(Entry(self._now_s(), "user", text, typed=True))

    def speech(self, pcm_24k: bytes) -> None:
        """A slice of the reply; a sample may be split over two slices."""
        self._begin_reply()
        pcm = self._half + pcm_24k
        whole = len(pcm) - len(pcm) % SAMPLE_BYTES
        self._output.write(pcm[:whole])
        self._half = pcm[whole:]

    def said(self, text: str) -> None:
        """A piece of the reply's words."""
        self._begin_reply()
        self._reply_text += text

    def notice(self, text: str) -> None:
        """What the user was told about the conversation itself."""
        self._write(Entry(self._now_s(), "notice", text))

    def turn_over(self) -> None:
        """The reply is complete."""
        self._end_user()
        self._end_reply(interrupted=False)

    def interrupted(self, heard_ms: int | None) -> None:
        """The reply was cut; without a speaker nobody knows how much was heard."""
        self._end_user()
        if heard_ms is not None and self._reply_at_s is not None:
            self._output.truncate(self._reply_start + heard_ms * OUTPUT_RATE_HZ // 1000)
        self._end_reply(interrupted=True)

    def close(self) -> None:
        """Write what is open, and close."""
        self.turn_over()
        self._input.close()
        self._output.close()
        os.close(self._log)

    def _now_s(self) -> float:
        return round(time.monotonic() - self._began_s, 3)

    def _begin_reply(self) -> None:
        self._end_user()
        if self._reply_at_s is None:
            self._reply_at_s = self._now_s()
            self._reply_start = self._output.samples

    def _end_user(self) -> None:
        if not self._user_text:
            return
        start_s, end_s = self._user_start / INPUT_RATE_HZ, self._input.samples / INPUT_RATE_HZ
        text = self._user_text.strip()
        self._write(Entry(self._now_s(), "user", text, wav="input.wav", start_s=start_s, end_s=end_s))
        self._user_text, self._user_start = "", self._input.samples

    def _end_reply(self, *, interrupted: bool) -> None:
        if self._reply_at_s is None:
            return
        start_s, end_s = self._reply_start / OUTPUT_RATE_HZ, self._output.samples / OUTPUT_RATE_HZ
        has_sound = end_s > start_s
        self._write(
            Entry(
                self._reply_at_s,
                "assistant",
                self._reply_text.strip(),
                wav="output.wav" if has_sound else "",
                start_s=start_s if has_sound else 0.0,
                end_s=end_s if has_sound else 0.0,
                interrupted=interrupted,
            )
        )
        self._reply_text, self._half, self._reply_at_s = "", b"", None

    def _write(self, entry: Entry) -> None:
        os.write(self._log, msgspec.json.encode(entry) + b"\n")
