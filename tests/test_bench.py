"""What the audio benchmark makes of its recordings: on recordings whose truth is known."""

from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.model.parrot.script import Rule
from actors.model.parrot.tones import melody
from scripts.benchmarks.audio import cells_of_a_round
from scripts.benchmarks.loads import json_text, pauses_s
from scripts.benchmarks.measures import Cut, Numbers, Spread, measure, measure_cuts, percentile
from scripts.benchmarks.microphone import follow
from scripts.benchmarks.scene import PHASES_S, SESSIONS_A_ROUND, Plan, Taken, script, waits_s
from scripts.benchmarks.server import ServerSound
from scripts.benchmarks.sound import (
    MIC_RATE_HZ,
    SINK_RATE_HZ,
    Timeline,
    gaps_s,
    letter_of,
    pitch_of,
    sounding,
)
from scripts.benchmarks.table import Cell, interquartile_mean, lines, summarise, trimmed_mean

BLOCK = SINK_RATE_HZ // 100
START_S = 100.0


def reply(turn, seconds):
    return np.frombuffer(melody(letter_of(turn) * round(seconds / 0.07), SINK_RATE_HZ), dtype=np.int16)


def silence(seconds, rate_hz=SINK_RATE_HZ):
    return np.zeros(round(seconds * rate_hz), np.int16)


def timeline(*parts):
    return Timeline(np.concatenate(parts), SINK_RATE_HZ, START_S)


def blocks(samples, rate_hz, start_s=START_S, late_s=lambda _: 0.0):
    n = rate_hz // 100
    cut = [samples[at : at + n] for at in range(0, len(samples), n)]
    return [
        (start_s + (number + 1) / 100 + late_s(number), block.tobytes()) for number, block in enumerate(cut)
    ]


def noise(seconds, rms=120):
    return (np.random.default_rng(3).standard_normal(round(seconds * MIC_RATE_HZ)) * rms).astype(np.int16)


def sent(samples, delay_s=0.01, chunk=320):
    """As a client that sends `chunk` samples at a time; (ns of arrival, pcm)."""
    cut = [(at, samples[at : at + chunk]) for at in range(0, len(samples), chunk)]
    return [
        (int((START_S + (at + len(pcm)) / MIC_RATE_HZ + delay_s) * 1e9), pcm.tobytes()) for at, pcm in cut
    ]


def followed(samples, chunks):
    given_line = Timeline(samples, MIC_RATE_HZ, START_S)
    return follow(given_line, chunks, START_S, START_S + len(samples) / MIC_RATE_HZ)


# The loudspeaker.


def test_the_clock_of_a_recording_is_its_promptest_block():
    late = blocks(reply(1, 0.7), SINK_RATE_HZ, late_s=lambda number: 0.004 if number == 7 else 0.009)
    line = Timeline.of(late, SINK_RATE_HZ)
    assert line.at(0) == pytest.approx(START_S + 0.004)
    assert line.at(SINK_RATE_HZ) == pytest.approx(START_S + 1.004)


@pytest.mark.parametrize("n", [96, 128, 480])
def test_a_block_is_played_from_the_moment_it_is_shown_however_long_it_is_and_in_whatever_pieces(n):
    came_s = [START_S + at / SINK_RATE_HZ for at in range(0, 2 * SINK_RATE_HZ, n)]
    pieces = [(at_s + late_s, bytes(2 * part)) for at_s in came_s for late_s, part in [(0, n - 1), (1e-4, 1)]]
    line = Timeline.of(pieces, SINK_RATE_HZ, is_played=True)
    assert line.at(0) == pytest.approx(START_S)
    assert line.at(48_000) == pytest.approx(START_S + 1)


@settings(deadline=None)
@given(ppm=st.integers(-500, 500), at=st.floats(0, 1))
def test_a_sound_server_whose_clock_runs_fast_or_slow_is_followed(ppm, at):
    true_hz, n = SINK_RATE_HZ * (1 + ppm / 1e6), 480
    played = [(START_S + number * n / true_hz, bytes(2 * n)) for number in range(3000)]
    line = Timeline.of(played, SINK_RATE_HZ, is_played=True)
    sample = round(at * 3000 * n)
    assert line.at(sample) == pytest.approx(START_S + sample / true_hz, abs=0.0025)
    assert line.index(line.at(sample)) == pytest.approx(sample, abs=2)


def test_an_unbroken_reply_has_no_gap_although_its_letters_fade():
    line = timeline(silence(1), reply(1, 2.1), silence(1))
    assert gaps_s(line, START_S, START_S + 5) == []


@pytest.mark.parametrize("turn", [1, 2])
@settings(deadline=None)
@given(gap_s=st.floats(0.006, 0.5), before_s=st.floats(0.1, 1.9))
def test_a_gap_is_found_with_its_length(turn, gap_s, before_s):
    whole, at = reply(turn, 2.1), round(before_s * SINK_RATE_HZ)
    line = timeline(silence(0.5), whole[:at], silence(gap_s), whole[at:], silence(0.5))
    (found,) = gaps_s(line, START_S, START_S + 5)
    assert found == pytest.approx(gap_s, abs=0.002)


def test_the_two_pitches_are_told_apart_wherever_a_tone_begins():
    for offset_s in np.linspace(0, 0.005, 7):
        line = timeline(silence(0.3 + offset_s), reply(2, 0.7), silence(0.3))
        assert sounding(line, "low", START_S, START_S + 2) is None
        first, last = sounding(line, "high", START_S, START_S + 2)
        assert first == pytest.approx(START_S + 0.3 + offset_s, abs=0.002)
        assert last == pytest.approx(START_S + 1.0 + offset_s, abs=0.002)


def test_a_tone_that_follows_another_at_once_is_not_taken_for_it():
    line = timeline(reply(1, 0.7), reply(2, 0.7))
    assert sounding(line, "low", START_S, START_S + 2)[1] == pytest.approx(START_S + 0.7, abs=0.006)
    assert sounding(line, "high", START_S, START_S + 2)[0] == pytest.approx(START_S + 0.7, abs=0.006)


def test_silence_has_no_pitch():
    assert sounding(timeline(silence(1)), "low", START_S, START_S + 1) is None
    assert sounding(timeline(silence(1)), "high", START_S - 5, START_S) is None


# The microphone.


def test_what_arrives_whole_lost_nothing_and_is_as_old_as_it_was_delayed():
    samples = noise(1)
    arrived = followed(samples, sent(samples, delay_s=0.03))
    assert arrived.lost_s == 0
    assert sorted(set(arrived.ages_s.round(4))) == [0.03, 0.04]
    assert arrived.lateness_s.max() == pytest.approx(0, abs=1e-6)


def test_a_client_that_started_to_listen_before_the_recorder_is_followed_all_the_same():
    samples = noise(1)
    earlier = np.concatenate([noise(0.35)[::-1], samples])
    assert followed(samples, sent(earlier)).lost_s == 0


@settings(deadline=None)  # the machine may be loaded
@given(start=st.integers(2000, 9000), length=st.integers(400, 4000))
def test_what_is_missing_is_found_to_a_block_or_two(start, length):
    samples = noise(1)
    kept = np.delete(samples, slice(start, start + length))
    arrived = followed(samples, sent(kept, delay_s=1))
    assert -0.001 <= arrived.lost_s - length / MIC_RATE_HZ <= 0.021


def test_one_message_that_is_late_is_late_alone():
    samples = noise(1)
    chunks = [(at + 250_000_000 * (number == 20), pcm) for number, (at, pcm) in enumerate(sent(samples))]
    arrived = followed(samples, chunks)
    assert sorted(arrived.lateness_s.round(3))[-2:] == [0, 0.25]


def test_nothing_that_arrives_is_all_lost():
    samples = noise(1)
    arrived = followed(samples, [])
    assert len(arrived.ages_s) == 0
    assert arrived.lost_s == pytest.approx(1, abs=0.03)


def test_sound_that_was_never_spoken_counts_for_nothing():
    samples = noise(1)
    other = np.random.default_rng(9).standard_normal(MIC_RATE_HZ) * 120
    assert followed(samples, sent(other.astype(np.int16))).lost_s > 0.9


# A whole cell.


def event(name, at_s, **more):
    return {"event": name, "at_ns": int((START_S + at_s) * 1e9), **more}


def taken(sink_parts, events, began_s, microphone=None, chunks=None):
    spoken = noise(4) if microphone is None else microphone
    return Taken(
        reply_s=2.1,
        cuts_tried=1,
        events=events,
        heard=ServerSound(
            chunks=sent(spoken) if chunks is None else chunks,
            began_ns=[int((START_S + at) * 1e9) for at in began_s],
        ),
        sink=blocks(np.concatenate(sink_parts), SINK_RATE_HZ, START_S - 0.01),
        microphone=blocks(spoken, MIC_RATE_HZ),
        is_prioritised=True,
    )


CUT = [
    event("speech_started", 0.1),
    event("speech", 0.9, turn=1),
    event("turn_complete", 3.1, turn=1),
    event("speech_started", 4.0),
    event("speech", 4.5, turn=2),
    event("speech_started", 6.0),
    event("interrupted", 6.0, turn=2),
    event("speech", 6.8, turn=3),
]


def test_a_cell_is_measured_from_its_recordings():
    heard = [silence(1.05), reply(1, 2.1), silence(1.43), reply(2, 1.47), silence(0.9), reply(1, 0.7)]
    numbers = measure(taken(heard, CUT, [1.0, 4.5, 6.85]))
    assert (numbers.gaps, numbers.missing_ms) == (0, pytest.approx(0, abs=3))
    assert numbers.silence_ms == [pytest.approx(50, abs=3)]
    assert numbers.receive_to_play_ms == [pytest.approx(each, abs=3) for each in (50, 80, 100)]
    assert numbers.cuts_unheard == 0
    assert (numbers.mic_lost_ms, numbers.mic_late_share) == (0, 0)
    assert numbers.mic_to_server_ms == Spread(p50=10.0, p95=20.0, p99=20.0, max=20.0)


def test_a_cut_while_nothing_sounded_is_no_quick_silence():
    heard = [silence(1), reply(1, 2.1), silence(1.4), reply(2, 0.7), silence(2)]
    numbers = measure(taken(heard, CUT, [1.0, 4.5, 6.85]))
    assert (numbers.silence_ms, numbers.cuts_unheard) == ([], 1)


def test_the_reply_after_the_next_has_the_same_pitch_and_is_not_the_one_that_was_cut():
    typed = [event("text", 2.0 * turn, turn=turn) for turn in (1, 2, 3, 4)] + [
        event("interrupted", 6.0, turn=2)
    ]
    heard = [silence(4.01), reply(2, 2.03), silence(1.96), reply(4, 0.7), silence(1)]
    assert measure_cuts(taken(heard, typed, [2.0, 4.0, 6.0, 8.0])).silence_ms == [pytest.approx(40, abs=3)]


def test_the_sharp_end_of_the_next_reply_is_not_the_one_that_was_cut():
    spoken = [
        *CUT,
        event("interrupted", 7.5, turn=3),
        event("speech", 8.0, turn=4),
        event("interrupted", 9.0, turn=4),
    ]
    heard = [silence(4.51), reply(2, 1.54), silence(1.55), reply(2, 0.07), silence(1)]  # at 7.6: a click, say
    assert measure_cuts(taken(heard, spoken, [1.0, 4.5, 6.85])).silence_ms == [pytest.approx(50, abs=3)]


def test_what_was_cut_in_more_sessions_counts_with_the_first():
    heard = [silence(1.05), reply(1, 2.1), silence(1.43), reply(2, 1.47), silence(0.9), reply(1, 0.7)]
    more = [Cut([5.0, 6.0], 1, [7.0]), Cut([8.0], 2, [])]
    numbers = measure(taken(heard, CUT, [1.0, 4.5, 6.85]), more)
    assert numbers.silence_ms == [pytest.approx(50, abs=3), 5.0, 6.0, 8.0]
    assert (numbers.cuts_unheard, numbers.receive_to_play_ms[3:]) == (3, [7.0])


def test_a_reply_that_starved_is_missing_though_it_has_no_gap():
    numbers = measure(taken([silence(1), reply(1, 0.7), silence(4)], CUT, [1.0]))
    assert (numbers.gaps, numbers.missing_ms) == (0, pytest.approx(1400, abs=3))


def test_a_reply_that_never_came_is_all_missing():
    numbers = measure(taken([silence(5)], [], []))
    assert numbers.missing_ms == pytest.approx(2100)
    assert numbers.receive_to_play_ms == []


# Around it.


def test_replies_alternate_and_the_parrot_takes_the_script():
    assert [pitch_of(turn) for turn in (1, 2, 3)] == ["low", "high", "low"]
    import msgspec

    rules = msgspec.convert(script(8.0), list[Rule])
    assert {rule.do.reply.text for rule in rules} == {"i" * 114, "h" * 114}


def test_each_load_is_run_with_all_rivals_in_turn_and_the_intruder_only_where_it_can():
    assert cells_of_a_round(["none", "threads"], ["antiphon", "cookbook", "inside"]) == [
        ("none", "antiphon"),
        ("none", "cookbook"),
        ("threads", "antiphon"),
        ("threads", "cookbook"),
        ("threads", "inside"),
    ]


def test_the_text_to_parse_has_about_the_size_asked_for():
    import json

    text = json_text(100_000)
    assert len(text) == pytest.approx(100_000, rel=0.01)
    assert set(json.loads(text)) == {0.12345678901234567}


def test_replies_begin_evenly_over_the_blocks_that_a_rival_plays_in():
    began = sorted(waits_s(turn) for turn in range(2, 2 + Plan().interruptions))
    gaps = [later - earlier for earlier, later in pairwise([*began, began[0] + PHASES_S])]
    assert all(0 <= wait < PHASES_S for wait in began)
    assert max(gaps) < 2 * PHASES_S / Plan().interruptions


def test_percentiles_are_values_that_were_measured():
    assert [percentile([1.0, 2.0, 3.0, 40.0], share) for share in (0.5, 0.95, 1)] == [2.0, 40.0, 40.0]
    assert Spread.of([]) == Spread()


def numbers(gaps=0, silence_ms=(10.0,), lost_ms=0.0):
    spread = Spread(5.0, 18.0, 20.0, 30.0)
    return Numbers(gaps, 0.0, 0.0, spread, spread, lost_ms, 0.0, list(silence_ms), 0, [50.0])


def test_a_row_has_medians_and_the_worst_and_pools_the_interruptions():
    rounds = [numbers(0, [10.0]), numbers(9, [30.0], 100.0), numbers(1, [20.0])]
    (row,) = summarise([Cell(n, "none", "cookbook", each) for n, each in enumerate(rounds, 1)])
    assert (row.rounds, row.gaps, row.gaps_worst) == (3, 1, 9)
    assert (row.mic_lost_ms, row.mic_lost_worst_ms) == (0, 100)
    assert (row.cuts, row.silence_ms, row.silence_p50_ms, row.silence_max_ms) == (3, 20, 20, 30)


def test_loads_come_evenly_sooner_and_later_and_in_step_with_nothing():
    pauses = list(islice(pauses_s(1.0), 50))
    assert sum(pauses) == pytest.approx(50, abs=0.2)
    assert 0.9 <= min(pauses) < 0.92 < 1.08 < max(pauses) <= 1.1


def test_an_accident_among_a_few_changes_little_and_of_two_values_the_middle_is_told():
    assert interquartile_mean([22.0, 28.0, 40.0, 22.0, None, 28.0, 21.0]) == 25.0
    assert interquartile_mean([10.0, 20.0, 30.0]) == 20.0
    assert interquartile_mean([None]) is None


def test_a_rival_whose_silence_is_chance_is_cut_more_often_and_started_more_often_where_nothing_loads_it():
    plan = Plan(interruptions=4, sessions=4)
    assert plan.cuts("cookbook", "tool") > plan.cuts("livekit", "tool") == plan.cuts("cookbook", "none") == 4
    assert plan.cuts("antiphon", "tool") >= plan.cuts("pipecat", "tool")
    alone = [plan.more_sessions(arm, "none") for arm in ("antiphon", "pipecat", "original")]
    assert (alone, plan.more_sessions("pipecat", "tool")) == ([3, 7, 0], 0)
    assert max(alone) < SESSIONS_A_ROUND


def test_a_rival_whose_delay_is_settled_by_its_start_is_started_more_often_under_a_load():
    plan = Plan(interruptions=4, sessions=4)
    assert [plan.whole_sessions(arm, "tool") for arm in ("antiphon", "cookbook", "livekit")] == [1, 2, 3]
    assert plan.whole_sessions("livekit", "none") == 1
    assert [plan.cuts("original", "tool", whole) for whole in (0, 1, 2)] == [2, 0, 0]
    short = Plan(interruptions=1, sessions=1)
    assert (short.whole_sessions("livekit", "tool"), short.more_sessions("pipecat", "none")) == (1, 0)


def test_interruptions_are_told_by_their_mean_without_the_tenth_at_either_end():
    assert trimmed_mean([0.0, *[10.0, 20.0] * 4, 1700.0]) == 15.0
    assert trimmed_mean([10.0, 1700.0]) == 855.0
    assert trimmed_mean([]) is None


def test_a_cell_that_failed_is_shown_as_such_and_costs_the_others_nothing():
    rows = summarise([Cell(1, "none", "antiphon", numbers()), Cell(1, "none", "cookbook", None, "no device")])
    assert (rows[1].failed, rows[1].gaps, rows[1].silence_p50_ms) == (1, None, None)
    shown = "\n".join(lines(rows))
    assert "none, cookbook (1 failed)" in shown


def test_ratios_are_to_antiphon_under_the_same_load():
    rows = summarise(
        [
            Cell(1, "none", "antiphon", numbers(silence_ms=[20.0])),
            Cell(1, "none", "cookbook", numbers(silence_ms=[100.0])),
        ]
    )
    assert lines(rows)[-1].split()[:5] == ["none,", "cookbook", "1.0x", "1.0x", "5.0x"]
