"""Who is judged to hang, and when nobody is: a supervisor that slept itself (stopped, suspended, starved) judges nobody."""

from actors.runtime.notify import Health, Report
from supervisor.child import Child
from supervisor.policy import History
from supervisor.spec import KINDS, ChildSpec, Stdio
from supervisor.tree.starting import are_settled, due, streams
from supervisor.tree.watching import HUNG_S, TICK_S, Watch, epitaph


def child(kind, *, beat_s=None, state="starting"):
    made = Child(ChildSpec(kind, kind, KINDS[kind]), History(KINDS[kind], 5, 60.0), log=-1, state=state)
    if beat_s is not None:
        made.reported(Report(ready=True, health=Health()), beat_s)
    return made


def ticks(watch, children, start, end):
    """Look twice a second and return whoever was found to hang, and when."""
    found, now = [], start
    while now <= end:
        found += [(one.spec.name, now) for one in watch.hung(children, now)]
        now += TICK_S
    return found


def test_a_silent_actor_is_found_once_after_5_seconds():
    mic = child("mic", beat_s=100.0)
    assert ticks(Watch(100.0), [mic], 100.5, 109.0) == [("mic", 100.5 + HUNG_S)]


def test_an_actor_that_is_not_ready_yet_is_not_judged():
    assert ticks(Watch(100.0), [child("mic")], 100.5, 130.0) == []


def test_a_supervisor_that_slept_for_a_minute_judges_nobody_for_that_minute():
    mic, watch = child("mic", beat_s=100.0), Watch(100.0)
    assert watch.hung([mic], 160.0) == []
    assert ticks(watch, [mic], 160.5, 164.5) == [], "what it missed does not count"
    assert [name for name, _ in ticks(watch, [mic], 165.0, 168.0)] == ["mic"], "what came since does"


def test_a_machine_that_starves_everybody_again_and_again_loses_nobody():
    mic, watch = child("mic", beat_s=100.0), Watch(100.0)
    for now in range(102, 150, 2):
        assert watch.hung([mic], float(now)) == []


def test_whoever_depends_on_another_is_started_when_that_is_ready_late_or_out_of_question():
    coordinator, mic = child("coordinator"), child("mic")
    assert due([coordinator, mic], 0.0) == [coordinator]
    coordinator.reported(Report(ready=True), 1.0)
    assert mic in due([coordinator, mic], 1.0)
    assert mic in due([child("coordinator", state="fatal"), mic], 0.0)


def test_a_start_is_over_when_everybody_is_ready_or_will_not_be():
    ready, absent = child("coordinator", beat_s=1.0), child("mic", state="absent")
    assert are_settled([ready, absent])
    assert not are_settled([ready, child("mic", state="backoff")])


def test_only_the_keyboard_reads_and_only_an_attached_console_prints():
    attached, detached = (
        Stdio(has_input=True, is_input_terminal=True),
        Stdio(has_input=False, is_input_terminal=False),
    )
    assert streams("keyboard", attached) == {"stdin": 0}
    assert (streams("console", attached), streams("console", detached)) == ({"stdout": 1}, {})
    assert streams("mic", attached) == {}


def test_an_epitaph_is_the_actors_own_words_or_the_numbers():
    own = child("mic")
    own.last_exit, own.detail = "exit 78 (bad configuration)", "frame_ms is odd"
    assert epitaph(own) == "mic: frame_ms is odd"
    own.last_exit = "killed by SIGKILL"
    assert (
        epitaph(own) == "mic ended 0 times within 60 s (last: killed by SIGKILL); see `supervisor logs mic`"
    )
