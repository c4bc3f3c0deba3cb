"""The user's functions in a conversation: real processes, the real SDK, and the parrot calling them. See sample_tools.py."""

import json
import signal
import time
from pathlib import Path

import psutil
import pytest
from trees import CONFIG, tree, wait_for

SLOW_MODULE = """
import pathlib, time
while not pathlib.Path("{go}").exists():
    time.sleep(0.05)
def late() -> int:
    return 1
"""
TESTS = Path(__file__).parents[1]


def config(*references):
    return CONFIG.replace('provider = "parrot"', f'provider = "parrot"\ntools = {json.dumps(references)}')


def calling(when, name, **args):
    """Return a rule: at a text with this in it, the model calls this function."""
    return {"when": {"contains": when}, "do": {"tool_call": {"name": name, "args": args}}}


def calling_exactly(text, name, **args):
    """Return a rule: at this text, the model calls this function."""
    return {"when": {"text": text}, "do": {"tool_call": {"name": name, "args": args}}}


RULES = [
    calling("add", "add", a=1),
    calling("fail", "fail", why="no such light"),
    calling("spin", "spin"),
    calling("leave", "leave"),
    calling("nap", "nap", seconds=0.1),
]


def answers(conversation):
    return [event["response"] for event in conversation.events("tool_response") if event["expected"]]


def test_a_result_reaches_the_model_and_so_does_an_error_in_time_whether_it_raises_hangs_or_kills_its_process():
    with tree(config("sample_tools"), rules=RULES) as conversation:
        began = time.monotonic()
        ended = conversation.converse("fail\nnap\nspin\nadd\nleave\nadd again\n", cwd=TESTS)
        assert time.monotonic() - began < 30, "the function itself takes 60 s"
        assert ended.returncode == 0, conversation.logs()
        assert ended.stdout.splitlines()[:2] == [
            'fail answered: {"error":"LookupError: no such light"}',
            'nap answered: {"output":"rested"}',
        ]
        assert answers(conversation) == [
            {"error": "LookupError: no such light"},
            {"output": "rested"},
            {"error": "spin did not answer within 2 s and was stopped"},
            {"output": 3},
            {"error": "the process of leave ended: exit 3"},
            {"output": 3},
        ]
        assert conversation.leftovers() == []


def test_the_model_is_told_what_can_be_called():
    with tree(config("sample_tools:add", "sample_tools:nap")) as conversation:
        assert conversation.converse("hello\n", cwd=TESTS).returncode == 0
        (setup,) = conversation.events("setup")
        assert setup["tools"] == ["add", "nap"]
        declared = setup["setup"]["tools"][0]["functionDeclarations"]
        assert [function.get("behavior") for function in declared] == [None, "NON_BLOCKING"]


def test_three_calls_at_once_run_beside_each_other():
    with tree(config("sample_tools")) as conversation:
        meeting = conversation.directory / "meeting"
        meeting.mkdir()
        calls = [
            {
                "id": f"c{number}",
                "name": "wait_for_others",
                "args": {"directory": str(meeting), "me": str(number), "others": 3},
            }
            for number in range(3)
        ]
        raw = {"text": json.dumps({"toolCall": {"functionCalls": calls}})}
        (conversation.directory / "script.json").write_text(
            json.dumps([{"when": {"text": "go"}, "do": {"raw": raw}}])
        )
        process = conversation.start_ready(cwd=TESTS)
        say(process, "go")
        wait_for(lambda: len(conversation.events("tool_response")) == 3, "three answers")
        for event in conversation.events("tool_response"):
            assert event["response"] == {"output": ["0", "1", "2"]}
        process.stdin.close()
        assert process.wait(30) == 0


def test_a_call_the_model_takes_back_is_not_answered():
    with tree(config("sample_tools")) as conversation:
        ran, go = conversation.directory / "ran", conversation.directory / "go"
        rules = [
            calling("begin", "write_down", path=str(ran), go=str(go)),
            *({"when": {"after_s": after_s}, "do": {"tool_cancel": True}} for after_s in (4, 8, 16)),
            calling("add", "add", a=1),
        ]
        (conversation.directory / "script.json").write_text(json.dumps(rules))
        process = conversation.start_ready(cwd=TESTS)
        say(process, "begin")
        assert process.stdout.readline() == b"write_down was cancelled.\n"
        go.touch()
        say(process, "add")
        assert process.stdout.readline() == b'add answered: {"output":3}\n'
        assert [event["name"] for event in conversation.events("tool_response")] == ["add"]
        process.stdin.close()
        assert process.wait(30) == 0


@pytest.mark.parametrize("victim", ["connection", "session"])
def test_a_function_runs_once_whatever_becomes_of_those_who_asked(victim):
    with tree(config("sample_tools")) as conversation:
        ran, go = conversation.directory / "ran", conversation.directory / "go"
        rules = [calling("begin", "write_down", path=str(ran), go=str(go))]
        if victim == "connection":
            rules += [
                {"when": {"after_s": 4, "connection": each}, "do": {"reset": True}} for each in (1, 2, 3)
            ]
        (conversation.directory / "script.json").write_text(json.dumps(rules))
        process = conversation.start_ready(cwd=TESTS)
        say(process, "begin")
        wait_for(ran.exists, "the function runs")
        if victim == "session":
            conversation.kill("session")
        wait_for(lambda: len(conversation.events("tool_call")) >= 2, "the model asks again")
        go.touch()
        assert process.stdout.readline().endswith(b'write_down answered: {"output":"written"}\n')
        assert ran.read_text() == "ran\n"
        process.stdin.close()
        assert process.wait(30) == 0


@pytest.mark.parametrize("victim", ["connection", "session"])
def test_no_call_is_lost_or_run_twice_while_those_who_ask_are_cut_off_again_and_again(victim):
    words = [f"word-{number}" for number in range(12)]
    with tree(config("sample_tools")) as conversation:
        written = conversation.directory / "written"
        rules = [calling_exactly(word, "note", path=str(written), word=word) for word in words]
        if victim == "connection":  # each time when the call is answered and its turn is not over
            rules += [
                {"when": {"text": word, "chunks": 1}, "do": {"reset": True}, "times": 1}
                for word in words[::3]
            ]
        (conversation.directory / "script.json").write_text(json.dumps(rules))
        process = conversation.start_ready(cwd=TESTS)
        say(process, "\n".join(words))
        process.stdin.close()
        for least in (3, 6, 9) if victim == "session" else ():
            wait_for(
                lambda least=least: written.exists() and len(written.read_text().split()) >= least,
                "some calls",
            )
            conversation.kill("session")
        assert process.wait(90) == 0, conversation.logs()
        assert sorted(written.read_text().split()) == sorted(words)
        assert conversation.context() == dict.fromkeys(words, 1)
        told = [event["response"]["output"] for event in conversation.events("tool_response")]
        assert set(told) == set(words)
        if victim == "connection":
            assert len(told) == len(words) + 4, "what was cut off is told again"


def is_alive(process):
    """Whether it still runs; a zombie that nobody has reaped yet does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_tools_process_that_is_killed_is_an_error_at_once_and_the_next_call_works():
    with tree(config("sample_tools"), rules=RULES) as conversation:
        ran = conversation.directory / "ran"
        rules = [calling("begin", "write_down", path=str(ran), go="/nowhere"), *RULES]
        (conversation.directory / "script.json").write_text(json.dumps(rules))
        process = conversation.start_ready(cwd=TESTS)
        say(process, "begin")
        wait_for(ran.exists, "the function runs")
        workers = psutil.Process(conversation.pid("tools")).children()
        conversation.kill("tools")
        assert b"the process of write_down ended before it answered" in process.stdout.readline()
        say(process, "add")
        assert process.stdout.readline() == b'add answered: {"output":3}\n'
        process.stdin.close()
        assert process.wait(30) == 0
        assert conversation.leftovers() == []
        assert workers
        wait_for(lambda: not any(is_alive(worker) for worker in workers), "its workers end with it")


def test_a_tools_process_that_hangs_is_answered_for_in_time_and_the_next_call_works():
    with tree(config("sample_tools"), rules=RULES) as conversation:
        process = conversation.start_ready(cwd=TESTS)
        hung = conversation.kill("tools", signal.SIGSTOP)
        say(process, "spin")
        assert b"spin did not answer within 2 s" in process.stdout.readline()
        wait_for(
            lambda: conversation.pid("tools") != hung and conversation.row("tools").get("ready"),
            "the supervisor has replaced it",
        )
        say(process, "add")
        assert process.stdout.readline() == b'add answered: {"output":3}\n'
        process.stdin.close()
        assert process.wait(30) == 0


def test_functions_end_with_a_supervisor_that_is_killed():
    with tree(config("sample_tools")) as conversation:
        process = conversation.start_ready(cwd=TESTS)
        workers = psutil.Process(conversation.pid("tools")).children()
        assert workers
        process.kill()
        wait_for(lambda: not any(worker.is_running() for worker in workers), "the functions have ended")
        wait_for(lambda: conversation.actors() == [], "the actors have ended")


def test_a_conversation_does_not_wait_for_tools_that_take_long_and_gets_them_when_they_are_there():
    with tree(config("slow")) as conversation:
        go = conversation.directory / "go"
        (conversation.directory / "slow.py").write_text(SLOW_MODULE.format(go=go))
        process = conversation.start(cwd=conversation.directory)
        say(process, "hello")
        assert process.stdout.readline() == b"You said: hello\n"
        go.touch()
        wait_for(lambda: len(conversation.events("setup")) == 2, "a connection with the tools")
        say(process, "again")
        assert process.stdout.readline() == b"You said: again\n"
        process.stdin.close()
        assert process.wait(30) == 0
        assert [setup["tools"] for setup in conversation.events("setup")] == [[], ["late"]]
        assert conversation.context() == {"hello": 1, "again": 1}
        said = process.stderr.read()
        assert b"The tools are not ready" in said
        assert b"The tools are ready" in said


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("not_there", "tools: model.tools[0] (not_there): not_there cannot be imported"),
        (
            "sample_tools:nothing",
            "model.tools[0] (sample_tools:nothing): sample_tools has no function nothing",
        ),
        ("not a name", "model.tools[0]: write"),
    ],
)
def test_a_mistake_in_the_list_of_tools_ends_the_start_with_its_reason(reference, said):
    with tree(config(reference)) as conversation:
        ended = conversation.converse("hello\n", cwd=TESTS)
        assert ended.returncode == 6
        assert said in ended.stderr
        assert conversation.leftovers() == []


def say(process, text):
    process.stdin.write(text.encode() + b"\n")
    process.stdin.flush()
