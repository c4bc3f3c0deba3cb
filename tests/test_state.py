"""The state of a conversation behind the original's getters and setters, alone."""

import asyncio

import pytest

from actors import GoogleIOStreamerState


def test_a_new_state_has_the_defaults_of_the_original():
    state = GoogleIOStreamerState()

    assert (state.is_streaming_output, state.console_mode, state.terminated) == (False, "input", False)


def test_what_is_set_is_got():
    async def scenario():
        state = GoogleIOStreamerState()
        await state.set_console_mode("assistant")
        await state.set_streaming_output(True)
        await state.set_terminated(True)
        return (
            await state.get_console_mode(),
            await state.get_streaming_output(),
            await state.get_terminated(),
        )

    assert asyncio.run(scenario()) == ("assistant", True, True)


def test_a_wrong_console_mode_is_refused_by_the_constructor():
    with pytest.raises(ValueError, match="console_mode"):
        GoogleIOStreamerState(console_mode="somebody")


def test_a_wrong_console_mode_is_refused_by_the_setter_and_changes_nothing():
    async def scenario():
        state = GoogleIOStreamerState()
        with pytest.raises(ValueError, match="console_mode"):
            await state.set_console_mode("somebody")
        return await state.get_console_mode()

    assert asyncio.run(scenario()) == "input"
