"""From what was recorded of one cell to its numbers. Pure."""

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np

from scripts.benchmarks.microphone import Ages, Arrived, follow
from scripts.benchmarks.scene import SYLLABLE_S, Taken, asked
from scripts.benchmarks.sound import (
    LETTER_S,
    MIC_RATE_HZ,
    SINK_RATE_HZ,
    Timeline,
    gaps_s,
    pitch_of,
    sounding,
)

JUST_BEFORE_S = 0.3
LATE_S = 0.2
"""Speech that comes later than this is of no use to a conversation."""

Event = dict[str, Any]


class Spread(msgspec.Struct, frozen=True):
    """Milliseconds: how they are spread; all None when there was nothing to measure."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    max: float | None = None

    @classmethod
    def of(cls, values_s: "Ages | list[float]") -> "Spread":
        """Describe values given in seconds."""
        if not len(values_s):
            return cls()
        ordered = sorted(1000 * float(value) for value in values_s)
        return cls(*(percentile(ordered, share) for share in (0.5, 0.95, 0.99)), round(ordered[-1], 1))


class Numbers(msgspec.Struct, frozen=True):
    """The result of one cell. What is None could not be measured."""

    gaps: int
    gap_ms: float
    missing_ms: float
    """How much of the reply was not heard at all, gaps or not."""
    mic_late_ms: Spread
    mic_to_server_ms: Spread
    mic_lost_ms: float | None
    mic_late_share: float | None
    """The part of the audio that arrived more than 200 ms after it was captured."""
    silence_ms: list[float]
    """Interrupted -> silence, of each interruption that cut a sounding reply."""
    cuts_unheard: int
    """Interruptions that did not happen: the model did not hear the user, or nothing sounded any more."""
    receive_to_play_ms: list[float]


class Cut(msgspec.Struct, frozen=True):
    """What the replies and interruptions of a session tell; as in `Numbers`."""

    silence_ms: list[float]
    cuts_unheard: int
    receive_to_play_ms: list[float]


def measure_cuts(taken: Taken) -> Cut:
    """Evaluate the interruptions of a session."""
    return _cut_of(taken, Timeline.of(taken.sink, SINK_RATE_HZ, is_played=True), _replies(taken))


def _cut_of(taken: Taken, sink: Timeline, replies: dict[int, float]) -> Cut:
    silences = [value for event in _cuts(taken) if (value := _silence_s(sink, taken, event)) is not None]
    return Cut(
        [_ms(value) for value in silences],
        max(0, taken.cuts_tried - len(silences)),
        [_ms(delay) for delay in _delays_s(sink, replies)],
    )


def measure(taken: Taken, more: Iterable[Cut] = ()) -> Numbers:
    """Evaluate one cell: a session, and what was cut in more of them."""
    sink = Timeline.of(taken.sink, SINK_RATE_HZ, is_played=True)
    replies = _replies(taken)
    gaps, missing_s = _first_reply(sink, taken, replies)
    mic = _microphone(taken)
    cut = [_cut_of(taken, sink, replies), *more]
    return Numbers(
        gaps=len(gaps),
        gap_ms=_ms(sum(gaps)),
        missing_ms=_ms(missing_s),
        mic_late_ms=Spread() if taken.filters_voice else Spread.of(mic.lateness_s),
        mic_to_server_ms=Spread.of(mic.ages_s),
        mic_lost_ms=None if taken.filters_voice else _ms(mic.lost_s),
        mic_late_share=None if taken.filters_voice else _late_share(mic.ages_s),
        silence_ms=[value for each in cut for value in each.silence_ms],
        cuts_unheard=sum(each.cuts_unheard for each in cut),
        receive_to_play_ms=[value for each in cut for value in each.receive_to_play_ms],
    )


def _late_share(ages_s: Ages) -> float:
    return round(float(np.mean(ages_s > LATE_S)), 4) if len(ages_s) else 1.0


def percentile(ordered: list[float], share: float) -> float:
    """Return the nearest-rank percentile of sorted values."""
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 1)


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)


def _at_s(event: Event) -> float:
    return float(event["at_ns"]) / 1e9


def _named(taken: Taken, name: str) -> list[Event]:
    return [event for event in taken.events if event["event"] == name]


def _replies(taken: Taken) -> dict[int, float]:
    """Return when the server began to send the reply to each turn."""
    turns = asked(taken.events)
    began = [at / 1e9 for at in taken.heard.began_ns]
    found = {}
    for (turn, from_s), (_, to_s) in pairwise(
        [*((int(it["turn"]), _at_s(it)) for it in turns), (0, math.inf)]
    ):
        if sent := [at for at in began if from_s <= at < to_s]:
            found[turn] = sent[0]
    return found


def _first_reply(sink: Timeline, taken: Taken, replies: dict[int, float]) -> tuple[list[float], float]:
    """Return the gaps in the long reply, and how much of it was missing."""
    length_s = round(taken.reply_s / LETTER_S) * LETTER_S
    if 1 not in replies:
        return [], length_s
    spoken = [_at_s(event) for event in taken.events if event["event"] in {"speech_started", "text"}]
    until_s = next((at for at in spoken if at > replies[1] + length_s), math.inf)
    heard = sounding(sink, pitch_of(1), replies[1], min(until_s, sink.at(len(sink.samples))))
    if heard is None:
        return [], length_s
    gaps = gaps_s(sink, *heard)
    return gaps, max(0.0, length_s - (heard[1] - heard[0] - sum(gaps)))


def _microphone(taken: Taken) -> Arrived:
    """Follow the long utterance: from its first loud sample on, for the syllable and the whisper."""
    given = Timeline.of(taken.microphone, MIC_RATE_HZ)
    loud = np.flatnonzero(np.abs(given.samples.astype(np.int32)) > 0)
    begin_s = given.at(int(loud[0])) if len(loud) else given.start_s
    end_s = begin_s + SYLLABLE_S + taken.reply_s + 1.5
    return follow(given, taken.heard.chunks, begin_s, end_s)


def _cuts(taken: Taken) -> list[Event]:
    return _named(taken, "interrupted")


def _silence_s(sink: Timeline, taken: Taken, cut: Event) -> float | None:
    """Return how long the reply sounded on; None when it did not sound when it was cut."""
    at_s, pitch = _at_s(cut), pitch_of(int(cut["turn"]))
    later = [_at_s(event) for event in _cuts(taken) if event["at_ns"] > cut["at_ns"]]
    # A typed turn need not cut anything; the reply to the turn after the one that cut it has the same pitch.
    later += [_at_s(event) for event in asked(taken.events) if event["turn"] > cut["turn"] + 1]
    until_s = min([*later, sink.at(len(sink.samples))])
    if sounding(sink, pitch, at_s - JUST_BEFORE_S, at_s) is None:
        return None
    after = sounding(sink, pitch, at_s, until_s)
    return max(0.0, after[1] - at_s) if after else 0.0


def _delays_s(sink: Timeline, replies: dict[int, float]) -> list[float]:
    """Return how long each reply took from the server's socket to the loudspeaker."""
    ends = [end for _, end in pairwise([*sorted(replies.values()), sink.at(len(sink.samples))])]
    found = []
    for (turn, sent_s), end_s in zip(sorted(replies.items()), ends, strict=True):
        if heard := sounding(sink, pitch_of(turn), sent_s, end_s):
            found.append(heard[0] - sent_s)
    return found
