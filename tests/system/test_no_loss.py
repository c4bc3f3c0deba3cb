"""Every typed line reaches the model's context exactly once, whatever is killed or breaks on the way."""

import random
import threading
import time

import pytest
from trees import PATIENCE_S, tree, wait_for


def every_reply_takes(seconds):
    reply = {"delay_s": seconds, "chunk_bytes": 600_000}
    return [{"when": {"contains": ""}, "do": {"reply": reply}}]


FAULTS = [{"close": {"code": 1011}}, {"reset": True}, {"go_away": {"time_left_s": 0.01}}]


def lines(count):
    return [f"line {number}" for number in range(1, count + 1)]


class Piped:
    """A conversation that is fed lines through a pipe, and whose output is read all the time."""

    def __init__(self, conversation, count):
        self.tree = conversation
        self.count = count
        self.process = conversation.start()
        self.replies, self.notices = [], []
        self._threads = [
            threading.Thread(target=self._feed),
            threading.Thread(target=lambda: self.replies.extend(self.process.stdout)),
            threading.Thread(target=lambda: self.notices.extend(self.process.stderr)),
        ]
        for thread in self._threads:
            thread.start()

    def kill_often(self, name, times, seed=1):
        """Kill an actor that is ready, so many times, spread over the lines by progress."""
        chance = random.Random(seed)
        for kill in range(1, times + 1):
            target = kill * self.count // (times + 1)
            wait_for(lambda target=target: self._progress() >= target, f"{target} lines", within_s=120)
            wait_for(lambda: self.tree.row(name).get("ready"), f"{name} is ready")
            time.sleep(chance.random() * 0.03)  # anywhere within a few turns
            self.tree.kill(name)
            wait_for(lambda: not self.tree.row(name).get("ready"), "its death is noticed")

    def end(self):
        """Wait for the end and return the exit code."""
        code = self.process.wait(PATIENCE_S + self.count)
        for thread in self._threads:
            thread.join()
        return code

    @property
    def said(self):
        """The replies, as the user of the pipe saw them."""
        return [line.decode().removeprefix("You said: ").rstrip("\n") for line in self.replies]

    def missing(self):
        """The replies that were not printed whole, with what was printed between them."""
        odd = [line for line in self.said if line not in lines(self.count)]
        return [(line, odd) for line in lines(self.count) if line not in self.said]

    def _progress(self):
        assert self.process.poll() is None, self.tree.logs()
        events = self.tree.events("text")
        return len(events[-1]["texts"]) if events else 0

    def _feed(self):
        self.process.stdin.write("".join(f"{line}\n" for line in lines(self.count)).encode())
        self.process.stdin.close()


def assert_exactly_once(piped):
    assert piped.end() == 0, piped.tree.logs()
    assert piped.tree.context() == dict.fromkeys(lines(piped.count), 1)
    assert list(piped.tree.context()) == lines(piped.count), "in order"
    assert piped.tree.leftovers() == []


def test_300_lines_arrive_exactly_once_although_the_session_is_killed_3_times():
    with tree() as conversation:
        piped = Piped(conversation, 300)
        piped.kill_often("session", times=3)
        assert_exactly_once(piped)
        assert piped.missing() == [], "every reply was printed to its end"


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, 2])
def test_1000_lines_arrive_exactly_once_although_the_session_is_killed_20_times(seed):
    with tree(rules=every_reply_takes(0.1)) as conversation:
        piped = Piped(conversation, 1000)
        piped.kill_often("session", times=20, seed=seed)
        assert_exactly_once(piped)
        assert piped.missing() == [], "every reply was printed to its end"


@pytest.mark.parametrize("name", ["keyboard", "coordinator", "console"])
def test_100_lines_arrive_exactly_once_although_another_part_is_killed_3_times(name):
    with tree(rules=every_reply_takes(0.03)) as conversation:
        piped = Piped(conversation, 100)
        piped.kill_often(name, times=3)
        assert_exactly_once(piped)
        if name != "console":
            assert piped.said == lines(100), "nobody but the console is needed to print"


@pytest.mark.parametrize("seed", [1, 2])
def test_lines_arrive_exactly_once_although_connections_break_at_random_turns(seed):
    chance = random.Random(seed)
    rules = [
        {
            "when": {
                "connection": number,
                "turn": chance.randint(1, 12),
                **chance.choice([{}, {"chunks": 1}]),
            },
            "do": FAULTS[number % 3],
        }
        for number in range(1, 8)
    ]
    with tree(rules=rules) as conversation:
        piped = Piped(conversation, 100)
        assert_exactly_once(piped)
        assert len(conversation.events("fault")) == 7
        assert piped.missing() == [], "every reply was printed to its end"
