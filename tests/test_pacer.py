"""The buffer of a remote speaker at the gate: nothing beyond the credit, nothing lost in a cut, nothing left after a flush."""

from hypothesis import given
from hypothesis import strategies as st

from actors.gate.pacer import FIRST_WINDOW_MS, PACE, Pacer

MS = 24
LONG_AGO = 1000.0


def pcm(ms, first=0):
    """So many milliseconds in which every sample is its own number."""
    return b"".join((sample & 0x7FFF).to_bytes(2, "little") for sample in range(first, first + ms * MS))


def opened(**options):
    pacer = Pacer(**options)
    pacer.granted(0, 0, 0, FIRST_WINDOW_MS)
    return pacer


def all_of(pacer, start_s=0.0, seconds=10.0):
    """What is sent as time passes and nobody says anything."""
    steps = int(seconds * 100)
    return [piece for step in range(steps) for piece in pacer.take(start_s + step / 100)]


def audio(pieces):
    return b"".join(piece.pcm for piece in pieces)


def ms(pieces):
    return len(audio(pieces)) // 2 // MS


def test_nothing_is_sent_to_a_speaker_that_has_not_said_where_it_is():
    pacer = Pacer()
    pacer.add(1, pcm(100))
    assert pacer.take(0.0) == []


def test_the_start_of_a_reply_goes_at_once_and_the_rest_at_twice_the_pace_of_speech():
    pacer = opened()
    pacer.granted(0, 0, 0, 2000)
    pacer.add(1, pcm(3000))
    at_once = ms(pacer.take(0.0))
    assert 200 <= at_once <= 220
    assert 0.9 * PACE * 500 <= ms(all_of(pacer, 0.0, 0.5)) <= PACE * 500


def test_what_the_speaker_holds_never_exceeds_its_window():
    pacer = opened()
    pacer.add(1, pcm(3000))
    assert ms(all_of(pacer)) == FIRST_WINDOW_MS
    pacer.granted(1, 400 * MS, 100 * MS, 400)
    assert ms(all_of(pacer, 20.0)) == 100


def test_a_speaker_decides_how_much_it_wants_to_hold_within_bounds():
    pacer = opened()
    pacer.granted(0, 0, 0, 10**9)
    pacer.add(1, pcm(5000))
    assert ms(all_of(pacer)) == 2000


def test_the_end_follows_the_last_sample_once_even_without_room():
    pacer = opened()
    pacer.add(1, pcm(FIRST_WINDOW_MS))
    pacer.end(1)
    pieces = all_of(pacer)
    assert [piece.is_end for piece in pieces].count(True) == 1
    assert pieces[-1].is_end
    assert pieces[-1].position == FIRST_WINDOW_MS * MS
    assert all_of(pacer, 20.0) == []


def test_a_flush_empties_the_queue_at_once_and_what_comes_late_is_dropped_and_counted():
    pacer = opened()
    pacer.add(1, pcm(1000))
    pacer.take(0.0)
    waiting_ms = pacer.waiting_ms
    assert pacer.flush(2) == waiting_ms * MS
    pacer.add(1, pcm(50))
    assert pacer.take(LONG_AGO) == []
    assert pacer.dropped == {"flushed": waiting_ms * MS, "stale": 50 * MS}
    assert pacer.flush(2) == 0


def test_a_flush_lets_the_next_reply_begin_at_once():
    pacer = opened()
    pacer.add(1, pcm(1000))
    pacer.take(0.0)
    pacer.flush(2)
    pacer.add(2, pcm(1000))
    assert ms(pacer.take(0.0)) >= 200


def test_a_reply_waits_until_the_one_before_it_was_sent_to_its_end():
    pacer = opened()
    pacer.add(1, pcm(100))
    pacer.add(2, pcm(100))
    pieces = all_of(pacer)
    assert [(piece.epoch, piece.is_end) for piece in pieces] == [(1, False)] * 5 + [(1, True)] + [
        (2, False)
    ] * 5


def test_after_a_cut_the_speaker_gets_what_it_lacks_and_nothing_twice():
    pacer = opened()
    pacer.add(1, pcm(1000))
    pacer.end(1)
    before = pacer.take(0.0)
    pacer.broken()
    assert pacer.take(1.0) == []
    arrived = 60 * MS  # the rest was on the link
    pacer.granted(1, arrived, 20 * MS, 2000)
    after = all_of(pacer, 5.0)
    assert after[0].position == arrived
    assert audio(before)[: arrived * 2] + audio(after) == pcm(1000)
    assert after[-1].is_end


def test_a_restarted_speaker_goes_on_where_its_predecessor_had_received():
    pacer = opened()
    pacer.add(1, pcm(1000))
    pacer.take(0.0)
    pacer.granted(1, 100 * MS, 40 * MS, 400)
    pacer.broken()
    pacer.granted(0, 0, 0, 400)
    assert pacer.take(5.0)[0].position == 100 * MS


def test_a_speaker_that_claims_more_than_was_sent_is_not_believed():
    pacer = opened()
    pacer.add(1, pcm(1000))
    sent = ms(pacer.take(0.0))
    pacer.granted(1, 10**12, 10**12, 400)
    assert pacer.buffer_ms == 0
    assert pacer.link_ms == 0
    assert pacer.waiting_ms == 1000 - sent


def test_what_exceeds_the_capacity_is_dropped_and_counted():
    pacer = opened(capacity_s=1.0)
    pacer.add(1, pcm(900))
    pacer.add(1, pcm(200))
    assert (pacer.waiting_ms, pacer.dropped["full"]) == (900, 200 * MS)


def test_it_says_when_it_may_go_on_without_news():
    pacer = opened()
    assert pacer.wait_s(0.0) is None
    pacer.add(1, pcm(1000))
    assert pacer.wait_s(0.0) == 0.0
    pacer.take(0.0)
    wait_s = pacer.wait_s(0.0)
    assert 0 < wait_s < 0.05
    assert pacer.take(wait_s + 0.001)
    all_of(pacer)
    assert pacer.wait_s(LONG_AGO) is None  # the speaker is full


def test_every_piece_says_when_it_is_due_if_the_reply_has_a_time():
    pacer = opened()
    start_ns = 5_000_000_000
    pacer.add(1, pcm(100), start_ns)
    pacer.add(1, pcm(100), start_ns + 100_000_000)
    dues = [piece.due_ns for piece in pacer.take(0.0)]
    assert dues == [start_ns + 20_000_000 * number for number in range(10)]


def test_what_should_have_been_heard_already_is_not_sent():
    pacer = opened()
    pacer.add(1, pcm(300), 1_000_000_000)
    first = pacer.take(1.1)[0]
    assert first.position == 100 * MS
    assert first.due_ns == 1_100_000_000
    assert pacer.dropped == {"late": 100 * MS}


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.integers(0, 400)),
            st.tuples(st.just("arrive"), st.integers(0, 300)),
            st.tuples(st.just("play"), st.integers(0, 300)),
            st.tuples(st.just("pass"), st.integers(0, 500)),
            st.tuples(st.just("cut"), st.just(0)),
        ),
        max_size=40,
    )
)
def test_whatever_happens_on_the_link_the_speaker_gets_every_sample_once_and_in_order(events):
    pacer, now_s, total_ms = opened(), 0.0, 0
    line, got, played = b"", b"", 0
    for event, amount in events:
        if event == "add":
            pacer.add(1, pcm(amount, total_ms * MS))
            total_ms += amount
        elif event == "arrive":
            got, line = got + line[: amount * MS * 2], line[amount * MS * 2 :]
        elif event == "play":
            played = min(played + amount * MS, len(got) // 2)
        elif event == "cut":
            line = b""
            pacer.broken()
        else:
            now_s += amount / 1000
        pacer.granted(1, len(got) // 2, played, 400)
        line += audio(pacer.take(now_s))
        held = len(line + got) // 2 - played
        assert held <= (400 + 20) * MS
    got += line
    now_s += 1
    for _ in range(1000):
        pacer.granted(1, len(got) // 2, len(got) // 2, 400)
        got += audio(pacer.take(now_s))
        now_s += 1
    assert got == pcm(total_ms)
