"""The line being typed, on the screen: painted while the terminal is ours, and taken away before it is somebody else's."""

import contextlib
from pathlib import Path

from actors.devices import terminal
from actors.inputs.draft import Draft
from actors.inputs.line_editor import LineEditor

PROMPT = "You: "
MAX_ROWS = 8


class Prompt:
    """Paints the editor's line, and our own words above it. Without a screen it does nothing.

    What is painted, or would be if the terminal were ours, is kept as a draft for the next keyboard.
    """

    def __init__(self, screen: terminal.Output | None, draft: Path) -> None:
        self.editor = LineEditor()
        self._draft = Draft(draft) if screen is not None else None
        self._has_remains = self._draft is not None and self._draft.has_predecessor
        if self._draft is not None:
            self.editor.restore(self._draft.text)
        self.is_ours = False
        """Whether nobody else writes to the terminal."""
        self._screen = screen

    def take(self) -> None:
        """The terminal is ours. What a killed predecessor left in the row of the cursor goes."""
        self.is_ours = True
        if self._has_remains:
            self._has_remains = False
            self._write(b"\r\x1b[J")
        self.paint()

    def give_up(self) -> None:
        """The terminal is somebody else's from now on."""
        self.erase()
        self.is_ours = False

    def paint(self) -> None:
        """Show the line as it is now."""
        if self._draft is not None:
            self._draft.keep(self.editor.text)
        if self._screen is not None and self.is_ours:
            rows = max(1, min(MAX_ROWS, self._screen.height() - 1))
            self._write(self.editor.render(PROMPT, self._screen.width(), rows))

    def erase(self) -> None:
        """Take away what was painted."""
        if self._screen is not None and self.is_ours:
            self._write(self.editor.erase(self._screen.width()))

    def echo(self, text: str) -> bool:
        """Leave a line that was submitted on the screen. False when the screen is not ours."""
        if self.is_ours:
            self._write(self.editor.submit_echo(PROMPT, text))
        return self.is_ours

    def tell(self, text: str) -> bool:
        """Show words of ours above the line. False when there is no screen, or it is not ours."""
        if self._screen is None or not self.is_ours:
            return False
        self.erase()
        self._write("".join(f"\x1b[2m{line}\x1b[0m\r\n" for line in text.splitlines()).encode())
        self.paint()
        return True

    def close(self) -> None:
        """Take away what was painted; the line stays for the next incarnation."""
        self.erase()
        if self._draft is not None:
            self._draft.close()
            self._draft = None

    def _write(self, data: bytes) -> None:
        if self._screen is not None:
            with contextlib.suppress(
                terminal.OutputGone, terminal.OutputStalled
            ):  # reading the keys will tell
                self._screen.write(data)
