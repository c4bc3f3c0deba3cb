"""Several loudspeakers, one reply: the slowest decides when it begins, and alone nobody waits."""

from actors.model.together import MOST_LEAD_MS, UNKNOWN_LEAD_MS, Together

MS = 1_000_000
NOW_NS = 10_000 * MS
HALL, KITCHEN = b"hall", b"kitchen"
SLICE = bytes(100 * 24 * 2)


def together(**leads_ms):
    made = Together()
    for name, ms in leads_ms.items():
        made.lead(name.encode(), ms)
    made.begin()
    return made


def test_a_loudspeaker_alone_gets_no_time():
    assert together(hall=90).due_ns(len(SLICE), [HALL], NOW_NS) == 0
    assert together().due_ns(len(SLICE), [], NOW_NS) == 0


def test_the_slowest_decides_when_it_begins():
    assert together(hall=90, kitchen=260).due_ns(len(SLICE), [HALL, KITCHEN], NOW_NS) == NOW_NS + 260 * MS


def test_what_follows_joins_without_a_gap():
    made = together(hall=90, kitchen=260)
    dues = [made.due_ns(len(SLICE), [HALL, KITCHEN], NOW_NS + n) for n in range(3)]
    assert dues == [NOW_NS + (260 + 100 * n) * MS for n in range(3)]


def test_what_comes_too_late_to_join_begins_anew():
    made = together(hall=90, kitchen=260)
    made.due_ns(len(SLICE), [HALL, KITCHEN], NOW_NS)
    assert made.due_ns(len(SLICE), [HALL, KITCHEN], NOW_NS + 1000 * MS) == NOW_NS + 1260 * MS


def test_one_that_has_not_said_is_believed_to_be_slow_and_a_terrible_one_is_not_waited_for():
    assert together().due_ns(len(SLICE), [HALL, KITCHEN], NOW_NS) == NOW_NS + UNKNOWN_LEAD_MS * MS
    most = together(hall=90, kitchen=9000)
    assert most.due_ns(len(SLICE), [HALL, KITCHEN], NOW_NS) == NOW_NS + MOST_LEAD_MS * MS


def test_one_that_leaves_changes_nothing_in_this_reply_and_the_next_is_free():
    made = together(hall=90, kitchen=260)
    made.due_ns(len(SLICE), [HALL, KITCHEN], NOW_NS)
    made.left(KITCHEN)
    assert made.due_ns(len(SLICE), [HALL], NOW_NS) == NOW_NS + 360 * MS
    made.begin()
    assert made.due_ns(len(SLICE), [HALL], NOW_NS) == 0
