"""The state of a real conversation, read and written from other processes."""

import asyncio
import json
import subprocess
import sys

import pytest
from trees import tree

from actors.state import CoordinatorUnavailableError, GoogleIOStreamerState

COUNTER = """
import asyncio, json, sys, time
from actors.state import GoogleIOStreamerState

async def main(address, name, rounds):
    state = await GoogleIOStreamerState.connect(address, name, answer_within_s=20)
    took = []
    for number in range(rounds):
        mode = ("user", "assistant")[number % 2]
        began = time.perf_counter()
        await state.set_console_mode(mode)
        await state.get_console_mode()
        took.append((time.perf_counter() - began) / 2)
    await state.close()
    took.sort()
    print(json.dumps({"median_ms": took[len(took) // 2] * 1000, "done": len(took)}))

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


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


def test_reads_and_writes_from_eight_processes_are_all_answered():
    with tree() as conversation:
        conversation.start_ready()
        address = f"ipc://{conversation.run_dir}/ctl.ipc"
        before = conversation.status()["conversation"]
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", COUNTER, address, f"worker-{number}", "125"], stdout=subprocess.PIPE
            )
            for number in range(8)
        ]
        done = [json.loads(worker.communicate(timeout=60)[0])["done"] for worker in workers]

        assert before["console_mode"] == "input"
        assert done == [125] * 8
