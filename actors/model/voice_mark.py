"""Up to where the model's context holds the user's voice, as far as the newest resumption handle goes. Pure.

A handle is a snapshot of what the server had consumed when it issued it, the beginning of an unfinished sentence included.
What it had consumed it says only on Vertex AI (`lastConsumedClientMessageIndex`): there the mark is exact. Otherwise it is
estimated: a chunk is in the snapshot if it had a round trip's time before the handle came. Where nothing was on its way
(half duplex: the microphone is shut while a reply is heard, and handles come as it ends) that is exact, too; with an open
microphone the estimate can be wrong by what the link wavers, a few hundredths of a second.
"""

from collections import deque
from dataclasses import dataclass

from actors.model.ledger import Holds

CONSUME_S = 0.002
"""A server takes a moment to read what has arrived."""
REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class _Sent:
    index: int
    """Counted over all messages of the connection; 0 is its setup."""
    at_s: float
    end_ns: int


class VoiceMark:
    """Fed with what is sent on a connection and with the handles that come; remembers capture times."""

    def __init__(self) -> None:
        self.held_ns = 0
        """Stored beside the handle; 0: no voice is in the context."""
        self.sent_ns = 0
        """Up to where the present connection was sent the voice."""
        self._sent: deque[_Sent] = deque(maxlen=REMEMBERED)

    def opened(self) -> None:
        """A connection goes on from the newest handle."""
        self.sent_ns = self.held_ns
        self._sent.clear()

    def sends(self, index: int, end_ns: int, now: float) -> None:
        """The message of that number is about to carry the voice up to there."""
        self._sent.append(_Sent(index, now, end_ns))
        self.sent_ns = end_ns

    def handle_came(self, holds: Holds) -> None:
        """A handle was issued, which holds the messages that `holds` knows."""
        while self._sent and holds(self._sent[0].index, self._sent[0].at_s):
            self.held_ns = self._sent.popleft().end_ns

    def settle(self, end_ns: int) -> None:
        """No handle will come: what was sent up to there has been answered, and is not said again."""
        self.held_ns = max(self.held_ns, end_ns)


def holds_voice(last_index: int | None, round_trip_s: float, now: float) -> Holds:
    """Return what tells which chunks a handle that came now holds: up to the last one consumed, if the server says which."""
    if last_index is not None:
        return lambda index, _sent_at: index <= last_index
    before_s = now - round_trip_s - CONSUME_S
    return lambda _index, sent_at: sent_at <= before_s
