"""Lines that show a picture, `/image PATH words`: what they mean."""

from pathlib import Path

from actors.devices.still import WORDS, PictureRefusedError

COMMAND = "/image"


def is_picture(text: str) -> bool:
    """Whether a line shows a picture."""
    return text.split(maxsplit=1)[:1] == [COMMAND]


def parse(text: str) -> tuple[Path, str]:
    """Return the path and the words of a line. A path with spaces stands in quotes, or has a backslash before each."""
    rest = text.removeprefix(COMMAND).strip()
    if rest[:1] in {'"', "'"}:
        path, closing, words = rest[1:].partition(rest[0])
        if not closing:
            raise PictureRefusedError(f"the quote {rest[0]} before the path is not closed")
    else:
        path, words = _first_word(rest)
    if not path:
        raise PictureRefusedError(f"write {COMMAND} PATH, and behind it what you want to say")
    try:
        return Path(path).expanduser(), words.strip() or WORDS
    except RuntimeError as error:  # ~somebody
        raise PictureRefusedError(f"{path}: {error}") from error


def _first_word(text: str) -> tuple[str, str]:
    word, at = "", 0
    while at < len(text) and not text[at].isspace():
        at += text[at] == "\\" and at + 1 < len(text)
        word += text[at]
        at += 1
    return word, text[at:]
