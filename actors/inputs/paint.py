"""The prompt block on the screen: laid out in rows of our own, repainted only where it changed. Pure."""

import msgspec

from actors.inputs.edited_line import EditedLine, columns


class Screen(msgspec.Struct, frozen=True):
    """What the prompt block looks like: its rows, and the cursor after the text `before` of row `cursor_row`."""

    rows: list[str]
    cursor_row: int
    before: str
    width: int


def lay_out(prompt: str, line: EditedLine, width: int, max_rows: int) -> Screen:
    """Lay prompt and line out in rows; of more than `max_rows`, those around the cursor."""
    prompt_cells = EditedLine(prompt).cells
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
    return Screen(rows[first : first + max_rows], cursor_row - first, before, width)


def repaint(old: Screen, new: Screen) -> str:
    """Return what turns the rows of `old` on the terminal into those of `new`."""
    out, row, before = [], old.cursor_row, old.before
    for index, text in enumerate(new.rows):
        shown = old.rows[index] if index < len(old.rows) else None
        if shown is None:
            out.append(f"{vertical(row, index - 1)}\r\n{text}")
        elif shown == text:
            continue
        elif (row, before) == (index, shown) and text.startswith(shown):
            out.append(text[len(shown) :])
        else:
            # At a full row the cursor waits on the last character, and erasing to the end would take that away.
            rest = "\x1b[K" if columns(text) < new.width else ""
            out.append(f"{vertical(row, index)}\r{text}{rest}")
        row, before = index, text
    if len(old.rows) > len(new.rows):
        out.append(f"{vertical(row, len(new.rows))}\r\x1b[J")
        row, before = len(new.rows), ""
    if (row, before) != (new.cursor_row, new.before):
        out.append(f"{vertical(row, new.cursor_row)}\r{_rightwards(new.before)}")
    painted = "".join(out)
    if not painted or all(map(str.isascii, new.rows)):
        return painted
    # Without autowrap a row that the terminal thinks wider than we do cannot become two.
    return f"\x1b[?7l{painted}\x1b[?7h"


def vertical(row: int, wanted: int) -> str:
    """Return what moves the cursor from one row to another."""
    if row == wanted:
        return ""
    return f"\x1b[{row - wanted}A" if row > wanted else f"\x1b[{wanted - row}B"


def _rightwards(before: str) -> str:
    """Return what takes the cursor from column 0 to after `before`; written anew where terminals disagree on widths."""
    if not before.isascii():
        return before
    return f"\x1b[{len(before)}C" if before else ""
