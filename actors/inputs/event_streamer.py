"""`EventInputStreamer`: for programs that are told what the user says (a web server, a robot) instead of asking for it."""

import asyncio
from typing import Any

from actors.inputs.base import BaseInputStreamer, Item
from actors.state import GoogleIOStreamerState


class EventInputStreamer(BaseInputStreamer):
    """Push what the user says, from anywhere on the conversation's event loop.

    Each `send_…` waits until the conversation is there and the item has room; afterwards it raises `ConversationOverError`.
    """

    def __init__(self) -> None:
        self._is_open = asyncio.Event()
        self._is_over = asyncio.Event()

    async def initialize(self, state: GoogleIOStreamerState, input_queue: "asyncio.Queue[Item]") -> None:
        """Let those go on who wait to send."""
        await super().initialize(state, input_queue)
        self._is_open.set()

    async def send_text(self, text: str) -> None:
        """Say a line as if it were typed: it reaches the model exactly once, and cuts a reply that is being spoken."""
        await self._send({"text": text})

    async def send_audio(self, pcm: bytes, rate_hz: int = 16_000) -> None:
        """Stream a piece of the user's voice: int16, little-endian, mono, as it is spoken."""
        await self._send({"audio": {"data": pcm, "mime_type": f"audio/pcm;rate={rate_hz}"}})

    async def send_picture(self, jpeg: bytes) -> None:
        """Show the model a picture, or the next frame of a video; a newer one takes the place of one that still waits."""
        await self._send({"video": {"data": jpeg, "mime_type": "image/jpeg"}})

    async def interrupt(self) -> None:
        """Cut the reply short, as Enter does at a terminal."""
        await self._send({"interrupt": True})

    async def end(self) -> None:
        """Say that nothing more comes: a conversation without other sources ends when the last reply was heard."""
        self._is_over.set()

    async def stream_input(self) -> None:
        """Last until `end` or the end of the conversation."""
        await self._is_over.wait()

    async def close(self) -> None:
        """Turn away those who still wait to send."""
        self._is_over.set()
        self._is_open.set()

    async def _send(self, item: dict[str, Any]) -> None:
        await self._is_open.wait()
        if self._is_over.is_set() or self.input_queue is None:
            raise ConversationOverError("the conversation is over; start another one to say more")
        await self.input_queue.put(item)


class ConversationOverError(Exception):
    """Nobody listens any more."""
