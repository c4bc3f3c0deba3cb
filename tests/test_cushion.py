"""How much sound the loudspeaker's device holds."""

from actors.devices.audio import OUTPUT_LATENCY_MS
from actors.outputs.cushion import MOST_MS, Cushion


def test_a_device_that_ran_dry_holds_twice_as_much_from_now_on():
    cushion = Cushion("auto")
    assert cushion.ms == OUTPUT_LATENCY_MS
    assert not cushion.is_too_short(xruns=0)
    assert cushion.is_too_short(xruns=1)
    assert cushion.ms == 2 * OUTPUT_LATENCY_MS


def test_one_trouble_is_answered_once_however_often_it_ran_dry_meanwhile():
    cushion = Cushion("auto")
    assert [cushion.is_too_short(xruns) for xruns in (5, 5, 5)] == [True, False, False]


def test_it_grows_to_its_limit_and_never_shrinks():
    cushion = Cushion("auto")
    grown = [cushion.is_too_short(xruns) for xruns in range(1, 9)]
    assert (grown.count(True), cushion.ms) == (2, MOST_MS)


def test_what_is_configured_stays():
    cushion = Cushion(20)
    assert not cushion.is_too_short(xruns=9)
    assert cushion.ms == 20
