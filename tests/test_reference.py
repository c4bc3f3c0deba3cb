"""What the loudspeakers play on a line of time."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from actors.inputs.reference import RATE_HZ, Timeline

CAPACITY = 1000
BLOCKS = st.lists(
    st.tuples(st.integers(0, 900), st.lists(st.integers(-32768, 32767), min_size=1, max_size=99)), max_size=12
)


def pcm(samples):
    return array("h", samples).tobytes()


def line(*blocks):
    timeline = Timeline(CAPACITY / RATE_HZ)
    for first, samples in blocks:
        timeline.add(pcm(samples), first)
    return timeline


def mixed(blocks, first, n_samples):
    """What sounds from `first` on: the sum of all blocks, as loud as a sample can be."""
    sums = dict.fromkeys(range(first, first + n_samples), 0)
    for start, samples in blocks:
        for at, sample in enumerate(samples, start):
            if at in sums:
                sums[at] += sample
    return pcm([max(-32768, min(32767, each)) for each in sums.values()])


@given(
    blocks=BLOCKS, offset=st.integers(0, 10**9), first=st.integers(-50, 1100), n_samples=st.integers(0, 200)
)
def test_the_samples_at_a_time_are_those_that_sounded_then_in_whatever_order_they_came(
    blocks, offset, first, n_samples
):
    shifted = [(start + offset, samples) for start, samples in blocks]
    assert line(*shifted).read(first + offset, n_samples) == mixed(shifted, first + offset, n_samples)


@given(blocks=BLOCKS, at=st.integers(0, 1000))
def test_what_was_announced_from_a_cut_on_is_silent(blocks, at):
    timeline = line(*blocks)
    timeline.cut(at)
    assert timeline.read(0, at) == mixed(blocks, 0, at)
    assert not any(timeline.read(at, 1100))


def test_after_a_cut_the_next_reply_is_there():
    timeline = line((0, [5] * 100))
    timeline.cut(50)
    timeline.add(pcm([7] * 10), 60)
    assert timeline.read(45, 30) == pcm([5] * 5 + [0] * 10 + [7] * 10 + [0] * 5)


def test_the_line_forgets_what_is_older_than_its_length():
    timeline = line((0, [5] * 10), (CAPACITY, [6] * 5))
    assert timeline.read(0, 10) == pcm([0] * 5 + [5] * 5)
    timeline.add(pcm([9] * 10), 0)
    assert timeline.read(0, 10) == pcm([0] * 5 + [14] * 5)


def test_a_block_longer_than_the_line_leaves_its_end():
    assert line((0, list(range(1, 3001)))).read(1990, 20) == pcm([0] * 10 + list(range(2001, 2011)))
