"""The line being typed: bytes of keys in, submitted lines and bytes for the terminal out. Pure.

How this works: bytes become tokens (one character, or one whole escape sequence), tokens change a list of *cells* (a
printable character with the marks that sit on it), and `render` lays the cells out in rows itself and sends only the rows
that changed. Rows are ended by us, never by the terminal's own wrapping, so their number is known even where a terminal
thinks differently about a character's width, and `erase` removes exactly them.

A paste becomes one line: its newlines and tabs turn into spaces, so that a pasted paragraph is one turn.
"""

import codecs
import functools
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

MAX_CHARACTERS: Final = 8000
PASTE_GAPS: Final = frozenset("\t\r\n\v\f\x85\u2028\u2029")
PASTE_BEGINS: Final = "\x1b[200~"
PASTE_ENDS: Final = "\x1b[201~"
STRING_STARTS: Final = "]PX^_"
SEQUENCE_KEPT: Final = 16


class Submitted(msgspec.Struct, frozen=True):
    """The user pressed Enter on a line that is not blank; `text` is as typed."""

    text: str


class EndOfInput(msgspec.Struct, frozen=True):
    """The user pressed Ctrl-D on an empty line."""


Event = Submitted | EndOfInput


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


class _Tokens:
    """Bytes to characters and whole escape sequences, however the bytes are cut."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._begun = ""

    def feed(self, data: bytes) -> Iterator[str]:
        for character in self._decode(data):
            token = self._take(character)
            if token:
                yield token

    def settle(self) -> None:
        self._begun = ""

    def _take(self, character: str) -> str:
        begun, self._begun = self._begun, ""
        if character == "\x1b":
            self._begun = character
            return ""
        if not begun or character < " ":  # a control character ends any sequence, and counts
            return character
        if len(begun) == 1 and character in "[O" + STRING_STARTS:
            self._begun = begun + character
            return ""
        if len(begun) == 1:
            return begun + character
        return self._go_on(begun, character)

    def _go_on(self, begun: str, character: str) -> str:
        is_linux_function_key = begun == "\x1b[" and character == "["  # one more letter follows
        if begun[1] in STRING_STARTS:
            self._begun = begun
        elif character <= "?" or is_linux_function_key:
            self._begun = (begun + character)[:SEQUENCE_KEPT]
        else:
            return begun + character if character <= "~" else character
        return ""


class _Line:
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
        if _is_control(character):
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
        self._cut(max(self.cursor - 1, 0), self.cursor)

    def delete(self) -> None:
        self._cut(self.cursor, self.cursor + 1)

    def kill_to_start(self) -> None:
        self._cut(0, self.cursor)

    def kill_to_end(self) -> None:
        self._cut(self.cursor, len(self.cells))

    def kill_word(self) -> None:
        start = self._back_over(str.isspace, self.cursor)
        self._cut(self._back_over(lambda cell: not cell[0].isspace(), start), self.cursor)

    def home(self) -> None:
        self.cursor = 0

    def end(self) -> None:
        self.cursor = len(self.cells)

    def left(self) -> None:
        self.cursor = max(self.cursor - 1, 0)

    def right(self) -> None:
        self.cursor = min(self.cursor + 1, len(self.cells))

    def word_left(self) -> None:
        word_end = self._back_over(lambda cell: not _is_word(cell), self.cursor)
        self.cursor = self._back_over(_is_word, word_end)

    def word_right(self) -> None:
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


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc"


def _is_word(cell: str) -> bool:
    return cell[0].isalnum()


COMMANDS: Final[dict[str, Callable[[_Line], None]]] = {
    "\x01": _Line.home,
    "\x02": _Line.left,
    "\x05": _Line.end,
    "\x06": _Line.right,
    "\x08": _Line.backspace,
    "\x0b": _Line.kill_to_end,
    "\x15": _Line.kill_to_start,
    "\x17": _Line.kill_word,
    "\x7f": _Line.backspace,
    "\x1bb": _Line.word_left,
    "\x1bf": _Line.word_right,
    "\x1b[1;5C": _Line.word_right,
    "\x1b[1;5D": _Line.word_left,
    "\x1b[C": _Line.right,
    "\x1b[D": _Line.left,
    "\x1b[F": _Line.end,
    "\x1b[H": _Line.home,
    "\x1b[1~": _Line.home,
    "\x1b[3~": _Line.delete,
    "\x1b[4~": _Line.end,
    "\x1b[7~": _Line.home,
    "\x1b[8~": _Line.end,
    "\x1bOC": _Line.right,
    "\x1bOD": _Line.left,
    "\x1bOF": _Line.end,
    "\x1bOH": _Line.home,
}
RECALLS: Final = {"\x1b[A": 1, "\x1bOA": 1, "\x1b[B": -1, "\x1bOB": -1}


class _Screen(msgspec.Struct, frozen=True):
    """What the prompt block looks like: its rows, and the cursor after the text `before` of row `cursor_row`."""

    rows: list[str]
    cursor_row: int
    before: str
    width: int


class LineEditor:
    """What the user is typing, with history.

    `feed` never touches the screen, so it also serves while somebody else owns the terminal; `render` paints the present
    line over what it painted before, `erase` and `submit_echo` take that away again.
    """

    def __init__(self, history_size: int = 100) -> None:
        self._tokens = _Tokens()
        self._line = _Line()
        self._is_pasting = False
        self._is_paste_gap = False
        self._history: deque[str] = deque(maxlen=history_size)
        self._recalled = 0
        self._draft = ""
        self._painted: _Screen | None = None
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

    def settle(self) -> None:
        """Forget a begun escape sequence: call when a moment passed without keys, so a lone Escape eats no letter."""
        self._tokens.settle()

    def render(self, prompt: str, width: int, max_rows: int = 8) -> bytes:
        """Return what paints prompt and line; the first time from column 0 of a clean line, afterwards only the changes.

        Of a line that needs more than `max_rows` rows, those around the cursor are shown.
        """
        old, new = self._painted, _lay_out(prompt, self._line, max(width, 2), max(max_rows, 1))
        first = ""
        if old is None or self._clears_screen or old.width != new.width:
            first = "\x1b[H\x1b[2J" if self._clears_screen else self.erase(width).decode()
            old = _Screen([""], 0, "", new.width)
        self._painted, self._clears_screen = new, False
        return (first + _repaint(old, new)).encode()

    def erase(self, width: int | None = None) -> bytes:
        """Return what removes the painted block and leaves the cursor where the prompt began; b"" if nothing is painted.

        `width` is the terminal's present width, for a terminal that was resized (and re-wrapped its lines) since.
        """
        old, self._painted, self._clears_screen = self._painted, None, False
        if old is None:
            return b""
        width = max(width or old.width, 1)
        above = sum(max(1, -(-columns(row) // width)) for row in old.rows[: old.cursor_row])
        return f"{_vertical(above + columns(old.before) // width, 0)}\r\x1b[J".encode()

    def submit_echo(self, prompt: str, text: str) -> bytes:
        """Return what replaces the painted block by the submitted line, which stays; the next `render` paints below it."""
        line = "".join(_Line(prompt).cells + _Line(text).cells)
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
        elif len(key) == 1 and not _is_control(key):
            before = self._line.cells[: self._line.cursor][-1:]
            if self._is_paste_gap and before and not (before[0].isspace() or key.isspace()):
                self._line.insert(" ")
            self._is_paste_gap = False
            self._line.insert(key)

    def _submit(self) -> Submitted | None:
        text, self._line, self._recalled = self.text, _Line(), 0
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
        self._line = _Line(self._history[-wanted] if wanted else self._draft)


def _lay_out(prompt: str, line: _Line, width: int, max_rows: int) -> _Screen:
    prompt_cells = _Line(prompt).cells
    cursor = len(prompt_cells) + line.cursor
    rows, used = [""], 0
    cursor_row, before = 0, ""
    # The empty cell at the end stands for a cursor after the last character, which takes a column too.
    for position, cell in enumerate([*prompt_cells, *line.cells, ""]):
        takes = columns(cell[:1]) or int(position == cursor)
        if used + takes > width:
            rows.append("")
            used = 0
        if position == cursor:
            cursor_row, before = len(rows) - 1, rows[-1]
        rows[-1] += cell
        used += takes
    first = max(0, cursor_row - max_rows + 1)
    return _Screen(rows[first : first + max_rows], cursor_row - first, before, width)


def _repaint(old: _Screen, new: _Screen) -> str:
    """Return what turns the rows of `old` on the terminal into those of `new`."""
    out, row, before = [], old.cursor_row, old.before
    for index, text in enumerate(new.rows):
        shown = old.rows[index] if index < len(old.rows) else None
        if shown is None:
            out.append(f"{_vertical(row, index - 1)}\r\n{text}")
        elif shown == text:
            continue
        elif (row, before) == (index, shown) and text.startswith(shown):
            out.append(text[len(shown) :])
        else:
            # At a full row the cursor waits on the last character, and erasing to the end would take that away.
            rest = "\x1b[K" if columns(text) < new.width else ""
            out.append(f"{_vertical(row, index)}\r{text}{rest}")
        row, before = index, text
    if len(old.rows) > len(new.rows):
        out.append(f"{_vertical(row, len(new.rows))}\r\x1b[J")
        row, before = len(new.rows), ""
    if (row, before) != (new.cursor_row, new.before):
        out.append(f"{_vertical(row, new.cursor_row)}\r{_rightwards(new.before)}")
    painted = "".join(out)
    if not painted or all(map(str.isascii, new.rows)):
        return painted
    # Without autowrap a row that the terminal thinks wider than we do cannot become two.
    return f"\x1b[?7l{painted}\x1b[?7h"


def _vertical(row: int, wanted: int) -> str:
    if row == wanted:
        return ""
    return f"\x1b[{row - wanted}A" if row > wanted else f"\x1b[{wanted - row}B"


def _rightwards(before: str) -> str:
    """Return what takes the cursor from column 0 to after `before`; written anew where terminals disagree on widths."""
    if not before.isascii():
        return before
    return f"\x1b[{len(before)}C" if before else ""
