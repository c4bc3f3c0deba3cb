"""The network goes away and comes back: nobody is restarted, and what was said meanwhile arrives once."""

import subprocess
import time

import namespaces
import numpy as np
import pytest
from trees import tree, wait_for
from virtual_audio import write_wav
from voices import MIC_HZ, config, tell

pytestmark = pytest.mark.skipif(bool(namespaces.why_not()), reason=namespaces.why_not() or "it can run")

BACK_WITHIN_S = 3.0
LATE_S = 2.0
"""What a loaded machine may add."""
SOAK = (pytest.mark.soak, pytest.mark.timeout(900))


@pytest.fixture(scope="module")
def conversation(tmp_path_factory):
    """A conversation in a namespace of its own, whose loopback is its network: the actors talk through Unix sockets."""
    path = tmp_path_factory.mktemp("devices")
    spoken = write_wav(path / "spoken.wav", np.zeros(MIC_HZ, dtype=np.int16), MIC_HZ)
    toml = config(is_deaf=True, mic=f"file:{spoken}", speaker=f"file:{path / 'heard.wav'}")
    with namespaces.alone() as namespace, tree(toml) as conversation:
        conversation.prefix = namespaces.inside(namespace.name)
        conversation.namespace = namespace
        conversation.start_ready(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        yield conversation


def type_line(conversation, text):
    conversation.process.stdin.write(f"{text}\n".encode())
    conversation.process.stdin.flush()


def is_answered(conversation, text):
    return any(event["text"] == text for event in conversation.events("turn_complete"))


def processes(conversation):
    return {row["name"]: (row["pid"], row["restarts"]) for row in conversation.status()["actors"]}


@pytest.mark.parametrize("cut_s", [5, pytest.param(60, marks=SOAK), pytest.param(600, marks=SOAK)])
def test_after_a_cut_the_same_processes_hear_and_answer_again_within_3_s(conversation, cut_s):
    before, text = processes(conversation), f"typed in a cut of {cut_s} s"
    connections = len(conversation.events("setup"))
    with conversation.namespace.without_loopback():
        began_s = time.monotonic()
        wait_for(lambda: conversation.status()["state"] == "degraded", "it is shown")
        shown_s = time.monotonic() - began_s
        type_line(conversation, text)
        time.sleep(max(0.0, began_s + cut_s - time.monotonic()))
        assert len(conversation.events("setup")) == connections
    back_ns = time.monotonic_ns()

    heard = wait_for(
        lambda: [event for event in conversation.events("audio") if event["at_ns"] > back_ns],
        "the user is heard again",
    )
    took_s = (heard[0]["at_ns"] - back_ns) / 1e9
    wait_for(lambda: is_answered(conversation, text), "what was typed meanwhile is answered")
    conversation.wait_ready()
    tell(cut_s=cut_s, shown_s=round(shown_s, 2), heard_again_s=round(took_s, 2))
    assert shown_s < 2 + LATE_S
    assert took_s < BACK_WITHIN_S + LATE_S
    assert conversation.context()[text] == 1
    assert processes(conversation) == before
