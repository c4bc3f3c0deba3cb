"""How much sound the loudspeaker's device holds."""

from actors.devices.audio import OUTPUT_LATENCY_MS
from actors.outputs.cushion import MOST_MS, Cushion


def replies(cushion, *xruns):
    """Play a reply for each pair of how often the device had run dry before and after it; gives when it has to hold more."""
    grown = []
    for before, after in xruns:
        cushion.reply_begins(before)
        grown.append(cushion.replies_over(after))
    return grown


def test_a_device_that_ran_dry_in_a_reply_holds_twice_as_much_from_then_on():
    cushion = Cushion("auto")
    assert cushion.ms == OUTPUT_LATENCY_MS
    assert replies(cushion, (0, 0), (0, 1)) == [False, True]
    assert cushion.ms == 2 * OUTPUT_LATENCY_MS


def test_one_trouble_is_answered_once_however_often_it_ran_dry_in_it():
    cushion = Cushion("auto")
    cushion.reply_begins(0)
    cushion.reply_begins(3)
    assert [cushion.replies_over(5) for _ in range(3)] == [True, False, False]


def test_what_nobody_heard_is_no_reason_to_hold_more():
    cushion = Cushion("auto")
    assert not cushion.replies_over(4)
    assert replies(cushion, (6, 6), (9, 9)) == [False, False]


def test_it_grows_to_its_limit_and_never_shrinks():
    cushion = Cushion("auto")
    grown = replies(cushion, *((xruns, xruns + 1) for xruns in range(8)))
    assert (grown.count(True), cushion.ms) == (2, MOST_MS)


def test_what_is_configured_stays():
    cushion = Cushion(20)
    assert replies(cushion, (0, 9)) == [False]
    assert cushion.ms == 20
