"""What the end of a connection means: the closes the service is known to send, and when to try again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.model.reconnect import PLANNED, Backoff, Outage, Resumes, Then, classify_close, classify_refusal
from actors.runtime import exits

CLOSES = [
    # code, reason as observed, what follows, exit code, a word the user needs
    (1007, "API key not valid. Please pass a valid API key.", Then.STOP, exits.DENIED, "model.api_key_env"),
    (1008, "Method doesn't allow unregistered callers (callers without ...", Then.STOP, exits.DENIED, "key"),
    (
        1008,
        "models/x is not found for API version v1beta, or is not supported for bidiGenerateContent. Call ...",
        Then.STOP,
        exits.BAD_CONFIG,
        "model.name",
    ),
    (1008, "Publisher Model `projects/p` was not found ...", Then.STOP, exits.BAD_CONFIG, "model.location"),
    (
        1007,
        "Invalid JSON payload received. Unknown name \"x\" at 'setup'",
        Then.STOP,
        exits.BAD_CONFIG,
        "[model.live]",
    ),
    (1007, "Request contains an invalid argument.", Then.STOP, exits.BAD_CONFIG, "[model.live]"),
    (1007, "Cannot extract voices from a non-audio request.", Then.STOP, exits.BAD_CONFIG, "voices"),
    (1007, "Invalid session handle", Then.FRESH, exits.TEMPORARY, "forgot"),
    (1008, "BidiGenerateContent session not found", Then.FRESH, exits.TEMPORARY, "forgot"),
    (
        1008,
        "Connection aborted because the client failed to close the connection after receiving a GoAway signal once",
        Then.RESUME,
        exits.TEMPORARY,
        "ended the connection",
    ),
    (1008, "Operation is not implemented, or supported, or enabled.", Then.RESUME, exits.TEMPORARY, "1008"),
    (1011, "You exceeded your current quota, please check your plan ...", Then.STOP, exits.DENIED, "quota"),
    (1011, "Internal error encountered.", Then.RESUME, exits.TEMPORARY, "Internal error"),
    (1011, "The service is currently unavailable.", Then.RESUME, exits.TEMPORARY, "unavailable"),
    (1011, "Deadline expired before operation could complete.", Then.RESUME, exits.TEMPORARY, "Deadline"),
    (1011, "keepalive ping timeout", Then.RESUME, exits.TEMPORARY, "lost"),
    (1007, "User location is not supported for the API use", Then.STOP, exits.BAD_CONFIG, "location"),
    (1000, "", Then.RESUME, exits.TEMPORARY, "(1000)"),
    (1006, "", Then.RESUME, exits.TEMPORARY, "(1006)"),
]


@pytest.mark.parametrize(("code", "reason", "then", "exit_code", "word"), CLOSES)
def test_every_close_the_service_is_known_to_send_is_understood(code, reason, then, exit_code, word):
    verdict = classify_close(code, reason)
    assert (verdict.then, verdict.exit_code) == (then, exit_code)
    assert word in verdict.why


def test_a_close_without_a_frame_is_the_networks_doing():
    assert not classify_close(1006, "").is_servers_word
    assert classify_close(1011, "Internal error encountered.").is_servers_word
    assert classify_close(1007, "Invalid session handle").is_servers_word


@pytest.mark.parametrize(
    ("status", "then", "exit_code"),
    [
        (400, Then.STOP, exits.BAD_CONFIG),
        (401, Then.STOP, exits.DENIED),
        (403, Then.STOP, exits.DENIED),
        (404, Then.STOP, exits.BAD_CONFIG),
        (429, Then.RESUME, exits.TEMPORARY),
        (500, Then.RESUME, exits.TEMPORARY),
        (503, Then.RESUME, exits.TEMPORARY),
    ],
)
def test_a_refused_websocket_is_judged_by_its_status(status, then, exit_code):
    verdict = classify_refusal(status)
    assert (verdict.then, verdict.exit_code) == (then, exit_code)
    assert f"HTTP {status}" in verdict.why


@given(st.integers(0, 5000), st.text(max_size=123))
def test_any_close_gets_a_verdict_in_one_sentence(code, reason):
    verdict = classify_close(code, reason)
    assert verdict.why
    assert (verdict.then is Then.STOP) == (verdict.exit_code != exits.TEMPORARY)


def test_a_connection_we_leave_on_purpose_is_resumed_at_once():
    assert (PLANNED.then, PLANNED.is_planned) == (Then.RESUME, True)


def waits(count, jitter):
    backoff = Backoff(lambda: jitter)
    return [round(backoff.next_s(), 3) for _ in range(count)]


def test_waits_double_from_a_fifth_of_a_second_to_four():
    assert waits(7, 0.5) == [0.2, 0.4, 0.8, 1.6, 3.2, 4.0, 4.0]


def test_waits_are_spread_by_a_fifth_either_way():
    assert waits(6, 0.0)[::5] == [0.16, 3.2]
    assert waits(6, 1.0)[::5] == [0.24, 4.8]


def test_a_connection_that_did_something_starts_the_waits_anew():
    backoff = Backoff(lambda: 0.5)
    for _ in range(5):
        backoff.next_s()
    backoff.worked()
    assert backoff.next_s() == 0.2


def test_a_connection_that_held_is_replaced_at_once_and_only_one_attempt_is_that_quick():
    backoff = Backoff(lambda: 0.5)
    assert [backoff.next_s(held_s) for held_s in (60, 0, 0, 1.9, 2)] == [0, 0.2, 0.4, 0.8, 0]


def test_a_week_without_a_network_is_no_problem():
    backoff = Backoff(lambda: 0.5)
    assert max(backoff.next_s() for _ in range(200_000)) == 4.0


REFUSED = classify_close(1011, "Internal error encountered.")


def test_a_handle_is_poisoned_when_it_is_refused_again_and_again_for_longer_than_an_old_connection_lives():
    resumes = Resumes()
    assert [resumes.is_poisoned(REFUSED, now) for now in (0, 1, 2, 5, 9.9)] == [False] * 5
    assert resumes.is_poisoned(REFUSED, 10)


def test_a_handle_that_the_service_does_not_know_is_poisoned_at_once():
    assert Resumes().is_poisoned(classify_close(1008, "BidiGenerateContent session not found"), 0)


def test_outages_and_connections_that_worked_say_nothing_against_a_handle():
    resumes = Resumes()
    assert not any(resumes.is_poisoned(classify_close(1006, ""), now) for now in range(0, 100, 10))
    assert [resumes.is_poisoned(REFUSED, now) for now in (100, 105, 109)] == [False] * 3
    resumes.worked()
    assert not resumes.is_poisoned(REFUSED, 120)


def test_an_outage_is_told_once_and_its_end_if_it_was_long():
    outage = Outage()
    assert outage.failed("the line broke", 10, was_connected=True) == "The line broke; connecting again."
    assert outage.failed("nobody answers", 11, was_connected=False) == ""
    assert outage.over(13) == "The model is back."
    assert outage.failed("the line broke", 20, was_connected=True) == "The line broke; connecting again."
    assert outage.over(20.5) == ""


def test_a_start_that_takes_a_moment_is_no_outage():
    outage = Outage()
    assert [outage.failed("not there yet", now, was_connected=False) for now in (0, 1, 2.9)] == [""] * 3
    assert outage.over(3) == ""
    assert outage.failed("no network", 10, was_connected=False) == ""
    assert outage.failed("no network", 14, was_connected=False) == "No network; connecting again."
