"""What was said, as text to print: a stream of pieces in, printable text out. Pure.

On a terminal every speaker gets a label, and pieces appear as they come. Elsewhere the output is for programs: the
assistant's turn is one bare line, what the user said is a line after `> `, and notices go to stderr. User speech that arrives
while such a turn is still being written waits for its end, so that the turn stays one line.

The text comes from a model and is not trusted: control characters and escape sequences are taken out, also when they arrive
in pieces. White space is held back until text follows, so no line begins or ends with a blank and blank lines never double.
"""

from typing import Final, Literal, NamedTuple

INTERRUPTED: Final = "[interrupted]"
INTERRUPTED_AFTER: Final = "[interrupted after {:.1f} s]"
STRING_STARTS: Final = "]PX^_"
STRING_STARTS_8_BIT: Final = "\x90\x98\x9d\x9e\x9f"
STRING_ENDS: Final = "\a\x18\x1a\x9c"

Speaker = Literal["assistant", "user"]
COLOURS: Final[dict[Speaker, str]] = {"assistant": "1;36", "user": "1;32"}
DIM: Final = "2"


class Labels(NamedTuple):
    """The names in front of the lines on a terminal."""

    assistant: str = "Gemini"
    user: str = "You"


class Printed(NamedTuple):
    """Text for either stream; one of the two is empty."""

    stdout: str = ""
    stderr: str = ""


class Scrubber:
    """Takes control characters and escape sequences out of text, however it is cut; newlines and tabs stay.

    An unfinished sequence ends at the next newline at the latest, so it cannot swallow what follows.
    """

    def __init__(self) -> None:
        self._inside: Literal["text", "escape", "control", "string"] = "text"

    def feed(self, text: str) -> str:
        """Return the printable part of the next piece."""
        return "".join([self._take(character) for character in text])

    def _take(self, character: str) -> str:
        if character in "\n\u2028\u2029":
            self._inside = "text"
            return "\n"
        if character == "\x1b":
            self._inside = "escape"
            return ""
        if self._inside != "text" and self._goes_on(character):
            return ""
        return self._plain(character)

    def _goes_on(self, character: str) -> bool:
        """Follow the sequence by one character; False if it was broken off and the character is text again."""
        if self._inside == "string":
            if character in STRING_ENDS:
                self._inside = "text"
        elif character < " ":
            pass  # terminals obey a control character inside a sequence; here it vanishes
        elif character > "~":
            self._inside = "text"
            return False
        elif self._inside == "control":
            if character >= "@":
                self._inside = "text"
        elif character == "[":
            self._inside = "control"
        elif character in STRING_STARTS:
            self._inside = "string"
        elif character >= "0":
            self._inside = "text"
        return True

    def _plain(self, character: str) -> str:
        if character == "\x9b":
            self._inside = "control"
        elif character in STRING_STARTS_8_BIT:
            self._inside = "string"
        elif character == "\t" or " " <= character <= "~":
            return character
        elif character > "\x9f":
            # Half of a surrogate pair cannot be written as UTF-8.
            return "\ufffd" if "\ud800" <= character <= "\udfff" else character
        return ""


class Transcript:
    """Turns pieces of speech and reply into text for stdout; every method returns what to print now, often "".

    `no_color` is whether the user set NO_COLOR; there are colours on a terminal only in any case.
    """

    def __init__(self, labels: Labels, *, is_terminal: bool, no_color: bool = False) -> None:
        self._labels = labels
        self._is_terminal = is_terminal
        self._has_colour = is_terminal and not no_color
        self._speaker: Speaker | None = None  # whose line is open; it then shows at least one character
        self._gap = ""
        self._held = ""
        self._was_cut = False
        self._has_replied = False
        self._scrubbers: dict[Speaker, Scrubber] = {}
        self._begin_turn()

    @property
    def is_mid_line(self) -> bool:
        """Return whether the last line on stdout still lacks its newline."""
        return self._speaker is not None

    def assistant(self, text: str) -> str:
        """Take the next piece of the reply."""
        self._was_cut = False
        printed = self._say("assistant", text)
        self._has_replied = self._has_replied or bool(printed)
        return printed

    def user(self, text: str) -> str:
        """Take the next piece of what the user was heard to say."""
        if self._speaker == "assistant" and not self._is_terminal:
            self._held += text
            return ""
        return self._say("user", text)

    def complete(self) -> str:
        """End the turn and its line."""
        if self._was_cut:
            # Gemini completes an interrupted turn too; by then the open line is what the user says next.
            self._was_cut = False
            return ""
        self._begin_turn()
        return self.end_line()

    def interrupted(self, heard_ms: int | None = None) -> str:
        """End the reply where the user cut it off, and mark that; a reply that showed nothing yet needs no mark.

        `heard_ms` is how much of it was heard: the text is ahead of the voice.
        """
        mark = INTERRUPTED if heard_ms is None else INTERRUPTED_AFTER.format(heard_ms / 1000)
        printed = ""
        if self._has_replied:
            start = " " if self._speaker == "assistant" else self._break_line() + self._label("assistant")
            printed = start + self._styled(mark, DIM) + "\n"
            self._speaker = None
        self._was_cut = True
        self._begin_turn()
        return printed + self._release()

    def notice(self, text: str) -> Printed:
        """Show one line about the conversation itself, on stderr unless stdout is a terminal."""
        line = " ".join(Scrubber().feed(text).split())
        if not line:
            return Printed()
        if not self._is_terminal:
            return Printed(stderr=f"{line}\n")
        return Printed(stdout=f"{self._break_line()}{self._styled(line, DIM)}\n")

    def end_line(self) -> str:
        """Finish the open line, before the terminal goes to somebody else or the program ends. The turn goes on."""
        return self._break_line() + self._release() + self._break_line()

    def _say(self, speaker: Speaker, text: str) -> str:
        text = self._scrubbers[speaker].feed(text)
        start = ""
        if speaker != self._speaker:
            text = text.lstrip()
            if not text:
                return ""
            start = self._break_line() + self._label(speaker)
            self._speaker = speaker
        shown = (self._gap + text).rstrip()
        self._gap = (self._gap + text)[len(shown) :]
        return start + self._tidy(shown)

    def _tidy(self, text: str) -> str:
        """Reduce white space around newlines: at most one blank line on a terminal, one blank elsewhere."""
        first, *lines = text.split("\n")
        tidy, newlines = first.rstrip() if lines else first, ""
        for line in lines:
            newlines = "\n\n" if newlines else "\n"
            if words := line.strip():
                tidy += (newlines if self._is_terminal else " ") + words
                newlines = ""
        return tidy

    def _begin_turn(self) -> None:
        self._has_replied = False
        self._scrubbers = {"assistant": Scrubber(), "user": Scrubber()}

    def _release(self) -> str:
        held, self._held = self._held, ""
        return self._say("user", held)

    def _break_line(self) -> str:
        self._gap = ""
        if self._speaker is None:
            return ""
        self._speaker = None
        return "\n"

    def _label(self, speaker: Speaker) -> str:
        if self._is_terminal:
            name = self._labels.assistant if speaker == "assistant" else self._labels.user
            return self._styled(f"{name}:", COLOURS[speaker]) + " "
        return "> " if speaker == "user" else ""

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._has_colour else text
