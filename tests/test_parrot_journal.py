"""The parrot's journal: what it remembers of a long conversation."""

from actors.model.parrot import journal
from actors.model.parrot.journal import Journal


def test_only_so_many_events_are_remembered():
    kept = Journal()
    for number in range(journal.REMEMBERED_EVENTS + 5):
        kept.record("turn_complete", number=number)
    assert len(kept.events) == journal.REMEMBERED_EVENTS
    assert kept.events[0]["number"] == 5


def test_large_events_push_older_ones_out_and_the_newest_stays(monkeypatch):
    monkeypatch.setattr(journal, "REMEMBERED_BYTES", 5000)
    kept = Journal()
    for number in range(20):
        kept.record("turn_complete", number=number, texts={"x" * 1000: 1})
    assert [entry["number"] for entry in kept.events] == [16, 17, 18, 19]
    kept.record("turn_complete", number=20, texts={"x" * 9000: 1})
    assert [entry["number"] for entry in kept.events] == [20]


def test_the_file_has_all_that_the_memory_forgot(tmp_path):
    path = tmp_path / "journal"
    kept = Journal(str(path))
    for _ in range(journal.REMEMBERED_EVENTS + 5):
        kept.record("connected")
    kept.close()
    assert len(path.read_text().splitlines()) == journal.REMEMBERED_EVENTS + 5
