"""The line being typed: bytes of keys in, submitted lines and bytes for the terminal out. Pure.

How this works: bytes become tokens (one character, or one whole escape sequence), tokens change a list of *cells* (a
printable character with the marks that sit on it), and `render` lays the cells out in rows itself and sends only the rows
that changed. Rows are ended by us, never by the terminal's own wrapping, so their number is known even where a terminal
thinks differently about a character's width, and `erase` removes exactly them.

A paste becomes one line: its newlines and tabs turn into spaces, so that a pasted paragraph is one turn.
"""

from collections import deque
from typing import Final

import msgspec

from actors.inputs.edited_line import (
    COMMANDS,
    MAX_CHARACTERS,
    EditedLine,
    character_columns,
    columns,
    is_control,
)
from actors.inputs.keys import Keys
from actors.inputs.paint import Screen, lay_out, repaint, vertical

PASTE_GAPS: Final = frozenset("\t\r\n\v\f\x85\u2028\u2029")
PASTE_BEGINS: Final = "\x1b[200~"
PASTE_ENDS: Final = "\x1b[201~"


class Submitted(msgspec.Struct, frozen=True):
    """The user pressed Enter on a line that is not blank; `text` is as typed."""

    text: str


class EndOfInput(msgspec.Struct, frozen=True):
    """The user pressed Ctrl-D on an empty line."""


Event = Submitted | EndOfInput


RECALLS: Final = {"\x1b[A": 1, "\x1bOA": 1, "\x1b[B": -1, "\x1bOB": -1}


class LineEditor:
    """What the user is typing, with history.

    `feed` never touches the screen, so it also serves while somebody else owns the terminal; `render` paints the present
    line over what it painted before, `erase` and `submit_echo` take that away again.
    """

    def __init__(self, history_size: int = 100) -> None:
        self._tokens = Keys()
        self._line = EditedLine()
        self._is_pasting = False
        self._is_paste_gap = False
        self._history: deque[str] = deque(maxlen=history_size)
        self._recalled = 0
        self._draft = ""
        self._painted: Screen | None = None
        self._clears_screen = False

    @property
    def text(self) -> str:
        """Return the line as typed so far."""
        return "".join(self._line.cells)

    @property
    def refused(self) -> int:
        """Return how many characters this line refused because it already holds `MAX_CHARACTERS`; 0 on a new line."""
        return self._line.refused

    def feed(self, data: bytes) -> list[Event]:
        """Take keys as the terminal sent them, cut anywhere, and return what they completed. Never raises."""
        return [event for key in self._tokens.feed(data) if (event := self._take(key))]

    def restore(self, text: str) -> None:
        """Begin with a line that an earlier editor was left with; the cursor stands behind it."""
        self._line = EditedLine(text)

    def settle(self) -> None:
        """Forget a begun escape sequence: call when a moment passed without keys, so a lone Escape eats no letter."""
        self._tokens.settle()

    def render(self, prompt: str, width: int, max_rows: int = 8) -> bytes:
        """Return what paints prompt and line; the first time from column 0 of a clean line, afterwards only the changes.

        Of a line that needs more than `max_rows` rows, those around the cursor are shown.
        """
        old, new = self._painted, lay_out(prompt, self._line, max(width, 2), max(max_rows, 1))
        first = ""
        if old is None or self._clears_screen or old.width != new.width:
            first = "\x1b[H\x1b[2J" if self._clears_screen else self.erase(width).decode()
            old = Screen([""], 0, "", new.width)
        self._painted, self._clears_screen = new, False
        return (first + repaint(old, new)).encode()

    def erase(self, width: int | None = None) -> bytes:
        """Return what removes the painted block and leaves the cursor where the prompt began; b"" if nothing is painted.

        `width` is the terminal's present width, for a terminal that was resized (and re-wrapped its lines) since.
        """
        old, self._painted, self._clears_screen = self._painted, None, False
        if old is None:
            return b""
        width = max(width or old.width, 1)
        above = sum(max(1, -(-columns(row) // width)) for row in old.rows[: old.cursor_row])
        return f"{vertical(above + columns(old.before) // width, 0)}\r\x1b[J".encode()

    def submit_echo(self, prompt: str, text: str) -> bytes:
        """Return what replaces the painted block by the submitted line, which stays; the next `render` paints below it."""
        line = "".join(EditedLine(prompt).cells + EditedLine(text).cells)
        return self.erase() + f"{line}\r\n".encode()

    def _take(self, key: str) -> Event | None:
        if key in {PASTE_BEGINS, PASTE_ENDS}:
            self._is_pasting, self._is_paste_gap = key == PASTE_BEGINS, False
        elif self._is_pasting:
            self._paste(key)
        elif key in {"\r", "\n"}:
            return self._submit()
        elif key == "\x04" and not self._line.cells:
            return EndOfInput()
        else:
            self._edit(key)
        return None

    def _edit(self, key: str) -> None:
        if key == "\x04":
            self._line.delete()
        elif key == "\f":
            self._clears_screen = self._painted is not None
        elif key in RECALLS:
            self._recall(RECALLS[key])
        elif key in COMMANDS:
            COMMANDS[key](self._line)
        elif len(key) == 1:
            self._line.insert(key)

    def _paste(self, key: str) -> None:
        if key in PASTE_GAPS:
            # Kept until text follows: a copied line's own newline must not end as a blank.
            self._is_paste_gap = True
        elif len(key) == 1 and not is_control(key):
            before = self._line.cells[: self._line.cursor][-1:]
            if self._is_paste_gap and before and not (before[0].isspace() or key.isspace()):
                self._line.insert(" ")
            self._is_paste_gap = False
            self._line.insert(key)

    def _submit(self) -> Submitted | None:
        text, self._line, self._recalled = self.text, EditedLine(), 0
        if not text.strip():
            return None
        if not self._history or self._history[-1] != text:
            self._history.append(text)
        return Submitted(text)

    def _recall(self, steps_back: int) -> None:
        wanted = self._recalled + steps_back
        if not 0 <= wanted <= len(self._history):
            return
        if self._recalled == 0:
            self._draft = self.text
        self._recalled = wanted
        self._line = EditedLine(self._history[-wanted] if wanted else self._draft)


__all__ = [
    "MAX_CHARACTERS",
    "EndOfInput",
    "Event",
    "LineEditor",
    "Submitted",
    "character_columns",
    "columns",
]
