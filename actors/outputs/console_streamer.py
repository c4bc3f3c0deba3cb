"""`ConsoleOutputStreamer`: transcripts for the user to read. In a session it is the console's own process."""

import sys
from typing import ClassVar

from actors.outputs.base import BaseOutputStreamer, Data
from actors.outputs.transcript import Labels, Transcript
from actors.wire import ConsoleMode


class ConsoleOutputStreamer(BaseOutputStreamer):
    """Prints what the user was heard to say and what the model answers."""

    actor_kind: ClassVar[str] = "console"
    is_heard: ClassVar[bool] = False

    def __init__(self) -> None:
        self._transcript: Transcript | None = None

    async def handle(self, data: Data) -> None:
        """Print text; audio is none of its business. `console_mode` says whose words are on the screen."""
        transcript = self._transcript = self._transcript or Transcript(
            Labels(), is_terminal=sys.stdout.isatty()
        )
        match data:
            case {"input_text": text}:
                await self._mode("user")
                self._print(transcript.user(text))
            case {"output_text": text}:
                await self._mode("assistant")
                self._print(transcript.assistant(text))
            case {"text_complete": _}:
                self._print(transcript.complete())
                await self._mode("input")
            case {"interrupted": _}:
                self._print(transcript.interrupted())
                await self._mode("input")

    async def close(self) -> None:
        """Finish the open line."""
        if self._transcript is not None:
            self._print(self._transcript.end_line())

    async def _mode(self, mode: ConsoleMode) -> None:
        if self.state is not None and self.state.console_mode != mode:
            await self.state.set_console_mode(mode)

    def _print(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
