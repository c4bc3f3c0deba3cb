"""`BaseOutputStreamer`: what gets the model's replies. Subclass it for a destination of your own."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from actors.state import GoogleIOStreamerState

Data = dict[str, Any]
"""One of {"audio": bytes} (24 kHz, int16, mono), {"input_text": str}, {"output_text": str}, {"text_complete": True},
{"interrupted": True}."""


class BaseOutputStreamer(ABC):
    """A destination of what the model says.

    Attributes:
        state (GoogleIOStreamerState | None): The state of the conversation, once initialized.

    """

    actor_kind: ClassVar[str] = ""
    """Kind of the actor process that does this work in a session; empty: it is done in the caller's process."""

    is_heard: ClassVar[bool] = True
    """Whether the user hears the audio this one is given: the reply then counts as being spoken for as long as it lasts,
    however quickly `handle` takes it. False for a recorder."""

    state: GoogleIOStreamerState | None = None

    async def initialize(self, state: GoogleIOStreamerState) -> None:
        """Get ready; called once, before `handle`. What it raises ends the conversation."""
        self.state = state

    @abstractmethod
    async def handle(self, data: Data) -> None:
        """Take the next piece: audio as it came from the model (mostly faster than it sounds), or text.

        After {"interrupted": True} what was given before and has not sounded yet must not be heard any more.
        """
        raise NotImplementedError

    async def close(self) -> None:  # noqa: B027 - many have nothing to close
        """Clean up; called once, when the conversation is over, whatever ended it."""

    def actor_table(self) -> dict[str, Any]:
        """Return the options of the actor process that does this work, as they would stand in a configuration."""
        return {}
