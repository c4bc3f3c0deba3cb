"""One reply on its way out: pieces of transcript between slices of sound, at a pace, and then the wait for its playback."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from actors.model.parrot import server_messages as say
from actors.model.parrot.outlet import Outlet
from actors.model.parrot.pcm import REPLY_RATE_HZ, cut, seconds

FIRST_CHUNK_BYTES = 9600
CHUNK_BYTES = 11520
PIECES = 4


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to say, and how."""

    text: str
    pcm: bytes | None
    """The reply spoken, 24 kHz int16 LE mono; None = the reply is written."""
    transcribed: bool = False
    held: bool = False
    """The turn lasts until playback in real time would be over."""
    speed: float = 0.0
    """Times real time; 0 = as fast as possible."""
    delay_s: float | None = None
    """Between chunks, instead of `speed`."""
    at_once_s: float = 0.0
    """How much sound is sent before the pace of `speed` begins."""
    chunk_bytes: int | None = None
    wait_s: float = 0.0
    """Before the first of it is sent."""


class ReplyInProgress:
    """One reply being sent, and how much of it has been: what an interruption leaves in the history."""

    def __init__(self, plan: Plan, outlet: Outlet, on_chunk: Callable[[int], Awaitable[None]]) -> None:
        self._plan = plan
        self._outlet = outlet
        self._on_chunk = on_chunk
        self._sent_bytes = 0
        self._said: list[str] = []

    @property
    def said(self) -> str:
        """The text sent so far."""
        return "".join(self._said)

    @property
    def audio_s(self) -> float:
        """Seconds of sound sent so far."""
        return seconds(self._sent_bytes, REPLY_RATE_HZ)

    async def run(self) -> None:
        """Send it all, then generationComplete, then hold. Cancel it to interrupt."""
        plan, clock = self._plan, asyncio.get_running_loop()
        await asyncio.sleep(plan.wait_s)
        began_s = clock.time()
        pieces = split(plan.text, PIECES)
        chunks = cut(plan.pcm or b"", plan.chunk_bytes or FIRST_CHUNK_BYTES, plan.chunk_bytes or CHUNK_BYTES)
        for number, chunk in enumerate(chunks, start=1):
            await self._say(pieces[len(self._said) : pieces_due(number, len(chunks), len(pieces))])
            await self._outlet.send(say.audio(chunk))
            self._sent_bytes += len(chunk)
            await self._on_chunk(number)
            await asyncio.sleep(self._pause_s(clock.time() - began_s))
        await self._say(pieces[len(self._said) :])
        await self._outlet.send(say.generation_complete())
        if plan.held:
            await asyncio.sleep(self.audio_s - (clock.time() - began_s))

    async def _say(self, pieces: list[str]) -> None:
        for piece in pieces:
            self._said.append(piece)
            if self._plan.pcm is None:
                await self._outlet.send(say.text(piece))
            elif self._plan.transcribed:
                await self._outlet.send(say.spoken(piece))

    def _pause_s(self, elapsed_s: float) -> float:
        if self._plan.delay_s is not None:
            return self._plan.delay_s
        paced_s = max(0.0, self.audio_s - self._plan.at_once_s)
        return max(0.0, paced_s / self._plan.speed - elapsed_s) if self._plan.speed else 0.0


def split(text: str, pieces: int) -> list[str]:
    """Return the text in at most so many pieces, between words, with nothing lost."""
    words = text.split(" ")
    words = [word + " " for word in words[:-1]] + words[-1:]
    size = max(1, -(-len(words) // pieces))
    return [piece for start in range(0, len(words), size) if (piece := "".join(words[start : start + size]))]


def pieces_due(chunk: int, chunks: int, pieces: int) -> int:
    """Return how many pieces of the transcript belong before the chunk of that number (from 1) has ended."""
    return -(-chunk * pieces // chunks)
