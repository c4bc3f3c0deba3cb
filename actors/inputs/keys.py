"""Bytes of a terminal, cut anywhere, to keys: one character, or one whole escape sequence. Pure."""

import codecs
from collections.abc import Iterator
from typing import Final

STRING_STARTS: Final = "]PX^_"
SEQUENCE_KEPT: Final = 16


class Keys:
    """Bytes to characters and whole escape sequences, however the bytes are cut."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._begun = ""

    def feed(self, data: bytes) -> Iterator[str]:
        """Take bytes and give the keys they complete."""
        for character in self._decode(data):
            token = self._take(character)
            if token:
                yield token

    def settle(self) -> None:
        """Forget a begun sequence: nothing followed, so it was a lone Escape."""
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
