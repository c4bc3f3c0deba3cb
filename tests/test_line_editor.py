"""The line editor: what keys do to the line, and what its painting does to a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.inputs.line_editor import (
    MAX_CHARACTERS,
    EndOfInput,
    LineEditor,
    Submitted,
    character_columns,
    columns,
)

PASTE = b"\x1b[200~%b\x1b[201~"
LETTERS = st.sampled_from("abz 09_-é界😀ñ한")
MARKS = "\u0301\u20dd\u200d\ufe0f"
KEYS = {
    "left": [b"\x1b[D", b"\x1bOD", b"\x02"],
    "right": [b"\x1b[C", b"\x1bOC", b"\x06"],
    "home": [b"\x1b[H", b"\x1bOH", b"\x1b[1~", b"\x1b[7~", b"\x01"],
    "end": [b"\x1b[F", b"\x1bOF", b"\x1b[4~", b"\x1b[8~", b"\x05"],
    "backspace": [b"\x7f", b"\x08"],
    "delete": [b"\x1b[3~"],
    "kill_to_end": [b"\x0b"],
    "kill_to_start": [b"\x15"],
    "nothing": [
        b"\t",
        b"\0",
        b"\x1b[5~",
        b"\x1b[[A",
        b"\x1b[99;9z",
        b"\x1bOP",
        b"\x1bx",
        b"\x1b]0;t\a",
        b"\x1bPq\x1b\\",
    ],
}
KEY_PRESSES = st.one_of(
    st.tuples(st.just("insert"), LETTERS.map(str.encode)),
    st.sampled_from([(name, code) for name, codes in KEYS.items() for code in codes]),
)
SNIPPETS = [
    b"\x1b",
    b"[",
    b"O",
    b"]",
    b"200~",
    b"\x1b[201~",
    b"\x1b[200~",
    b"\x1b[A",
    b"\x1b[B",
    b"\r",
    b"\n",
    b"\x04",
    b"\xe7\x95",
    b"\x8c",
    b"a",
    b"\x0c",
]
NOISE = st.lists(st.one_of(st.sampled_from(SNIPPETS), st.binary(max_size=4)), max_size=40).map(b"".join)
TYPED = st.lists(
    st.one_of(
        st.text("abc xyz é界😀한" + MARKS, min_size=1, max_size=30).map(str.encode),
        st.sampled_from(
            [b"\x1b[D" * 7, b"\x01", b"\x05", b"\x7f" * 9, b"\x15", b"\x17", b"\x1b[3~", b"\x1bb", b"\x1b[A"]
        ),
    ),
    max_size=12,
)
WIDTHS = st.integers(10, 80)


class Model:
    """What an editor is, said the simple way: characters and a cursor."""

    def __init__(self):
        self.characters = []
        self.cursor = 0

    def press(self, name, code):
        before, after = self.characters[: self.cursor], self.characters[self.cursor :]
        before, after = {
            "insert": ([*before, code.decode()], after),
            "left": (before[:-1], before[-1:] + after),
            "right": (before + after[:1], after[1:]),
            "home": ([], before + after),
            "end": (before + after, []),
            "backspace": (before[:-1], after),
            "delete": (before, after[1:]),
            "kill_to_end": (before, []),
            "kill_to_start": ([], after),
            "nothing": (before, after),
        }[name]
        self.characters, self.cursor = before + after, len(before)


class Terminal:
    """A terminal of `width` columns that obeys exactly what the editor sends, and refuses anything else."""

    def __init__(self, width, height=24, columns_of=character_columns):
        self.width, self.height, self.columns_of = width, height, columns_of
        self.rows = [[""] * width for _ in range(height)]
        self.row = self.column = 0
        self.wraps = True
        self.is_wrap_due = False

    def show(self, data):
        text = data.decode()
        while text:
            text = self.obey(text[1:]) if text[0] == "\x1b" else self.put(text[0], text[1:])

    def obey(self, text):
        end = next(i for i, character in enumerate(text) if i and character.isalpha())
        arguments, final = text[1:end], text[end]
        count = int(arguments) if arguments.isdigit() else 1
        assert text[0] == "["
        assert arguments.isdigit() or (arguments + final) in {"K", "J", "H", "?7l", "?7h"}, text[:9]
        if final == "A":
            self.row = max(0, self.row - count)
        elif final == "B":
            self.row = min(self.height - 1, self.row + count)
        elif final == "C":
            self.column = min(self.width - 1, self.column + count)
        elif final == "K":
            self.rows[self.row][self.column :] = [""] * (self.width - self.column)
        elif final == "J" and not arguments:
            self.rows[self.row][self.column :] = [""] * (self.width - self.column)
            self.rows[self.row + 1 :] = [[""] * self.width for _ in range(self.height - self.row - 1)]
        elif final == "J":
            self.rows = [[""] * self.width for _ in range(self.height)]
        elif final == "H":
            self.row = self.column = 0
        else:
            self.wraps = final == "h"
        self.is_wrap_due = False
        return text[end + 1 :]

    def put(self, character, rest):
        if character == "\r":
            self.column, self.is_wrap_due = 0, False
        elif character == "\n":
            self.line_feed()
        else:
            assert unicodedata.category(character) != "Cc", f"{character!r} reached the terminal"
            self.print(character, self.columns_of(character))
        return rest

    def print(self, character, takes):
        if not takes:
            at = self.column if self.is_wrap_due else max(0, self.column - 1)
            while at and self.rows[self.row][at] == "":
                at -= 1
            self.rows[self.row][at] += character
            return
        if self.wraps and (self.is_wrap_due or self.column + takes > self.width):
            self.column = 0
            self.line_feed()
        self.column = min(self.column, self.width - takes)
        self.rows[self.row][self.column : self.column + takes] = [character] + [""] * (takes - 1)
        self.is_wrap_due = self.column + takes >= self.width
        self.column = min(self.column + takes, self.width - 1)

    def line_feed(self):
        self.is_wrap_due = False
        if self.row == self.height - 1:
            self.rows = [*self.rows[1:], [""] * self.width]
        self.row = min(self.row + 1, self.height - 1)

    @property
    def screen(self):
        return ["".join(row) for row in self.rows]


def typed(*parts):
    editor = LineEditor()
    for part in parts:
        editor.feed(part if isinstance(part, bytes) else part.encode())
    return editor


# What keys do


@given(st.lists(KEY_PRESSES, max_size=40))
def test_keys_do_to_the_line_what_they_do_to_a_list_with_a_cursor(presses):
    editor, model = LineEditor(), Model()
    for name, code in presses:
        model.press(name, code)
        assert editor.feed(code) == []
        assert editor.text == "".join(model.characters)
    editor.feed(b"|")
    assert editor.text.index("|") == len("".join(model.characters[: model.cursor]))


@given(NOISE)
def test_feeding_bytes_one_by_one_equals_feeding_them_at_once(data):
    whole, pieced = LineEditor(), LineEditor()
    events = [event for i in range(len(data)) for event in pieced.feed(data[i : i + 1])]
    assert (events, pieced.text) == (whole.feed(data), whole.text)


@given(NOISE, WIDTHS)
def test_no_bytes_ever_bring_a_control_character_into_the_line_or_raise(data, width):
    editor = LineEditor()
    texts = [event.text for event in editor.feed(data) if isinstance(event, Submitted)]
    for text in [*texts, editor.text]:
        assert not any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text)
    Terminal(width).show(editor.render("> ", width))


def test_enter_submits_the_line_and_begins_a_new_one():
    editor = LineEditor()
    assert editor.feed(b"one\rtwo\nthr") == [Submitted("one"), Submitted("two")]
    assert editor.text == "thr"


def test_enter_on_a_blank_line_submits_nothing():
    editor = LineEditor()
    assert editor.feed(b"\r\n  \r") == []
    assert editor.text == ""


def test_ctrl_d_ends_the_input_only_on_an_empty_line():
    editor = LineEditor()
    assert editor.feed(b"ab\x01\x04") == []
    assert editor.text == "b"
    assert editor.feed(b"\x04\x04") == [EndOfInput()]


def test_letters_cut_by_a_read_arrive_whole_and_invalid_bytes_become_replacement_characters():
    editor = LineEditor()
    editor.feed("界".encode()[:2])
    editor.feed("界".encode()[2:] + b"\xff\xe7a")
    assert editor.text == "界\ufffd\ufffda"


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (b"one two\x1bb|", "one |two"),
        (b"one two  \x1bb|", "one |two  "),
        (b"one two\x01\x1bf|", "one| two"),
        (b"one two\x01\x1b[1;5C\x1b[1;5C|", "one two|"),
        (b"one two\x1b[1;5D\x1b[1;5D|", "|one two"),
        (b"one two-three  \x17|", "one |"),
        (b"\x17\x1bb\x1bf|", "|"),
    ],
)
def test_word_keys_move_by_words_and_ctrl_w_kills_up_to_a_blank(keys, text):
    assert typed(keys).text == text


def test_a_mark_stays_with_its_letter():
    editor = typed("e\u0301x", b"\x1b[D\x1b[D|")
    assert editor.text == "|e\u0301x"
    editor.feed(b"\x1b[C\x7f")
    assert editor.text == "|x"


def test_a_mark_with_nothing_to_sit_on_is_ignored():
    assert typed("\u0301a").text == "a"


def test_a_lone_escape_takes_the_next_letter_unless_a_moment_passes():
    assert typed(b"\x1b", b"hi").text == "i"
    editor = typed(b"\x1b")
    editor.settle()
    editor.feed(b"hi")
    assert editor.text == "hi"


def test_enter_works_in_the_middle_of_any_unfinished_sequence():
    for begun in (b"\x1b", b"\x1b[", b"\x1b[12;", b"\x1bO", b"\x1b]0;title", b"\x1bP"):
        assert typed().feed(b"hi" + begun + b"\r") == [Submitted("hi")]


def test_up_and_down_walk_through_the_history_and_back_to_the_draft():
    editor = typed(b"one\rtwo\rdra")
    seen = []
    for key in (b"\x1b[A", b"\x1bOA", b"\x1b[A", b"\x1b[B", b"\x1bOB", b"\x1b[B"):
        editor.feed(key)
        seen.append(editor.text)
    assert seen == ["two", "one", "one", "two", "dra", "dra"]


def test_the_history_keeps_the_newest_lines_and_a_repeated_one_once():
    editor = LineEditor(history_size=2)
    editor.feed(b"one\rtwo\rthree\rthree\r\x1b[A\x1b[A\x1b[A")
    assert editor.text == "two"


def test_an_editor_without_history_recalls_nothing():
    editor = LineEditor(history_size=0)
    editor.feed(b"one\rdraft\x1b[A\x1b[B")
    assert editor.text == "draft"


@pytest.mark.parametrize(
    ("pasted", "text"),
    [
        (b"one\ntwo\r\n\r\nthree", "one two three"),
        (b"\n\none\n", "one"),
        (b"one \n two\tx", "one  two x"),
        (b"\x03\x04\x1b[31mred\x1b[0m\x7f", "red"),
        ("a\u2028b\u3000c".encode(), "a b\u3000c"),
        (b"\x1b]0;never ended", ""),
    ],
)
def test_a_paste_becomes_one_line_without_controls_and_submits_nothing(pasted, text):
    editor = LineEditor()
    assert editor.feed(PASTE % pasted) == []
    assert editor.text == text
    assert editor.feed(b"!\r") == [Submitted(text + "!")]


def test_a_paste_goes_where_the_cursor_is():
    assert typed(b"ab\x1b[D", PASTE % b"1\n2", b"3").text == "a1 23b"


def test_the_line_is_bounded_and_counts_what_it_refused():
    editor = typed(b"x" * MAX_CHARACTERS, b"yz")
    assert (len(editor.text), editor.refused) == (MAX_CHARACTERS, 2)
    editor.feed(b"\x7fy")
    assert (editor.text[-1], editor.refused) == ("y", 2)
    editor.feed(b"\x15")
    assert editor.refused == 0


def test_marks_count_towards_the_bound():
    assert len(typed("e" + "\u0301" * 2 * MAX_CHARACTERS).text) == MAX_CHARACTERS


@pytest.mark.parametrize(
    ("text", "count"),
    [("abc", 3), ("界", 2), ("😀", 2), ("e\u0301", 1), ("한", 2), ("\u1112\u1161\u11ab", 2), ("\u200b", 0)],
)
def test_columns_follow_what_terminals_do(text, count):
    assert columns(text) == count


# What painting does


def cells_of(text, width):
    """Lay text out the way a terminal does that wraps before a character which does not fit."""
    terminal = Terminal(width, height=400)
    for character in text:
        terminal.print(character, character_columns(character))
    return terminal


@given(TYPED, WIDTHS)
def test_whatever_was_typed_in_whatever_steps_the_screen_shows_prompt_line_and_cursor(parts, width):
    editor, terminal = LineEditor(), Terminal(width, height=60)
    for part in parts:
        editor.feed(part)
        terminal.show(editor.render("You: ", width, max_rows=60))
        shown = cells_of("You: " + editor.text, width).screen
        assert terminal.screen == shown[:60]
    assert terminal.wraps
    editor.feed(b"|")
    at = editor.text.index("|")
    before = cells_of("You: " + editor.text[:at], width)
    if parts and not before.is_wrap_due and editor.text[at + 1 : at + 2].isascii():
        assert (terminal.row, terminal.column) == (before.row, before.column)


@given(TYPED, WIDTHS, st.integers(0, 9), st.integers(1, 8))
def test_erasing_leaves_the_screen_as_it_was_with_the_cursor_where_the_prompt_began(
    parts, width, lines_above, max_rows
):
    editor, terminal = LineEditor(), Terminal(width, height=10)
    terminal.show(b"".join(b"line %d\r\n" % number for number in range(lines_above)))
    for part in parts:
        editor.feed(part)
        terminal.show(editor.render("> ", width, max_rows))
    terminal.show(editor.erase())
    above = [f"line {number}" for number in range(lines_above)]
    assert terminal.column == 0
    assert terminal.screen[: terminal.row] == above[lines_above - terminal.row :]
    assert not any(terminal.screen[terminal.row :])


@given(TYPED, WIDTHS, st.integers(0, 2))
def test_a_terminal_that_disagrees_about_widths_is_still_left_clean(parts, width, takes):
    editor = LineEditor()
    terminal = Terminal(width, 30, lambda character: 1 if character.isascii() else takes)
    terminal.show(b"above\r\n")
    for part in parts:
        editor.feed(part)
        terminal.show(editor.render("> ", width))
    terminal.show(editor.erase())
    assert (terminal.row, terminal.column, [row for row in terminal.screen if row]) == (1, 0, ["above"])


@given(TYPED, WIDTHS)
def test_a_block_painted_anew_after_a_yield_equals_one_painted_in_steps(parts, width):
    stepwise, anew, editor = Terminal(width, 60), Terminal(width, 60), LineEditor()
    for part in parts:
        editor.feed(part)
        stepwise.show(editor.render("> ", width))
    stepwise.show(editor.render("> ", width))
    editor.erase()
    anew.show(editor.render("> ", width))
    assert (anew.screen, anew.row, anew.column) == (stepwise.screen, stepwise.row, stepwise.column)


@given(st.text("abc é界😀", max_size=120), WIDTHS, st.integers(0, 9))
def test_a_submitted_line_stays_whole_and_the_next_prompt_starts_below_it(text, width, lines_above):
    editor, terminal = LineEditor(), Terminal(width, height=30)
    terminal.show(b"line\r\n" * lines_above)
    editor.feed(text.encode())
    terminal.show(editor.render("> ", width) + editor.submit_echo("> ", text))
    echoed = cells_of("> " + text, width)
    assert (terminal.row, terminal.column) == (lines_above + echoed.row + 1, 0)
    assert terminal.screen[lines_above : terminal.row] == echoed.screen[: echoed.row + 1]


def test_typing_at_the_end_sends_only_what_was_typed():
    editor = typed(b"hel")
    editor.render("> ", 80)
    editor.feed(b"lo")
    assert editor.render("> ", 80) == b"lo"
    assert editor.render("> ", 80) == b""


def test_moving_the_cursor_repaints_no_text():
    editor = typed(b"hello")
    editor.render("> ", 80)
    editor.feed(b"\x1b[D")
    assert editor.render("> ", 80) == b"\r\x1b[6C"


def test_erasing_what_is_not_painted_sends_nothing():
    editor = typed(b"hello")
    assert editor.erase() == b""
    editor.render("> ", 80)
    editor.erase()
    assert editor.erase() == b""


def test_keys_typed_while_the_terminal_is_yielded_appear_with_the_next_painting():
    editor, terminal = typed(b"one"), Terminal(20)
    terminal.show(editor.render("> ", 20) + editor.erase() + b"Gemini: hi\r\n")
    editor.feed(b" two\x0c")
    terminal.show(editor.render("> ", 20))
    assert terminal.screen[:3] == ["Gemini: hi", "> one two", ""]


def test_ctrl_l_clears_the_screen_and_paints_the_line_at_its_top():
    editor, terminal = typed(b"one"), Terminal(20)
    terminal.show(b"noise\r\n" + editor.render("> ", 20))
    editor.feed(b"\x0c")
    terminal.show(editor.render("> ", 20))
    assert terminal.screen[:2] == ["> one", ""]
    assert editor.render("> ", 20) == b""


def test_a_long_line_shows_the_rows_around_the_cursor():
    editor, terminal = typed("".join(f"{number:<10}" for number in range(20))), Terminal(10)
    terminal.show(editor.render("", 10, max_rows=3))
    assert [row.strip() for row in terminal.screen[:4]] == ["18", "19", "", ""]
    editor.feed(b"\x01")
    terminal.show(editor.render("", 10, max_rows=3))
    assert [row.strip() for row in terminal.screen[:4]] == ["0", "1", "2", ""]


def test_after_a_resize_the_rows_that_the_terminal_wrapped_anew_are_erased_too():
    editor = typed(b"x" * 30)
    editor.render("> ", 40)
    assert editor.erase(width=10) == b"\x1b[3A\r\x1b[J"


def test_a_resize_between_two_paintings_paints_the_block_anew():
    editor = typed(b"x" * 30)
    editor.render("> ", 40)
    assert editor.render("> ", 20) == b"\x1b[1A\r\x1b[J> " + b"x" * 18 + b"\r\n" + b"x" * 12


def test_control_characters_in_prompt_or_echo_never_reach_the_terminal():
    assert LineEditor().submit_echo("\x1b> ", "a\x1b[2Jb\n") == b"> a[2Jb\r\n"
    assert LineEditor().render("\x07> ", 80) == b"> "


@pytest.mark.parametrize("width", [-1, 0, 1, 2])
def test_a_terminal_of_hardly_any_width_is_survived(width):
    editor = typed("a界")
    assert editor.render("> ", width)
    assert editor.erase(width).endswith(b"\r\x1b[J")
