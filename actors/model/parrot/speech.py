"""Text to speech for replies: espeak-ng where it is installed, a melody elsewhere."""

import asyncio
import contextlib
import io
import logging
import shutil
import wave
from collections import OrderedDict
from typing import Literal

from actors.model.parrot import tones
from actors.model.parrot.pcm import REPLY_RATE_HZ, resample

Voice = Literal["auto", "espeak", "tones"]

MAX_CHARS = 2000
MAX_PCM_BYTES = 20 * REPLY_RATE_HZ * 2
CACHED_CLIPS = 16
ESPEAK_TIMEOUT_S = 10.0

log = logging.getLogger(__name__)


class SpeechError(Exception):
    """The synthesiser failed, with the reason."""


class Speech:
    """Makes speech, off the event loop, and remembers the last few clips."""

    def __init__(self, voice: Voice = "auto") -> None:
        self._espeak = None if voice == "tones" else shutil.which("espeak-ng")
        if voice == "espeak" and self._espeak is None:
            raise SpeechError('voice = "espeak" needs espeak-ng: install it, or set voice = "auto"')
        self._must_espeak = voice == "espeak"
        self._clips: OrderedDict[str, bytes] = OrderedDict()

    async def say(self, text: str) -> bytes:
        """Return the text spoken: 24 kHz int16 LE mono, at most 20 s. Raises SpeechError with voice "espeak" only."""
        text = text[:MAX_CHARS]
        if text not in self._clips:
            self._clips[text] = await self._make(text)
        self._clips.move_to_end(text)
        if len(self._clips) > CACHED_CLIPS:
            self._clips.popitem(last=False)
        return self._clips[text]

    async def _make(self, text: str) -> bytes:
        if self._espeak is not None:
            try:
                pcm, rate_hz = _read_wav(await _run_espeak(self._espeak, text))
                spoken = await asyncio.to_thread(resample, pcm, rate_hz, REPLY_RATE_HZ)
                return spoken[:MAX_PCM_BYTES]
            except (SpeechError, OSError) as error:
                if self._must_espeak:
                    raise SpeechError(str(error)) from error
                log.warning("speaking in tones: %s", error)
        return await asyncio.to_thread(tones.melody, text)


async def _run_espeak(program: str, text: str) -> bytes:
    """Return what espeak-ng made of the text: a WAV file. The text goes through stdin, so no argument can be made of it."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        program, "--stdin", "--stdout", stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        async with asyncio.timeout(ESPEAK_TIMEOUT_S):
            sound, complaint = await process.communicate(text.encode())
    except TimeoutError:
        raise SpeechError(f"espeak-ng took longer than {ESPEAK_TIMEOUT_S:.0f} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        reason = complaint.decode(errors="replace").strip()[:200]
        raise SpeechError(f"espeak-ng ended with {process.returncode}: {reason}")
    return sound


def _read_wav(sound: bytes) -> tuple[bytes, int]:
    """Return PCM and its rate in Hz. The size in the header of a piped WAV is made up, so frames are read to the end."""
    try:
        with wave.open(io.BytesIO(sound)) as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, 2):
                raise SpeechError("espeak-ng did not make 16-bit mono")
            return file.readframes(len(sound)), file.getframerate()
    except (wave.Error, EOFError) as error:
        raise SpeechError(f"espeak-ng did not make a WAV file: {error}") from error
