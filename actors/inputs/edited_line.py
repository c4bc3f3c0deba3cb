"""The line under the cursor: cells (a character with the marks that sit on it), and what keys do to them. Pure."""

import functools
import unicodedata
from collections.abc import Callable
from typing import Final

MAX_CHARACTERS: Final = 8000


@functools.lru_cache(maxsize=1024)
def character_columns(character: str) -> int:
    """Return how many terminal columns a printable character takes: 0 for marks that sit on another, 1 or 2."""
    if "\u1160" <= character <= "\u11ff":  # Hangul vowels and finals join the syllable before them
        return 0
    if unicodedata.category(character) in {"Mn", "Me", "Cf"} and character != "\xad":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def columns(text: str) -> int:
    """Return how many terminal columns printable text takes."""
    return len(text) if text.isascii() else sum(map(character_columns, text))


class EditedLine:
    """Cells and a cursor between them; every cell begins with a character that takes columns."""

    def __init__(self, text: str = "") -> None:
        self.cells: list[str] = []
        self.cursor = 0
        self.refused = 0
        self._length = 0
        for character in text:
            self.insert(character)

    def insert(self, character: str) -> None:
        """Insert a printable character; a control character, and a mark with nothing to sit on, are ignored."""
        if is_control(character):
            return
        if character in "\u2028\u2029":  # line breaks to whoever splits the text into lines
            character = " "
        if self._length >= MAX_CHARACTERS:
            self.refused += 1
        elif character_columns(character):
            self.cells.insert(self.cursor, character)
            self.cursor += 1
            self._length += 1
        elif self.cursor:
            self.cells[self.cursor - 1] += character
            self._length += 1

    def backspace(self) -> None:
        """Take away the cell before the cursor."""
        self._cut(max(self.cursor - 1, 0), self.cursor)

    def delete(self) -> None:
        """Take away the cell under the cursor."""
        self._cut(self.cursor, self.cursor + 1)

    def kill_to_start(self) -> None:
        """Take away everything before the cursor."""
        self._cut(0, self.cursor)

    def kill_to_end(self) -> None:
        """Take away everything from the cursor on."""
        self._cut(self.cursor, len(self.cells))

    def kill_word(self) -> None:
        """Take away the word before the cursor."""
        start = self._back_over(str.isspace, self.cursor)
        self._cut(self._back_over(lambda cell: not cell[0].isspace(), start), self.cursor)

    def home(self) -> None:
        """Go to the start."""
        self.cursor = 0

    def end(self) -> None:
        """Go to the end."""
        self.cursor = len(self.cells)

    def left(self) -> None:
        """Go back one cell."""
        self.cursor = max(self.cursor - 1, 0)

    def right(self) -> None:
        """Go on one cell."""
        self.cursor = min(self.cursor + 1, len(self.cells))

    def word_left(self) -> None:
        """Go to the start of the word."""
        word_end = self._back_over(lambda cell: not _is_word(cell), self.cursor)
        self.cursor = self._back_over(_is_word, word_end)

    def word_right(self) -> None:
        """Go behind the end of the word."""
        count = len(self.cells)
        while self.cursor < count and not _is_word(self.cells[self.cursor]):
            self.cursor += 1
        while self.cursor < count and _is_word(self.cells[self.cursor]):
            self.cursor += 1

    def _back_over(self, belongs: Callable[[str], bool], position: int) -> int:
        while position and belongs(self.cells[position - 1]):
            position -= 1
        return position

    def _cut(self, start: int, end: int) -> None:
        self._length -= sum(map(len, self.cells[start:end]))
        del self.cells[start:end]
        self.cursor = start
        if not self.cells:
            self.refused = 0


def is_control(character: str) -> bool:
    """Whether a terminal would obey the character instead of showing it."""
    return unicodedata.category(character) == "Cc"


def _is_word(cell: str) -> bool:
    return cell[0].isalnum()


COMMANDS: Final[dict[str, Callable[[EditedLine], None]]] = {
    "\x01": EditedLine.home,
    "\x02": EditedLine.left,
    "\x05": EditedLine.end,
    "\x06": EditedLine.right,
    "\x08": EditedLine.backspace,
    "\x0b": EditedLine.kill_to_end,
    "\x15": EditedLine.kill_to_start,
    "\x17": EditedLine.kill_word,
    "\x7f": EditedLine.backspace,
    "\x1bb": EditedLine.word_left,
    "\x1bf": EditedLine.word_right,
    "\x1b[1;5C": EditedLine.word_right,
    "\x1b[1;5D": EditedLine.word_left,
    "\x1b[C": EditedLine.right,
    "\x1b[D": EditedLine.left,
    "\x1b[F": EditedLine.end,
    "\x1b[H": EditedLine.home,
    "\x1b[1~": EditedLine.home,
    "\x1b[3~": EditedLine.delete,
    "\x1b[4~": EditedLine.end,
    "\x1b[7~": EditedLine.home,
    "\x1b[8~": EditedLine.end,
    "\x1bOC": EditedLine.right,
    "\x1bOD": EditedLine.left,
    "\x1bOF": EditedLine.end,
    "\x1bOH": EditedLine.home,
}
