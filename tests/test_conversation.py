"""The rules of the shared state, without a socket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import wire
from actors.coordinator.conversation import Conversation, may_see, needs_a_clean_line
from actors.coordinator.memory import Memory, MemoryFile

HANDLE = wire.Resumption("handle", {"keyboard": 3})


def test_a_change_is_told_with_its_version():
    conversation = Conversation()
    assert conversation.change("muted", value=True) == wire.Changed(1, "muted", value=True)
    assert conversation.change("epoch", 4) == wire.Changed(2, "epoch", 4)
    assert (conversation.state.muted, conversation.state.epoch, conversation.version) == (True, 4, 2)


def test_what_was_so_already_is_no_change_and_no_version():
    conversation = Conversation()
    assert conversation.change("console_mode", "input") is None
    assert conversation.version == 0


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("console_mode", "nobody", "console_mode cannot be 'nobody': Invalid enum value 'nobody'"),
        ("console_mode", True, "console_mode cannot be True: Expected `str`, got `bool`"),
        ("muted", "yes", "muted cannot be 'yes': Expected `bool`, got `str`"),
        ("epoch", -1, "epoch cannot be -1: Expected `int` >= 0"),
        ("epoch", True, "epoch cannot be True: Expected `int`, got `bool`"),
        ("model", "m" * 201, "model cannot be <201 characters>: Expected `str` of length <= 200"),
        ("resumption", "handle", "resumption cannot be 'handle': Expected `object`, got `str`"),
        (
            "muted",
            HANDLE,
            "muted cannot be Resumption(handle=<6 characters>, kept=<1 origins>): Expected `bool`",
        ),
    ],
)
def test_a_wrong_value_is_refused_in_exact_words_and_changes_nothing(key, value, words):
    conversation = Conversation()
    with pytest.raises(ValueError) as caught:
        conversation.change(key, value)
    assert str(caught.value).startswith(words)
    assert (conversation.state, conversation.version) == (wire.ConversationState(), 0)


def test_a_change_that_depends_on_a_version_is_refused_when_its_key_has_changed_since():
    conversation = Conversation()
    conversation.change("muted", value=True)
    conversation.change("epoch", 1)
    assert conversation.change("muted", value=False, if_version=1) is not None
    with pytest.raises(ValueError, match=r"muted changed since version 1 \(at 3\)"):
        conversation.change("muted", value=True, if_version=1)


def test_another_keys_change_is_no_lost_race():
    conversation = Conversation()
    conversation.change("epoch", 1)
    conversation.change("epoch", 2)
    assert conversation.change("muted", value=True, if_version=0) is not None


def test_after_a_restart_a_change_that_depends_on_an_older_version_is_refused():
    conversation = Conversation(wire.ConversationState(muted=True), version=5)
    with pytest.raises(ValueError, match="changed since version 4"):
        conversation.change("muted", value=False, if_version=4)
    assert conversation.change("muted", value=False, if_version=5) is not None


def test_terminated_cannot_be_taken_back():
    conversation = Conversation()
    conversation.change("terminated", value=True)
    assert conversation.change("terminated", value=True) is None
    with pytest.raises(ValueError, match="terminated cannot be taken back: the conversation is ending"):
        conversation.change("terminated", value=False)


def test_only_the_session_is_shown_the_resumption_handle():
    conversation = Conversation()
    conversation.change("resumption", HANDLE)
    assert conversation.snapshot_for("session").state.resumption == HANDLE
    assert conversation.snapshot_for("console").state.resumption == wire.Resumption()
    assert [kind for kind in ("session", "console", "cli", "mic") if may_see(kind, "resumption")] == [
        "session"
    ]
    assert all(may_see("mic", key) for key in wire.STATE_KEYS if key != "resumption")


@pytest.mark.parametrize(
    ("current", "wanted", "is_needed"),
    [
        ("input", "assistant", True),
        ("input", "user", True),
        ("input", "input", False),
        ("user", "assistant", False),
        ("assistant", "input", False),
    ],
)
def test_the_keyboard_clears_its_line_only_when_it_owns_the_terminal(current, wanted, is_needed):
    assert needs_a_clean_line(current, wanted) is is_needed


CHANGES = st.one_of(
    st.tuples(st.just("epoch"), st.integers(-1, 3)),
    st.tuples(st.just("console_mode"), st.sampled_from(["input", "user", "assistant", "nobody"])),
    st.tuples(st.sampled_from(["muted", "terminated"]), st.booleans()),
)


@given(st.lists(CHANGES, max_size=30))
def test_whoever_follows_the_changes_knows_the_state_and_versions_have_no_holes(changes):
    conversation = Conversation()
    mirror, versions = wire.ConversationState(), []
    for key, value in changes:
        try:
            told = conversation.change(key, value)
        except ValueError:
            continue
        if told is not None:
            mirror = wire.with_value(mirror, told.key, told.value)
            versions.append(told.version)
    assert mirror == conversation.state
    assert versions == list(range(1, len(versions) + 1))


def test_memory_survives_and_only_its_owner_can_read_it(short_dir):
    path = short_dir / "conversation.state"
    memory = Memory(7, wire.ConversationState(muted=True, resumption=HANDLE), ["mic"])
    MemoryFile(path).save(memory)
    assert MemoryFile(path).load() == memory
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in short_dir.iterdir()] == ["conversation.state"]


@pytest.mark.parametrize("content", [None, b"", b"\xc1", b"\x93\x01\x02"])
def test_no_memory_and_a_memory_that_makes_no_sense_are_a_beginning(short_dir, content):
    path = short_dir / "conversation.state"
    if content is not None:
        path.write_bytes(content)
    assert MemoryFile(path).load() == Memory(0, wire.ConversationState())
