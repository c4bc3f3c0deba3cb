import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.model.parrot.conversation import MAX_HANDLES, Conversation, Handles, Turn, count_tokens
from actors.model.parrot.refusal import Refusal


def user(text):
    return Turn("user", text)


def assert_gone(handles, handle, now_s=0.0):
    with pytest.raises(Refusal) as refused:
        handles.restore(handle, now_s)
    assert (refused.value.code, refused.value.reason) == (1008, "BidiGenerateContent session not found")


def test_a_handle_restores_the_conversation_as_it_was_when_it_was_issued():
    handles, conversation = Handles(lifetime_s=10), Conversation()
    conversation.add(user("before"))
    handle = handles.issue(conversation.turns, now_s=0.0)
    conversation.add(user("after"))
    assert handles.restore(handle, now_s=1.0) == (user("before"),)


def test_two_resumptions_from_one_handle_do_not_see_each_other():
    handles = Handles(lifetime_s=10)
    handle = handles.issue((user("root"),), now_s=0.0)
    first, second = (Conversation(handles.restore(handle, 1.0)) for _ in range(2))
    first.add(user("only here"))
    assert second.texts() == {"root": 1}


def test_unknown_expired_and_revoked_handles_are_refused_alike():
    handles = Handles(lifetime_s=10)
    handle = handles.issue((), now_s=0.0)
    assert handles.restore(handle, now_s=9.9) == ()
    assert_gone(handles, handle, now_s=10.0)
    assert_gone(handles, "made up")
    fresh = handles.issue((), now_s=0.0)
    handles.expire_all()
    assert_gone(handles, fresh)


def test_only_the_newest_handles_are_kept():
    handles = Handles(lifetime_s=10)
    first, *_, last = [handles.issue((), 0.0) for _ in range(MAX_HANDLES + 1)]
    assert_gone(handles, first)
    assert handles.restore(last, 0.0) == ()


@given(st.lists(st.sampled_from("abc"), max_size=30), st.integers(1, 10))
def test_the_newest_turns_are_remembered_and_counted(texts, limit):
    conversation = Conversation(max_turns=limit)
    for text in texts:
        conversation.add(user(text))
    kept = texts[-limit:]
    assert [turn.text for turn in conversation.turns] == kept
    assert conversation.texts() == {text: kept.count(text) for text in kept}


def test_the_index_of_texts_is_of_the_user_alone():
    conversation = Conversation((user("hi"), Turn("model", "You said: hi")))
    assert conversation.texts() == {"hi": 1}


def test_a_turn_weighs_25_tokens_a_second_and_a_token_for_four_letters():
    assert count_tokens([Turn("user", "", audio_s=2.0), Turn("user", "abcde")]) == 52
