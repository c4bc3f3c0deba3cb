"""One line of the doctor's report."""

from typing import Literal

import msgspec

Verdict = Literal["ok", "note", "wrong"]
"""note: works, but not as one might expect. wrong: a conversation will not work."""


class Finding(msgspec.Struct, frozen=True):
    """What was looked at, what was found, and what to do when it is not well."""

    topic: str
    verdict: Verdict
    said: str
    remedy: str = ""


def ok(topic: str, said: str) -> Finding:
    """It is well."""
    return Finding(topic, "ok", said)


def note(topic: str, said: str, remedy: str = "") -> Finding:
    """It works, but the user may wonder."""
    return Finding(topic, "note", said, remedy)


def wrong(topic: str, said: str, remedy: str) -> Finding:
    """It will not work until the remedy is taken."""
    return Finding(topic, "wrong", said, remedy)


def line(finding: Finding) -> str:
    """Return it as a line for a human, readable without colour."""
    text = finding.said + (f"; {finding.remedy}" if finding.remedy else "")
    return f"{finding.verdict:<6} {finding.topic:<12} " + " ".join(text.split())
