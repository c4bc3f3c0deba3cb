"""Pairing without an address: what is announced in the network says where to knock, and nothing it says is believed."""

import subprocess
import sys

import pytest
from test_pairing import free_port

from actors.runtime.bus.curve import new_keys, raw_key
from actors.runtime.sighting import MOST_PLACES, Place, Sighting, badge_of, worth_a_try
from supervisor.remote.invitation import Invitation, new_token

KEY = new_keys().public
BADGE = badge_of(KEY)


def places(*sightings):
    return worth_a_try(sightings, KEY)


def test_an_invitation_without_an_address_comes_out_as_it_went_in():
    sent = Invitation("", 0, KEY, new_token())
    assert str(sent).count(":") == 2
    assert Invitation.parse(f"{sent}\n") == sent


@pytest.mark.parametrize("spoil", [lambda text: text[:-3], lambda text: text.replace("1:", "1::", 1)])
def test_a_damaged_invitation_without_an_address_is_refused(spoil):
    with pytest.raises(ValueError, match="copy the whole line"):
        Invitation.parse(spoil(str(Invitation("", 0, KEY, new_token()))))


def test_a_badge_stands_for_one_key_and_does_not_tell_it():
    assert len({BADGE, badge_of(new_keys().public)}) == 2
    assert badge_of(KEY) == BADGE
    assert BADGE[:8] not in str(Invitation("", 0, KEY, new_token()))
    assert raw_key(KEY).hex() not in BADGE


def test_only_who_wears_the_badge_is_tried():
    other = Sighting(badge_of(new_keys().public), ("10.0.0.8",), 7340)
    assert places(other, Sighting("", ("10.0.0.7",), 7340), Sighting(BADGE, ("10.0.0.9",), 7341)) == [
        Place("10.0.0.9", 7341)
    ]


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "127.0.0.1", "224.0.0.251", "0.0.0.0", "fe80::1", "studio.local", ""]
)
def test_an_announcement_sends_nobody_out_of_the_private_network(address):
    assert places(Sighting(BADGE, (address, "192.168.1.7"), 7340)) == [Place("192.168.1.7", 7340)]


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_a_port_that_is_none_is_not_tried(port):
    assert places(Sighting(BADGE, ("10.0.0.9",), port)) == []


def test_several_places_are_tried_each_once_in_the_order_of_sighting_and_no_flood_of_them():
    sightings = [Sighting(BADGE, (f"10.0.0.{number}", "10.0.1.1"), 7340) for number in range(1, 99)]
    found = places(*sightings)
    assert found[:3] == [Place("10.0.0.1", 7340), Place("10.0.1.1", 7340), Place("10.0.0.2", 7340)]
    assert len(found) == len(set(found)) == MOST_PLACES


# Without the extra.


def without_zeroconf(directory, *words, **options):
    script = (
        "import sys; sys.modules['zeroconf'] = None\n"  # as if it were not installed
        f"from supervisor.cli import run; sys.exit(run({list(words)}))"
    )
    environment = {"ANTIPHON_CONFIG_DIR": str(directory)}
    return subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


def test_pairing_over_the_network_without_the_extra_says_what_to_install_and_shows_no_line(tmp_path):
    ended = without_zeroconf(tmp_path / "host", "pair", "kitchen", "--lan", "--port", free_port())
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"{sys.executable} -m pip install 'zeroconf>=" in ended.stderr
    assert "--address HOST" in ended.stderr
    assert "paste" not in ended.stderr


def test_joining_by_a_line_without_an_address_without_the_extra_says_what_to_install(tmp_path):
    line = str(Invitation("", 0, KEY, new_token()))
    ended = without_zeroconf(tmp_path / "device", "join", "-", input=line)
    assert ended.returncode == 1
    assert f"{sys.executable} -m pip install 'zeroconf>=" in ended.stderr
    assert "pair without --lan" in ended.stderr
