"""`BaseInputStreamer`: what says something to the model. Subclass it for a source of your own."""

import asyncio
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from actors.state import GoogleIOStreamerState

Item = dict[str, Any]
"""The keyword arguments of the SDK's `send_realtime_input`: {"text": str},
{"audio": {"data": bytes, "mime_type": "audio/pcm;rate=16000"}}, {"video": {"data": bytes, "mime_type": "image/jpeg"}};
and {"interrupt": True}, which cuts the reply short."""


class BaseInputStreamer(ABC):
    """A source of what the user says.

    Attributes:
        state (GoogleIOStreamerState | None): The state of the conversation, once initialized.
        input_queue (asyncio.Queue | None): Put the items here that the model shall get, once initialized.

    """

    actor_kind: ClassVar[str] = ""
    """Kind of the actor process that does this work in a session; empty: it is done in the caller's process."""

    state: GoogleIOStreamerState | None = None
    input_queue: "asyncio.Queue[Item] | None" = None

    async def initialize(self, state: GoogleIOStreamerState, input_queue: "asyncio.Queue[Item]") -> None:
        """Get ready; called once, before `stream_input`. What it raises ends the conversation."""
        self.state = state
        self.input_queue = input_queue

    @abstractmethod
    async def stream_input(self) -> None:
        """Put items on `input_queue` until the source is exhausted or `await state.get_terminated()`.

        A conversation whose sources are all exhausted ends when the last reply was heard.
        """
        raise NotImplementedError

    async def close(self) -> None:  # noqa: B027 - many have nothing to close
        """Clean up; called once, when the conversation is over, whatever ended it."""

    def actor_table(self) -> dict[str, Any]:
        """Return the options of the actor process that does this work, as they would stand in a configuration."""
        return {}
