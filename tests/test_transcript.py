"""Transcripts: what is printed, on a terminal and for programs."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.outputs.transcript import Labels, Printed, Scrubber, Transcript

HOSTILE = [
    "\x1b",
    "[",
    "]",
    "31m",
    "0;title",
    "\a",
    "\\",
    "\x9b",
    "\x9c",
    "\r",
    "\0",
    "\x7f",
    "\ud800",
    "a",
    " ",
    "\n",
    "\t",
    "é",
]
PIECES = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=5)), max_size=30)


def on_terminal():
    return Transcript(Labels(), is_terminal=True, no_color=True)


def for_programs():
    return Transcript(Labels(), is_terminal=False)


def is_printable(text):
    return all(
        character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cs"} for character in text
    )


def test_pieces_of_a_reply_are_appended_behind_one_label():
    transcript = on_terminal()
    assert [transcript.assistant("Hel"), transcript.assistant("lo"), transcript.complete()] == [
        "Gemini: Hel",
        "lo",
        "\n",
    ]


def test_a_change_of_speaker_begins_a_new_labelled_line():
    transcript = on_terminal()
    printed = transcript.user("hi") + transcript.assistant("Hello") + transcript.complete()
    assert printed == "You: hi\nGemini: Hello\n"


def test_labels_are_the_callers_choice():
    assert Transcript(Labels("Bot", "Me"), is_terminal=True, no_color=True).user("hi") == "Me: hi"


def test_labels_are_coloured_on_a_terminal_and_the_text_is_not():
    assert Transcript(Labels(), is_terminal=True).assistant("Hello") == "\x1b[1;36mGemini:\x1b[0m Hello"


@pytest.mark.parametrize(("is_terminal", "no_color"), [(True, True), (False, False), (False, True)])
def test_without_a_terminal_or_with_no_color_nothing_is_coloured(is_terminal, no_color):
    transcript = Transcript(Labels(), is_terminal=is_terminal, no_color=no_color)
    printed = (
        transcript.user("a")
        + transcript.assistant("b")
        + transcript.interrupted()
        + "".join(transcript.notice("c"))
    )
    assert "\x1b" not in printed


def test_an_interrupted_reply_is_marked_where_it_was_cut():
    transcript = on_terminal()
    assert (
        transcript.assistant("Once upon ") + transcript.interrupted() == "Gemini: Once upon [interrupted]\n"
    )


def test_an_interrupted_reply_that_showed_nothing_gets_no_mark():
    transcript = on_terminal()
    assert transcript.user("hi") + transcript.interrupted() + transcript.user(" you") == "You: hi you"


def test_a_reply_cut_after_the_user_spoke_is_marked_on_a_line_of_its_own():
    transcript = on_terminal()
    printed = transcript.assistant("Once") + transcript.user("stop") + transcript.interrupted()
    assert printed == "Gemini: Once\nYou: stop\nGemini: [interrupted]\n"


def test_completing_an_interrupted_turn_does_not_break_what_the_user_says_next():
    transcript = on_terminal()
    transcript.assistant("Once")
    transcript.interrupted()
    assert transcript.user("stop") + transcript.complete() + transcript.user(" it") == "You: stop it"


def test_the_turn_after_an_interrupted_one_completes_as_usual():
    transcript = on_terminal()
    transcript.assistant("Once")
    transcript.interrupted()
    transcript.complete()
    assert transcript.assistant("Yes?") + transcript.complete() == "Gemini: Yes?\n"


def test_a_turn_that_said_nothing_prints_nothing():
    assert on_terminal().complete() == for_programs().complete() == ""


def test_a_line_can_be_ended_in_the_middle_of_a_turn_and_goes_on_with_its_label():
    transcript = on_terminal()
    printed = transcript.assistant("one") + transcript.end_line()
    assert (printed, transcript.is_mid_line, transcript.end_line()) == ("Gemini: one\n", False, "")
    assert transcript.assistant(" two") + transcript.complete() == "Gemini: two\n"


def test_a_notice_breaks_the_line_and_is_one_line():
    transcript = on_terminal()
    transcript.assistant("one")
    assert transcript.notice("muted\nfor \x1b[31mnow") == Printed(stdout="\nmuted for now\n")


def test_a_notice_is_dim_on_a_terminal():
    assert Transcript(Labels(), is_terminal=True).notice("muted").stdout == "\x1b[2mmuted\x1b[0m\n"


def test_notices_are_for_stderr_when_stdout_is_for_programs():
    transcript = for_programs()
    transcript.assistant("one")
    assert transcript.notice("muted") == Printed(stderr="muted\n")
    assert transcript.assistant(" two") == " two"


def test_an_empty_notice_prints_nothing():
    assert on_terminal().notice(" \n") == Printed()


def test_programs_get_each_reply_as_one_bare_line_and_the_user_behind_an_arrow():
    transcript = for_programs()
    printed = (
        transcript.user("hi ")
        + transcript.user("there")
        + transcript.assistant("Hello.\n\nHow")
        + transcript.assistant(" are you?\n")
    )
    assert printed + transcript.complete() == "> hi there\nHello. How are you?\n"


def test_user_speech_that_comes_late_does_not_cut_a_program_s_line():
    transcript = for_programs()
    printed = (
        transcript.assistant("Hel")
        + transcript.user("hi ")
        + transcript.user("you")
        + transcript.assistant("lo")
    )
    assert printed + transcript.complete() == "Hello\n> hi you\n"


def test_the_words_that_interrupted_a_reply_follow_it_and_go_on():
    transcript = for_programs()
    printed = (
        transcript.assistant("Once")
        + transcript.user("st")
        + transcript.interrupted()
        + transcript.complete()
    )
    assert printed + transcript.user("op") + transcript.end_line() == "Once [interrupted]\n> stop\n"


def test_the_end_of_the_program_loses_no_late_user_speech():
    transcript = for_programs()
    assert transcript.assistant("Hello") + transcript.user("hi") + transcript.end_line() == "Hello\n> hi\n"


def test_blanks_between_pieces_stay_as_the_model_sent_them():
    transcript = on_terminal()
    printed = [transcript.assistant(piece) for piece in (" Hello", "  ", "big", " \t", "world ", "")]
    assert "".join(printed) + transcript.complete() == "Gemini: Hello  big \tworld\n"


def test_blank_lines_are_kept_but_never_doubled():
    transcript = on_terminal()
    printed = "".join(
        transcript.assistant(piece) for piece in ("\n\none\n", "two \n", "\n \n", "\nthree\n\n")
    )
    assert printed + transcript.complete() == "Gemini: one\ntwo\n\nthree\n"


@pytest.mark.parametrize(
    "text",
    [
        "a\x1b[31;1mb",
        "a\x1b]0;title\ab",
        "a\x1b]8;;http://x\x1b\\b",
        "a\x1bPdata\x1b\\b",
        "a\x1b(Bb",
        "a\x1bcb",
        "a\x1b\x1b[Hb",
        "a\x9b31mb",
        "a\x9d0;title\x9cb",
        "a\x1b[3\r1mb",
        "a\r\0\x7f\x08\x85b",
    ],
)
def test_escape_sequences_and_controls_are_taken_out_whole_and_in_pieces(text):
    scrubber = Scrubber()
    assert Scrubber().feed(text) == "ab"
    assert "".join(scrubber.feed(character) for character in text) == "ab"


def test_an_unfinished_sequence_swallows_at_most_its_line():
    assert Scrubber().feed("a\x1b]0;never ended\nb\x1b[12\nc") == "a\nb\nc"


def test_an_unfinished_sequence_does_not_reach_into_the_next_turn():
    transcript = on_terminal()
    printed = transcript.assistant("a\x1b]0;") + transcript.complete() + transcript.assistant("b")
    assert printed == "Gemini: a\nGemini: b"


def test_a_letter_that_breaks_off_a_sequence_is_kept():
    assert Scrubber().feed("\x1b[1é \x1bü") == "é ü"


def test_half_a_surrogate_pair_is_replaced_because_it_cannot_be_written():
    assert Scrubber().feed("a\ud800b") == "a\ufffdb"


@given(PIECES)
def test_whatever_the_model_sends_only_printable_text_reaches_the_terminal(pieces):
    transcript = on_terminal()
    printed = "".join(transcript.assistant(piece) for piece in pieces) + transcript.complete()
    assert is_printable(printed)
    assert printed == "" or printed.endswith("\n")


@given(PIECES)
def test_no_line_begins_or_ends_with_a_blank_and_blank_lines_never_double(pieces):
    transcript = on_terminal()
    printed = "".join(transcript.assistant(piece) for piece in pieces) + transcript.complete()
    assert all(line == line.strip() for line in printed.split("\n"))
    assert "\n\n\n" not in printed


@given(PIECES)
def test_how_a_reply_is_cut_into_pieces_does_not_change_it(pieces):
    pieced, whole = on_terminal(), on_terminal()
    printed = "".join(pieced.assistant(piece) for piece in pieces) + pieced.complete()
    assert printed == whole.assistant("".join(pieces)) + whole.complete()


@given(st.lists(st.tuples(st.sampled_from(["assistant", "user"]), st.text(max_size=6)), max_size=20))
def test_a_program_reads_at_most_one_line_of_reply_per_turn(turn):
    transcript = for_programs()
    printed = "".join(getattr(transcript, speaker)(text) for speaker, text in turn) + transcript.complete()
    had_text = any(Scrubber().feed(text).strip() for speaker, text in turn if speaker == "assistant")
    assert len([line for line in printed.splitlines() if not line.startswith("> ")]) <= had_text
