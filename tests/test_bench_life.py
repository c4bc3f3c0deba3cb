"""What `bench life` makes of its recordings: on recordings whose truth is known."""

import numpy as np
import pytest

from scripts.benchmarks.life import Life, LifeCell, lines, measure
from scripts.benchmarks.life_scene import TYPED, Lived
from scripts.benchmarks.server import ServerSound
from scripts.benchmarks.sound import MIC_RATE_HZ

BEGAN_S = 100.0
LOST_S = 3.0
RESET = {"event": "fault", "at_ns": int((BEGAN_S + LOST_S) * 1e9), "do": {"reset": True}}


def noise(seconds):
    return (np.random.default_rng(3).standard_normal(round(seconds * MIC_RATE_HZ)) * 120).astype(np.int16)


def lived(happening="reset", missing=(), late_s=lambda at_s: 0.0, events=(RESET,), spoken_s=8.0, **more):
    """A rival whose recorder runs from second 1 on, but for the spans in `missing`; seconds after its start."""
    voice = noise(spoken_s)
    blocks = [
        (BEGAN_S + 1 + (at + 160) / MIC_RATE_HZ, voice[at : at + 160].tobytes())
        for at in range(0, len(voice), 160)
    ]
    chunks = []
    for at in range(0, len(voice), 320):
        at_s = 1 + at / MIC_RATE_HZ
        if not any(begin <= at_s < end for begin, end in missing):
            came_s = BEGAN_S + at_s + 0.03 + late_s(at_s)
            chunks.append((int(came_s * 1e9), voice[at : at + 320].tobytes()))
    whispered_until_s = BEGAN_S + 1 + spoken_s
    heard = ServerSound(chunks=chunks)
    return Lived(happening, BEGAN_S, list(events), heard, blocks, whispered_until_s, **more)


def test_a_rival_is_ready_when_the_model_hears_it():
    assert measure(lived()).ready_s == pytest.approx(1.03, abs=0.01)


def test_a_rival_that_was_never_heard_was_never_ready():
    assert measure(lived(missing=[(0, 100)])).ready_s is None


def test_speech_that_waits_out_a_lost_connection_is_late_and_not_lost():
    waited = measure(lived(late_s=lambda at_s: max(0.0, 3.3 - at_s) if at_s > LOST_S - 0.1 else 0.0))
    assert waited.lost_ms == pytest.approx(0, abs=1)
    assert waited.deaf_ms == pytest.approx(430, abs=45)


def test_speech_into_a_lost_connection_is_lost():
    life = measure(lived(missing=[(3.0, 4.0)]))
    assert life.lost_ms == pytest.approx(1000, abs=30)
    assert life.deaf_ms == pytest.approx(1000, abs=45)


def test_a_rival_from_which_nothing_comes_any_more_is_deaf_for_good():
    life = measure(lived(missing=[(3.0, 100)]))
    assert life.deaf_ms is None
    assert life.lost_ms > 4000


def test_nothing_is_claimed_of_speech_that_the_rival_changed():
    assert measure(lived(), filters_voice=True).lost_ms is None


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_typed_line_is_counted_in_the_context_that_the_model_has_in_the_end(count):
    contexts = [{"event": "turn_complete", "texts": {TYPED: 7}}, {"event": "speech", "texts": {TYPED: count}}]
    assert measure(lived(events=[RESET, *contexts])).typed == count


def test_a_killed_player_is_back_when_another_process_plays():
    life = measure(lived("kill", player_killed_s=110.0, player_back_s=110.7, recorder_killed_s=103.0))
    assert life.player_back_s == 0.7


def test_a_killed_recorder_is_back_when_the_model_hears_again_whatever_was_on_its_way():
    life = measure(lived("kill", missing=[(3.05, 3.65)], recorder_killed_s=BEGAN_S + 3.0))
    assert life.recorder_back_s == pytest.approx(0.6, abs=0.05)


def cells(**more):
    return [
        LifeCell(1, happening, "somebody", Life(ready_s=2.0, **more))
        for happening in ("kill", "goaway", "reset")
    ]


def row(them):
    return " ".join(lines(them)[-1].split())


def test_what_ends_with_its_player_cannot_heal():
    assert "cannot: it ends cannot: it ends" in row(cells(has_ended=True))


def test_what_goes_on_shows_its_times():
    shown = row(
        cells(player_back_s=0.8, recorder_back_s=0.3, deaf_ms=250.0, lost_ms=0.0, typed=1, goes_on=True)
    )
    assert shown == "somebody 2.0/2.0 0.8 s 0.3 s 250 ms, 0 ms once 250 ms, 0 ms once"


def test_a_rival_that_could_not_be_started_cannot():
    assert "cannot" in row([LifeCell(1, "kill", "somebody", None, "no such package")])
