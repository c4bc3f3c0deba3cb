"""Streamers of your own, beside built-in ones: a clock that says something, and a transcript in a file.

python scripts/examples/own_streamers.py transcript.txt
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from actors import BaseInputStreamer, BaseOutputStreamer, ConsoleOutputStreamer, GoogleRealtimeSession

MODEL = "gemini-2.5-flash-native-audio-preview-12-2025"


class Countdown(BaseInputStreamer):
    """Counts down aloud. When every source has ended, the conversation ends after the last reply."""

    async def stream_input(self) -> None:
        """Say a line every second."""
        assert self.input_queue is not None
        for word in ("three", "two", "one"):
            await self.input_queue.put({"text": word})
            await asyncio.sleep(1)


class Transcript(BaseOutputStreamer):
    """Writes what the model says into a file."""

    is_heard = False  # nobody listens to a file: the microphone need not wait for it

    def __init__(self, path: Path) -> None:
        self.file = path.open("w")

    async def handle(self, data: dict[str, Any]) -> None:
        """Take text; there is audio in `data["audio"]` too."""
        self.file.write(data.get("output_text", ""))
        if "text_complete" in data:
            self.file.write("\n")

    async def close(self) -> None:
        """Write the rest."""
        self.file.close()


async def main() -> None:
    """Run until the countdown is over."""
    session = GoogleRealtimeSession(model_name=MODEL, config={"model": {"provider": "auto"}})
    transcript = Transcript(Path(sys.argv[1] if len(sys.argv) > 1 else "transcript.txt"))
    await session.start([Countdown()], [ConsoleOutputStreamer(), transcript])


if __name__ == "__main__":
    asyncio.run(main())
