"""`supervisor reload`: what changed is taken over, who is not concerned does not notice, and a mistake changes nothing."""

import pytest
from trees import CONFIG, tree, wait_for

FILES = """[actors.mic]
device = "file:{directory}/nothing.wav"
[actors.speaker]
enabled = true
device = "file:{directory}/heard.wav"
"""


@pytest.fixture(scope="module")
def running():
    with tree(CONFIG + FILES.replace("[actors.mic]", "[actors.mic]\nenabled = false")) as conversation:
        conversation.process = conversation.start()
        conversation.wait_ready()
        yield conversation


def pids(conversation):
    return {row["name"]: row["pid"] for row in conversation.wait_ready()["actors"]}


def edited(conversation, before, after):
    text = conversation.config.read_text()
    assert before in text
    conversation.config.write_text(text.replace(before, after))
    return conversation.command("reload", "test")


def ask(conversation, line):
    conversation.process.stdin.write(f"{line}\n".encode())
    conversation.process.stdin.flush()
    assert conversation.process.stdout.readline() == f"You said: {line}\n".encode()


def test_without_a_change_nothing_happens(running):
    before = pids(running)
    answer = running.command("reload")
    assert (answer.returncode, answer.stderr.count("parrot")) == (0, 1), answer.stderr
    assert answer.stdout == "test: unchanged session, coordinator, parrot, speaker, console, keyboard\n"
    assert pids(running) == before


def test_only_the_actor_whose_table_changed_is_another_process(running):
    before = pids(running)
    answer = edited(running, "heard.wav", "elsewhere.wav")
    assert (answer.returncode, answer.stdout.partition(";")[0]) == (0, "test: restarted speaker")
    after = pids(running)
    assert {name for name in after if after[name] != before[name]} == {"speaker"}
    assert (running.directory / "elsewhere.wav").exists()
    ask(running, "still there?")


def test_an_actor_that_is_new_comes_and_one_that_is_gone_goes(running):
    before = pids(running)
    answer = edited(running, "[actors.speaker]", '[actors.kitchen]\nkind = "speaker"')
    assert answer.stdout.startswith("test: started kitchen; stopped speaker; unchanged "), answer.stderr
    wait_for(lambda: "speaker" not in pids(running), "the speaker is gone")
    after = pids(running)
    assert "kitchen" in after
    assert {name: pid for name, pid in before.items() if name != "speaker"}.items() <= after.items()
    ask(running, "in the kitchen?")


def test_a_mistake_is_refused_with_every_problem_and_all_goes_on(running):
    before = pids(running)
    answer = edited(running, "[session]", '[session]\nnmae = "x"\nduplex = "quarter"')
    assert answer.returncode == 6
    assert "session.nmae: unknown, did you mean name?" in answer.stderr
    assert "session.duplex: " in answer.stderr
    assert answer.stderr.endswith("the conversation goes on as it was\n")
    assert pids(running) == before
    ask(running, "and now?")


def test_what_only_the_sdk_can_judge_is_refused_too(running):
    answer = edited(
        running, '[session]\nnmae = "x"\nduplex = "quarter"', "[model.live]\nspeech_confg = 1\n[session]"
    )
    assert answer.returncode == 6
    assert "speech_confg" in answer.stderr
    pids(running)
