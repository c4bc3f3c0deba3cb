"""Who is judged to hang, and when nobody is: a supervisor that slept itself (stopped, suspended, starved) judges nobody."""

from types import SimpleNamespace

from actors.runtime.notify import Health, Report
from supervisor.child import Child
from supervisor.policy import History
from supervisor.spec import KINDS, ChildSpec, Stdio
from supervisor.tree.starting import are_settled, due, streams
from supervisor.tree.watching import HUNG_S, TICK_S, Watch, epitaph

READY_WITHIN_S = 30.0


def child(kind, *, beat_s=None, state="starting"):
    made = Child(ChildSpec(kind, kind, KINDS[kind]), History(KINDS[kind], 5, 60.0), log=-1, state=state)
    if beat_s is not None:
        made.reported(Report(ready=True, health=Health()), beat_s)
    return made


def born(kind, at_s):
    """A child whose process lives, on its way to READY."""
    made = child(kind)
    made.process, made.late_from_s = SimpleNamespace(pid=4242), at_s
    return made


def ticks(watch, children, start, end):
    """Look twice a second and return whoever was found to hang or to be late, and when."""
    found, now = [], start
    while now <= end:
        found += [(one.spec.name, now) for one in watch.hung(children, now, READY_WITHIN_S)]
        now += TICK_S
    return found


def test_a_silent_actor_is_found_once_after_5_seconds():
    mic = child("mic", beat_s=100.0)
    assert ticks(Watch(100.0), [mic], 100.5, 109.0) == [("mic", 100.5 + HUNG_S)]


def test_an_actor_that_does_not_become_ready_is_found_once_and_it_is_said_why():
    session = born("session", 100.0)
    assert ticks(Watch(100.0), [session], 100.5, 150.0) == [("session", 130.5)]
    assert session.excess == "not ready within 30 s, supervision.ready_within_s"


def test_an_actor_that_is_between_two_processes_is_not_late():
    assert ticks(Watch(100.0), [child("session", state="backoff")], 100.5, 200.0) == []


def test_the_modules_of_users_may_take_longer():
    tools = born("tools", 100.0)
    assert ticks(Watch(100.0), [tools], 100.5, 200.0) == [("tools", 190.5)]
    assert tools.excess == "not ready within 90 s, 3 x supervision.ready_within_s"


def test_whoever_has_to_wait_for_another_is_late_from_when_that_is_ready():
    coordinator, mic = child("coordinator"), born("mic", 100.0)
    watch = Watch(100.0)
    assert ticks(watch, [coordinator, mic], 100.5, 140.0) == []
    coordinator.reported(Report(ready=True), 140.0)
    assert ticks(watch, [coordinator, mic], 140.5, 180.0) == [("mic", 170.5)]


def test_a_device_may_wait_for_its_host_for_days():
    mic, watch = born("mic", 100.0), Watch(100.0)
    mic.reported(Report(health=Health(has_host=False)), 100.0)
    assert ticks(watch, [mic], 100.5, 1000.0) == []
    mic.reported(Report(health=Health(has_host=True)), 1000.0)
    assert ticks(watch, [mic], 1000.5, 1040.0) == [("mic", 1030.5)]


def test_a_supervisor_that_slept_meanwhile_does_not_count_that_as_lateness():
    session, watch = born("session", 100.0), Watch(100.0)
    assert watch.hung([session], 150.0, READY_WITHIN_S) == []
    assert [name for name, _ in ticks(watch, [session], 150.5, 200.0)] == ["session"]
    assert session.late_from_s == 149.5


def test_a_supervisor_that_slept_for_a_minute_judges_nobody_for_that_minute():
    mic, watch = child("mic", beat_s=100.0), Watch(100.0)
    assert watch.hung([mic], 160.0, READY_WITHIN_S) == []
    assert ticks(watch, [mic], 160.5, 164.5) == [], "what it missed does not count"
    assert [name for name, _ in ticks(watch, [mic], 165.0, 168.0)] == ["mic"], "what came since does"


def test_a_machine_that_starves_everybody_again_and_again_loses_nobody():
    mic, watch = child("mic", beat_s=100.0), Watch(100.0)
    for now in range(102, 150, 2):
        assert watch.hung([mic], float(now), READY_WITHIN_S) == []


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
