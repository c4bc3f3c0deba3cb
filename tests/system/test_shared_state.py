"""The state of a real conversation, read and written from other processes."""

import asyncio
import json
import statistics
import subprocess
import sys
from typing import NamedTuple

import pytest
from trees import tree

from actors.state import CoordinatorUnavailableError, GoogleIOStreamerState

CLIENT = """
import asyncio, json, sys, time
from actors.state import GoogleIOStreamerState

async def main(address, name, rounds):
    state = await GoogleIOStreamerState.connect(address, name, answer_within_s=20)
    done = []
    async def do(deed, value=None):
        began = time.monotonic()
        value = await deed() or value
        done.append((began, time.monotonic(), deed.__name__[0] == "s", value))
    print("connected", flush=True)
    sys.stdin.readline()
    for number in range(rounds):
        mode = ("user", "assistant")[number % 2]  # for "input" the keyboard would be asked, too
        async def setting():
            await state.set_console_mode(mode)
        await do(setting, mode)
        await do(state.get_console_mode)
    await state.close()
    print(json.dumps(done))

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""
PROCESSES = 8
ROUNDS = 125


class Deed(NamedTuple):
    """One read or write of a value, on the clock that all processes share."""

    began: float
    ended: float
    is_write: bool
    value: str


def lost_updates(deeds):
    """Return the reads whose value cannot have been there: each write of it was overwritten before the read began."""
    writes = sorted(deed for deed in deeds if deed.is_write)
    return [
        read for read in deeds if not read.is_write and not any(may_be_read(w, read, writes) for w in writes)
    ]


def may_be_read(write, read, writes):
    if write.value != read.value or write.began > read.ended:
        return False
    return not any(write.ended < later.began and later.ended < read.began for later in writes)


def hammer(address, processes=PROCESSES):
    """Let processes read and write one value as fast as they can; returns all they did."""
    clients = [
        subprocess.Popen(
            [sys.executable, "-c", CLIENT, address, f"client-{number}", str(ROUNDS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    for client in clients:
        assert client.stdout.readline() == "connected\n"
    for client in clients:
        client.stdin.write("go\n")
        client.stdin.flush()
    return [Deed(*deed) for client in clients for deed in json.loads(client.communicate(timeout=100)[0])]


def medians_ms(deeds):
    """Return how long a read and a write took in the middle."""
    return [
        round(statistics.median(d.ended - d.began for d in deeds if d.is_write is is_write) * 1000, 3)
        for is_write in (False, True)
    ]


def test_a_setter_is_seen_by_another_client_and_a_wrong_value_is_refused_by_the_owner():
    with tree() as conversation:
        conversation.start_ready()
        address = f"ipc://{conversation.run_dir}/ctl.ipc"

        async def scenario():
            one = await GoogleIOStreamerState.connect(address, "one")
            two = await GoogleIOStreamerState.connect(address, "two")
            await one.set_streaming_output(True)
            seen = await two.get_streaming_output()
            with pytest.raises(ValueError, match="console_mode"):
                await two.set_console_mode("somebody")
            mode = await one.get_console_mode()
            await one.close()
            await two.close()
            return seen, mode

        assert asyncio.run(scenario()) == (True, "input")


def test_setting_terminated_ends_the_conversation():
    with tree() as conversation:
        process = conversation.start_ready()

        async def end():
            state = await GoogleIOStreamerState.connect(f"ipc://{conversation.run_dir}/ctl.ipc", "ender")
            await state.set_terminated(True)
            await state.close()

        asyncio.run(end())
        assert process.wait(20) == 0


def test_where_no_coordinator_is_connecting_fails_in_time(tmp_path):
    with pytest.raises(CoordinatorUnavailableError, match="nobody-there"):
        asyncio.run(
            GoogleIOStreamerState.connect(f"ipc://{tmp_path}/nobody-there", "one", answer_within_s=0.2)
        )


def test_a_lost_update_would_be_noticed():
    history = [Deed(0, 1, True, "user"), Deed(2, 3, True, "input"), Deed(4, 5, False, "user")]

    assert lost_updates(history) == [history[2]]
    assert lost_updates([*history[:2], Deed(4, 5, False, "input")]) == []
    assert lost_updates([history[0], Deed(2, 6, True, "input"), history[2]]) == []


def each_ms(deeds):
    """Return what one deed cost of the time that all of them took together."""
    took_s = max(deed.ended for deed in deeds) - min(deed.began for deed in deeds)
    return round(took_s / len(deeds) * 1000, 3)


def test_a_thousand_reads_and_writes_from_eight_processes_lose_no_update():
    with tree() as conversation:
        conversation.start_ready()
        deeds = hammer(f"ipc://{conversation.run_dir}/ctl.ipc")

    assert len(deeds) == 2 * PROCESSES * ROUNDS
    assert lost_updates(deeds) == []
    read_ms, write_ms = medians_ms(deeds)
    print(
        f"eight at once: {each_ms(deeds)} ms each; until one is answered: read {read_ms}, write {write_ms} ms"
    )
    assert max(read_ms, write_ms) < 100, "a few ms when nothing else runs"


@pytest.mark.bench
def test_a_read_and_a_write_cost_less_than_a_millisecond_alone_and_among_eight():
    with tree() as conversation:
        conversation.start_ready()
        address = f"ipc://{conversation.run_dir}/ctl.ipc"
        alone, together = hammer(address, processes=1), hammer(address)

    read_ms, write_ms = medians_ms(alone)
    print(f"alone: read {read_ms}, write {write_ms} ms; eight at once: {each_ms(together)} ms each")
    assert max(read_ms, write_ms, each_ms(together)) < 1
