"""Who lives but gets nothing done: when it is shown, when it is replaced, and what is no standstill."""

from actors.model.pulse import AWAY_S, UNANSWERED_S, Pulse
from actors.runtime.notify import Health, Report
from supervisor.child import Child
from supervisor.policy import History
from supervisor.progress import DEGRADED_S, REPLACED_S, Progress
from supervisor.spec import KINDS, ChildSpec
from supervisor.tree.watching import Watch

BEAT_S = 0.5


def beats(progress, counts, start_s=100.0):
    """Tell one count every half second; gives what it said after each."""
    said = []
    for number, done in enumerate(counts):
        progress.told(done, start_s + number * BEAT_S)
        said.append((bool(progress.complaint), bool(progress.verdict)))
    return said


def child(kind):
    made = Child(ChildSpec(kind, kind, KINDS[kind]), History(KINDS[kind], 5, 60.0), log=-1)
    made.reported(Report(ready=True), 100.0)
    return made


def test_a_mic_whose_frames_stop_is_degraded_within_2_s_and_replaced_within_5():
    said = beats(Progress("mic"), [1, 26] + [51] * 9)
    assert [shown for shown, _ in said].index(True) * BEAT_S - 1.0 <= 2.0
    assert [replaced for _, replaced in said].index(True) * BEAT_S - 1.0 <= 5.0
    assert DEGRADED_S < REPLACED_S


def test_an_actor_with_nothing_to_do_does_not_stand_still():
    assert beats(Progress("mic"), [51] + [None] * 20) == [(False, False)] * 21


def test_work_that_goes_on_however_slowly_is_progress():
    assert beats(Progress("speaker"), [number // 2 for number in range(30)]) == [(False, False)] * 30


def test_time_in_which_nothing_was_heard_of_it_is_no_standstill():
    progress = Progress("mic")
    progress.told(1, 100.0)
    progress.told(2, 160.0)
    assert progress.complaint == ""


def test_a_new_process_begins_with_a_clean_record():
    progress = Progress("mic")
    beats(progress, [7] * 12)
    progress.born()
    assert (progress.complaint, progress.verdict) == ("", "")


def test_status_says_what_is_wrong_and_the_watch_finds_it_once_with_the_reason():
    speaker, watch, found = child("speaker"), Watch(100.0), []
    for number in range(12):
        now = 100.5 + number * BEAT_S
        speaker.reported(Report(health=Health(done=4800, detail="a horn")), now)
        found += watch.hung([speaker], now, 30.0)
    row = speaker.report(106.0)
    assert (row.state, row.detail) == ("degraded", "a horn; has something to play and plays nothing")
    assert found == [speaker]
    assert speaker.excess == "has something to play and plays nothing for 4 s"


def test_trouble_that_another_process_would_not_mend_is_shown_and_nobody_is_replaced():
    session, watch = child("session"), Watch(100.0)
    for number in range(40):
        now = 100.5 + number * BEAT_S
        session.reported(Report(health=Health(trouble="not connected to the model")), now)
        assert watch.hung([session], now, 30.0) == []
    row = session.report(now)
    assert (row.state, row.detail) == ("degraded", "not connected to the model")


def test_a_server_that_does_not_answer_pings_is_trouble_within_2_s_until_it_does():
    pulse = Pulse()
    pulse.connected()
    pulse.asked(100.0)
    assert pulse.trouble(99.9 + UNANSWERED_S) == ""
    assert pulse.trouble(101.5) == "the model's server does not answer pings"
    pulse.answered()
    assert pulse.trouble(109.0) == ""


def test_a_planned_change_of_the_connection_is_no_trouble_and_an_outage_is():
    pulse = Pulse()
    pulse.lost(100.0)
    assert pulse.trouble(99.9 + AWAY_S) == ""
    pulse.lost(101.0)
    assert pulse.trouble(101.1) == "not connected to the model"
    pulse.connected()
    assert pulse.trouble(200.0) == ""
