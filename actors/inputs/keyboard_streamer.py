"""`KeyboardInputStreamer`: the user's lines. In a session it is the keyboard's own process; alone it reads stdin here."""

import asyncio
import os
import sys
from typing import Any, ClassVar

from actors.inputs.base import BaseInputStreamer

DEFAULT_QUIT_CMD = "/quit"
LOOK_S = 0.1
READ_BYTES = 65_536


class KeyboardInputStreamer(BaseInputStreamer):
    """Reads what the user types, line by line.

    Attributes:
        quit_cmd (str): The line that ends the conversation.

    """

    actor_kind: ClassVar[str] = "keyboard"

    def __init__(self, quit_cmd: str = DEFAULT_QUIT_CMD) -> None:
        self.quit_cmd = quit_cmd
        self._rest = b""

    def actor_table(self) -> dict[str, Any]:
        """Return what the keyboard's process is told."""
        return {"quit": self.quit_cmd}

    async def stream_input(self) -> None:
        """Put every line on the queue until the quit command, the end of the input, or the end of the conversation."""
        assert self.state is not None
        assert self.input_queue is not None
        descriptor = sys.stdin.fileno()
        while not await self.state.get_terminated():
            if not await _is_readable(descriptor):
                continue
            data = os.read(descriptor, READ_BYTES)
            *lines, self._rest = (self._rest + data).split(b"\n")
            if not data and self._rest:
                lines, self._rest = [self._rest], b""
            for line in lines:
                text = line.decode(errors="replace").strip()
                if text == self.quit_cmd:
                    await self.state.set_terminated(True)
                    return
                if text:
                    await self.input_queue.put({"text": text})
            if not data:
                return


async def _is_readable(descriptor: int) -> bool:
    """Wait a moment for input; without a thread, so that nothing is left behind that would eat the next line."""
    loop = asyncio.get_running_loop()
    came = asyncio.Event()
    try:
        loop.add_reader(descriptor, came.set)
    except PermissionError:  # a plain file: always readable
        return True
    try:
        await asyncio.wait_for(came.wait(), LOOK_S)
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
    return True
